use super::*;

/// A message of this type and length with its length as transaction id.
fn message(message_type: u8, length: u16) -> Vec<u8> {
    let [high, low] = length.to_be_bytes();
    let mut bytes = vec![4, message_type, high, low, 0, 0, high, low];
    bytes.resize(length.into(), 0xee);
    bytes
}

fn hello() -> Vec<u8> {
    message(0, 8)
}

/// What was cut: the lengths of messages, and troubles in words.
#[derive(Default)]
struct Seen(Vec<String>);

impl Seen {
    fn take(&mut self, cut: Cut) {
        self.0.push(match cut {
            Cut::Message(frame) => frame.bytes().len().to_string(),
            Cut::Trouble(trouble) => trouble.to_string(),
        });
    }

    fn data(&mut self, cutter: &mut Cutter, bytes: &[u8]) {
        cutter.data(bytes, &mut |cut| self.take(cut));
    }

    fn gap(&mut self, cutter: &mut Cutter, missing: u64) {
        cutter.gap(missing, &mut |cut| self.take(cut));
    }

    fn finish(&mut self, cutter: &mut Cutter) {
        cutter.finish(&mut |cut| self.take(cut));
    }
}

#[test]
fn messages_are_cut_wherever_segments_end() {
    let bytes = [hello(), message(2, 11), message(10, 300), message(3, 8)].concat();
    for size in [1, 3, 7, 8, 9, 100, 1000] {
        let (mut seen, mut cutter) = (Seen::default(), Cutter::at_beginning());
        for segment in bytes.chunks(size) {
            seen.data(&mut cutter, segment);
        }
        seen.finish(&mut cutter);
        assert_eq!(seen.0, ["8", "11", "300", "8"], "segments of {size}");
    }
}

#[test]
fn the_largest_message_is_cut() {
    let (mut seen, mut cutter) = (Seen::default(), Cutter::at_beginning());
    for segment in message(10, u16::MAX).chunks(1448) {
        seen.data(&mut cutter, segment);
    }
    assert_eq!(seen.0, ["65535"]);
}

#[test]
fn what_does_not_begin_like_openflow_is_not_read() {
    for (start, expected) in [
        (
            &b"GET / HTTP/1.1\r\n"[..],
            "not OpenFlow: the stream begins with 474554202f204854",
        ),
        (
            &[0x16, 3, 1, 0, 5, 1, 2, 3],
            "not OpenFlow but TLS: the stream begins with 1603010005010203",
        ),
        (
            &[4, 0, 0, 7, 0, 0, 0, 0],
            "not OpenFlow: the stream begins with 0400000700000000",
        ),
        (
            &[4, 99, 0, 8, 0, 0, 0, 0],
            "not OpenFlow: the stream begins with 0463000800000000",
        ),
    ] {
        let (mut seen, mut cutter) = (Seen::default(), Cutter::at_beginning());
        seen.data(&mut cutter, start);
        seen.data(&mut cutter, &hello());
        seen.gap(&mut cutter, 5);
        seen.data(&mut cutter, &hello());
        seen.finish(&mut cutter);
        assert_eq!(seen.0, [format!("{expected}, and is not read")]);
    }
}

#[test]
fn a_stream_out_of_step_is_abandoned_where_that_shows() {
    let (mut seen, mut cutter) = (Seen::default(), Cutter::at_beginning());
    seen.data(
        &mut cutter,
        &[hello(), vec![4, 2, 0, 3, 0, 0, 0, 1], hello()].concat(),
    );
    assert_eq!(seen.0.len(), 2);
    assert_eq!(seen.0[0], "8");
    assert!(
        seen.0[1].starts_with("out of step at byte 8 of the stream: 0402000300000001"),
        "{}",
        seen.0[1]
    );
}

#[test]
fn a_few_messages_of_strange_versions_pass_many_do_not() {
    let strange = [9, 0, 0, 8, 0, 0, 0, 0];
    let (mut seen, mut cutter) = (Seen::default(), Cutter::at_beginning());
    seen.data(
        &mut cutter,
        &[hello(), strange.to_vec(), strange.to_vec(), hello()].concat(),
    );
    assert_eq!(seen.0, ["8", "8", "8", "8"]);
    seen.data(&mut cutter, &strange.repeat(4));
    assert_eq!(seen.0.len(), 7);
    assert!(
        seen.0[6].starts_with("out of step at byte 48 of"),
        "{}",
        seen.0[6]
    );
}

#[test]
fn behind_a_gap_within_a_message_the_next_one_is_known() {
    for missing in [1, 50, 92] {
        let (mut seen, mut cutter) = (Seen::default(), Cutter::at_beginning());
        let message = message(10, 100);
        seen.data(&mut cutter, &[hello(), message[..8].to_vec()].concat());
        seen.gap(&mut cutter, missing as u64);
        for byte in &message[8 + missing..] {
            seen.data(&mut cutter, &[*byte]);
        }
        seen.data(&mut cutter, &hello());
        let gap = format!(
            "{missing} bytes are missing from the capture at byte 16 of the stream, \
             within a message of which 8 bytes were there"
        );
        assert_eq!(seen.0, ["8".to_owned(), gap, "8".to_owned()]);
    }
}

#[test]
fn behind_other_gaps_a_boundary_is_searched() {
    let (mut seen, mut cutter) = (Seen::default(), Cutter::at_beginning());
    seen.data(&mut cutter, &hello());
    seen.gap(&mut cutter, 1000);
    seen.data(&mut cutter, &[0xee; 30]);
    seen.data(&mut cutter, &[message(10, 60), message(2, 9)].concat());
    assert_eq!(
        seen.0[1],
        "1000 bytes are missing from the capture at byte 8 of the stream"
    );
    assert_eq!(
        seen.0[2],
        "30 bytes skipped at byte 1008 of the stream, up to the next message"
    );
    assert_eq!(seen.0[3..], ["60", "9"]);
}

#[test]
fn a_capture_may_begin_and_end_within_messages() {
    let (mut seen, mut cutter) = (Seen::default(), Cutter::default());
    seen.data(&mut cutter, &[0xee; 10]);
    seen.data(&mut cutter, &message(10, 64));
    seen.data(&mut cutter, &message(10, 64)[..20]);
    seen.finish(&mut cutter);
    assert_eq!(
        seen.0,
        [
            "10 bytes skipped at byte 0 of the stream, up to the next message",
            "64",
            "the capture ends within a message: 20 bytes of it are there of 64",
        ]
    );
    assert!(
        !Trouble::Skipped {
            offset: 0,
            skipped: 1
        }
        .is_failure()
    );
    assert!(
        Trouble::Skipped {
            offset: 1,
            skipped: 1
        }
        .is_failure()
    );
}

#[test]
fn a_search_without_end_is_given_up() {
    let (mut seen, mut cutter) = (Seen::default(), Cutter::default());
    for _ in 0..200 {
        seen.data(&mut cutter, &[0xee; 1448]);
        assert!(cutter.buffer.len() <= MAX_SEARCHED + 1448);
    }
    assert_eq!(seen.0.len(), 1);
    assert!(
        seen.0[0].starts_with("no message found in 131768 bytes from byte 0 "),
        "{}",
        seen.0[0]
    );
}
