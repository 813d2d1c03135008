use super::*;

#[test]
fn each_finding_is_a_line_and_its_mend_stands_below() {
    let findings = [
        Finding::ok("clock", "right"),
        Finding::fail("HTTP 127.0.0.1:8080", "taken", "free it"),
    ];
    let text = render(&findings);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "ok    clock                right",
            "fail  HTTP 127.0.0.1:8080  taken",
            "                           → free it",
        ]
    );
}

#[test]
fn a_program_is_missing_or_fails_or_answers() {
    assert_eq!(
        ask("godwit-has-no-such-program", &[]),
        Err(NoAnswer::Missing)
    );
    assert_eq!(ask("sh", &["-c", "echo 1.2"]), Ok("1.2".to_owned()));
    assert_eq!(ask("sh", &["-c", "echo 1.2 >&2"]), Ok("1.2".to_owned()));
    let failed = ask("sh", &["-c", "echo why >&2; exit 3"]);
    assert_eq!(failed, Err(NoAnswer::Failed("why".to_owned())));
}
