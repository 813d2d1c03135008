use godwit_openflow::model::{Action, Field, FlowRule, Pattern};

use super::*;

#[test]
fn a_rule_is_served_to_the_letter() {
    let pattern = Pattern::new()
        .in_port(PortNo(1))
        .with(Field::IpProto, 17_u8.into());
    let rule = FlowRule::new(7, pattern, vec![Action::output(PortNo(2))])
        .with_cookie(Owner::Entries.cookie(5));
    let stats = FlowStats {
        rule,
        duration_ns: u64::MAX,
        packets: 3,
        bytes: 4,
    };
    let served = serde_json::to_string(&CountedRuleDto::from(stats)).unwrap();
    let expected = concat!(
        r#"{"id":5,"#,
        r#""table":0,"priority":7,"cookie":"0x60d1000300000005","match":{"in_port":1,"ip_proto":17},"#,
        r#""instructions":[{"type":"apply_actions","actions":[{"type":"output","port":2}]}],"#,
        r#""idle_timeout":0,"hard_timeout":0,"#,
        r#""duration_ns":18446744073709551615,"packets":3,"bytes":4}"#,
    );
    assert_eq!(served, expected);
}
