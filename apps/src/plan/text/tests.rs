use godwit_openflow::model::{Action, FlowRule, Pattern};
use godwit_openflow::types::PortNo;

use super::*;

#[test]
fn a_step_is_served_to_the_letter() {
    let rule = |port| FlowRule::new(7, Pattern::new(), vec![Action::output(PortNo(port))]);
    let step = EntryStep {
        part: Part::Neighbour,
        dpid: DatapathId(1),
        change: Change::Modify,
        before: Some(Entry::Rule(rule(1))),
        after: Some(Entry::Rule(rule(2))),
    };
    let served = serde_json::to_string(&EntryStepDto::from(&step)).unwrap();
    let expected = concat!(
        r#"{"change":"modify","rule":{"#,
        r#""table":0,"priority":7,"cookie":"0x0000000000000000","match":{},"#,
        r#""instructions":[{"type":"apply_actions","actions":[{"type":"output","port":2}]}],"#,
        r#""idle_timeout":0,"hard_timeout":0},"#,
        r#""why":"it leads to the target instead of the source from here on","#,
        r#""undo":{"change":"modify","rule":{"#,
        r#""table":0,"priority":7,"cookie":"0x0000000000000000","match":{},"#,
        r#""instructions":[{"type":"apply_actions","actions":[{"type":"output","port":1}]}],"#,
        r#""idle_timeout":0,"hard_timeout":0}}}"#,
    );
    assert_eq!(served, expected);
}
