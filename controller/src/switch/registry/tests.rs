use std::sync::Arc;

use godwit_openflow::model::{Description, Features, Port};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo, Version};

use super::super::{Identity, PortTable, SwitchHandle};
use super::Registry;
use crate::connection::ConnectionMetrics;
use crate::connection::link::Link;
use crate::limits::Limits;

fn switch(registry: &Registry, dpid: u64, name: &str) -> (SwitchHandle, Arc<Link>) {
    let peer = ([127, 0, 0, 1], 1).into();
    let metrics = Arc::new(ConnectionMetrics::default());
    let link = Arc::new(Link::new(
        registry.next_connection(),
        peer,
        &Limits::default(),
        metrics,
    ));
    let features = Features {
        datapath_id: DatapathId(dpid),
        buffers: 0,
        tables: 1,
        auxiliary_id: 0,
        capabilities: 0,
        actions: None,
        ports: None,
    };
    let identity = Identity {
        version: Version::V13,
        features,
        description: Description::default(),
    };
    let local = Port {
        number: PortNo::LOCAL,
        mac: MacAddr::default(),
        name: name.to_owned(),
        admin_down: false,
        link_down: false,
        config: 0,
        state: 0,
        features: [0; 4],
        current_speed: 0,
        max_speed: 0,
    };
    let ports = PortTable::new([local]).unwrap();
    (SwitchHandle::new(identity, ports, Arc::clone(&link)), link)
}

#[test]
fn a_datapath_id_has_one_place() {
    let registry = Arc::new(Registry::new());
    let (first, _) = switch(&registry, 1, "s1");
    let (second, _) = switch(&registry, 1, "s1");
    let tenancy = registry.claim(&first).unwrap();
    assert_eq!(
        registry.claim(&second).unwrap_err().connection_id(),
        first.connection_id()
    );
    drop(tenancy);
    let _tenancy = registry.claim(&second).unwrap();
    assert_eq!(
        registry.get(DatapathId(1)).unwrap().connection_id(),
        second.connection_id()
    );
}

#[test]
fn a_switch_whose_connection_has_ended_is_not_found_but_keeps_its_place_until_it_retires() {
    let registry = Arc::new(Registry::new());
    let (gone, link) = switch(&registry, 1, "s1");
    let (next, _) = switch(&registry, 1, "s1");
    let tenancy = registry.claim(&gone).unwrap();
    link.end();
    assert!(
        registry.get(DatapathId(1)).is_none() && registry.list().is_empty() && registry.is_empty()
    );
    assert!(
        registry.claim(&next).is_err(),
        "its observer has not been told yet"
    );
    drop(tenancy);
    assert!(registry.claim(&next).is_ok());
}

#[test]
fn a_name_that_two_switches_bear_means_neither() {
    let registry = Arc::new(Registry::new());
    let (one, _) = switch(&registry, 1, "edge");
    let (two, _) = switch(&registry, 2, "edge");
    let _first = registry.claim(&one).unwrap();
    assert_eq!(registry.resolve("edge").unwrap().dpid(), DatapathId(1));
    let _second = registry.claim(&two).unwrap();
    assert!(registry.resolve("edge").is_none());
    assert_eq!(registry.resolve("0x2").unwrap().dpid(), DatapathId(2));
}

#[test]
fn a_name_that_is_not_fit_to_be_shown_is_not_used() {
    let registry = Registry::new();
    for name in ["", "a\nb", "s 1", "\u{1b}[31m"] {
        assert_eq!(
            switch(&registry, 0xab, name).0.name(),
            "00000000000000ab",
            "{name:?}"
        );
    }
}
