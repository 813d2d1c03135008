//! Every vector is read as what it means, and what it means is written as the vector's bytes.

use std::collections::BTreeSet;

use godwit_openflow::codec::Frame;
use godwit_openflow::model::{FromSwitch, ToSwitch};

use super::{Message, Named, Wire, hex};

/// Each message is what its vector is read as, and is written as its vector.
pub(crate) fn check<M: Message>(wire: Wire, messages: Named<M>) {
    for (name, message) in messages {
        let bytes = wire.vector(name);
        assert_eq!(M::decode(bytes.clone()).as_ref(), Ok(&message), "{name}");
        let encoded = wire
            .encode(&message)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(hex(&encoded), hex(&bytes), "{name}");
    }
}

/// These messages have all vectors, whose transaction id is the version's.
pub(crate) fn check_completeness(
    wire: Wire,
    to_switch: Named<ToSwitch>,
    from_switch: Named<FromSwitch>,
) {
    let meant: BTreeSet<&str> = (to_switch.iter().map(|(name, _)| *name))
        .chain(from_switch.iter().map(|(name, _)| *name))
        .collect();
    let vectors = wire.vectors();
    let names: BTreeSet<&str> = vectors.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(meant, names);
    for (name, bytes) in vectors {
        assert_eq!(Frame::new(bytes).unwrap().xid(), wire.xid, "{name}");
    }
}
