use godwit_openflow::model::{Action, FlowRule, Pattern};
use godwit_openflow::types::PortNo;

use super::*;

#[test]
fn an_entry_is_served_to_the_letter() {
    let rule = FlowRule::new(7, Pattern::new(), vec![Action::output(PortNo(2))])
        .with_flags(FlowFlags::SEND_FLOW_REMOVED);
    let entry = StaticEntry::new(DatapathId(1), "s1", rule, EntryState::Active);
    let counted = Counted {
        duration_ns: Some(u64::MAX),
        packets: None,
        bytes: Some(1),
    };
    let served = |counted| serde_json::to_string(&EntryDto::new((5, entry.clone()), counted));
    let bare = concat!(
        r#"{"id":5,"dpid":"0000000000000001","place":"0000000000000001","state":"active","#,
        r#""table":0,"priority":7,"cookie":"0x0000000000000000","match":{},"#,
        r#""instructions":[{"type":"apply_actions","actions":[{"type":"output","port":2}]}],"#,
        r#""idle_timeout":0,"hard_timeout":0,"flags":1"#,
    );
    let counts = r#","duration_ns":18446744073709551615,"packets":null,"bytes":1"#;
    assert_eq!(served(None).unwrap(), format!("{bare}}}"));
    assert_eq!(served(Some(counted)).unwrap(), format!("{bare}{counts}}}"));
}
