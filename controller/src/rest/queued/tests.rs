use std::time::{Duration, SystemTime};

use godwit_openflow::model::{Action, FlowMod, FlowRule, Pattern};
use godwit_openflow::types::{PortNo, TableId};

use super::*;

#[test]
fn a_held_write_is_served_to_the_letter() {
    let rule = FlowRule {
        table: TableId(3),
        hard_timeout: 9,
        ..FlowRule::new(7, Pattern::new(), vec![Action::output(PortNo(2))])
    };
    let held = HeldWrite {
        number: 1,
        dpid: DatapathId(2),
        writer: "entries",
        write: FlowMod::add(rule.with_flags(FlowFlags::SEND_FLOW_REMOVED)),
        since: SystemTime::UNIX_EPOCH + Duration::from_secs(1),
    };
    let served = serde_json::to_string(&QueuedDto::from(held)).unwrap();
    let expected = concat!(
        r#"{"number":1,"dpid":"0000000000000002","writer":"entries","command":"add","#,
        r#""table":3,"priority":7,"cookie":"0x0000000000000000","match":{},"#,
        r#""instructions":[{"type":"apply_actions","actions":[{"type":"output","port":2}]}],"#,
        r#""idle_timeout":0,"hard_timeout":9,"flags":1,"#,
        r#""since":"1970-01-01T00:00:01.000Z"}"#,
    );
    assert_eq!(served, expected);
}
