use super::{HEADER_LENGTH, Header};

const HEADER: Header = Header {
    run: 0x0102_0304,
    flow: 7,
    sequence: u64::MAX,
    sent_at_ns: 1_234_567_890_123,
};

#[test]
fn a_header_reads_back_as_written() {
    let mut payload = [0xff; HEADER_LENGTH + 10];
    HEADER.write(&mut payload);
    assert_eq!(Header::read(&payload), Some(HEADER));
    assert_eq!(
        payload[HEADER_LENGTH..],
        [0xff; 10],
        "the rest is untouched"
    );
}

#[test]
fn a_payload_cut_anywhere_in_the_header_is_no_probe_packet() {
    let mut payload = [0; HEADER_LENGTH];
    HEADER.write(&mut payload);
    for length in 0..HEADER_LENGTH {
        assert_eq!(Header::read(&payload[..length]), None, "{length} bytes");
    }
}

#[test]
fn another_magic_is_no_probe_packet() {
    let mut payload = [0; HEADER_LENGTH];
    HEADER.write(&mut payload);
    payload[7] ^= 1;
    assert_eq!(Header::read(&payload), None);
}

#[test]
fn a_packet_is_found_behind_the_headers_of_its_frame() {
    for headers in [0, 42, 50, 90] {
        let mut frame = vec![0x55; headers + HEADER_LENGTH];
        HEADER.write(&mut frame[headers..]);
        assert_eq!(Header::find(&frame), Some(HEADER), "behind {headers} bytes");
        frame.pop();
        assert_eq!(Header::find(&frame), None, "cut, behind {headers} bytes");
    }
    let mut frame = vec![0; 91 + HEADER_LENGTH];
    HEADER.write(&mut frame[91..]);
    assert_eq!(Header::find(&frame), None, "deeper than headers reach");
    assert_eq!(Header::find(&[]), None);
}
