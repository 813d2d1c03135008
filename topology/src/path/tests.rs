use super::*;

fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

fn link(src: (u64, u32), dst: (u64, u32)) -> Link {
    Link {
        src: port(src.0, src.1),
        dst: port(dst.0, dst.1),
    }
}

#[test]
fn hops_and_links_say_the_same() {
    let links = [link((1, 2), (2, 1)), link((2, 2), (3, 1))];
    let path = Path::new(port(1, 1), &links, port(3, 2)).unwrap();
    assert_eq!(path.links().collect::<Vec<_>>(), links);
    assert_eq!(path.link_count(), 2);
    assert_eq!(
        path.switches().collect::<Vec<_>>(),
        [1, 2, 3].map(DatapathId)
    );
    assert_eq!(
        (path.source(), path.destination()),
        (port(1, 1), port(3, 2))
    );
    let middle = Hop {
        dpid: DatapathId(2),
        in_port: PortNo(1),
        out_port: PortNo(2),
    };
    assert_eq!(path.hop_at(DatapathId(2)), Some(middle));
    assert_eq!(path.hop_at(DatapathId(9)), None);
}

#[test]
fn two_ends_on_one_switch_make_one_hop() {
    let path = Path::new(port(7, 1), &[], port(7, 2)).unwrap();
    assert_eq!(path.hops().len(), 1);
    assert_eq!(path.link_count(), 0);
}

#[test]
fn what_is_no_path_is_refused_with_the_reason() {
    let there_and_back = [link((1, 2), (2, 1)), link((2, 2), (1, 3))];
    assert_eq!(
        Path::new(port(1, 1), &there_and_back, port(1, 4)),
        Err(PathError::Loop {
            dpid: DatapathId(1)
        })
    );
    assert_eq!(
        Path::new(port(1, 1), &[link((2, 1), (3, 1))], port(3, 2)),
        Err(PathError::Broken {
            from: DatapathId(1),
            to: DatapathId(2)
        })
    );
    assert_eq!(
        Path::new(port(1, 1), &[], port(2, 1)),
        Err(PathError::Broken {
            from: DatapathId(1),
            to: DatapathId(2)
        })
    );
    assert_eq!(
        Path::new(port(1, 1), &[], port(1, 1)),
        Err(PathError::TurnsBack {
            dpid: DatapathId(1),
            port: PortNo(1)
        })
    );
    assert_eq!(Path::try_from(Vec::new()), Err(PathError::Empty));
}

#[test]
fn json_is_the_list_of_hops_and_is_checked_when_read() {
    let path = Path::new(port(1, 1), &[link((1, 2), (2, 1))], port(2, 5)).unwrap();
    let json = serde_json::to_string(&path).unwrap();
    assert_eq!(
        json,
        r#"[{"dpid":"0000000000000001","in_port":1,"out_port":2},{"dpid":"0000000000000002","in_port":1,"out_port":5}]"#
    );
    assert_eq!(serde_json::from_str::<Path>(&json).unwrap(), path);
    let looped =
        r#"[{"dpid":"0x1","in_port":1,"out_port":2},{"dpid":"0x1","in_port":3,"out_port":4}]"#;
    assert!(
        serde_json::from_str::<Path>(looped)
            .unwrap_err()
            .to_string()
            .contains("twice")
    );
    assert!(serde_json::from_str::<Path>("[]").is_err());
}
