//! The bits of [`super::Features::capabilities`], of [`super::Port`] and of [`super::PortMod`], by their names.
//!
//! They have 1.3's numbers. What only 1.0 defines, and what it leaves undefined, stands 32 bits higher than there; so
//! no bit means two things, and each version knows by a bit's place whether it can say it.

/// Where the bits begin that only 1.0 has.
pub const ONLY_1_0_SHIFT: u32 = 32;

/// A bit that 1.0 alone has, by its place there.
const fn only_1_0(bit: u32) -> u64 {
    1 << (bit + ONLY_1_0_SHIFT)
}

/// What a switch can do (OF 1.3.5 §7.3.1, OF 1.0.2 §5.3.1, `ofp_capabilities`).
pub mod capability {
    use super::only_1_0;

    /// Counts what flow entries match.
    pub const FLOW_STATS: u64 = 1;
    /// Counts what tables match.
    pub const TABLE_STATS: u64 = 1 << 1;
    /// Counts what ports receive and send.
    pub const PORT_STATS: u64 = 1 << 2;
    /// Counts what groups process. Not in 1.0.
    pub const GROUP_STATS: u64 = 1 << 3;
    /// Can reassemble IP fragments.
    pub const IP_REASSEMBLY: u64 = 1 << 5;
    /// Counts what queues send.
    pub const QUEUE_STATS: u64 = 1 << 6;
    /// Blocks looping ports by itself. Not in 1.0.
    pub const PORT_BLOCKED: u64 = 1 << 8;
    /// Speaks the spanning tree protocol. Only in 1.0.
    pub const SPANNING_TREE: u64 = only_1_0(3);
    /// Reserved, must be zero. Only in 1.0.
    pub const RESERVED: u64 = only_1_0(4);
    /// Compares the IP addresses within ARP packets. Only in 1.0.
    pub const ARP_MATCH_IP: u64 = only_1_0(7);
}

/// How a port is to behave (OF 1.3.5 §7.2.1, OF 1.0.2 §5.2.1, `ofp_port_config`).
pub mod port_config {
    use super::only_1_0;

    /// Administratively down.
    pub const PORT_DOWN: u64 = 1;
    /// Drop what is received; in 1.0 all but the spanning tree protocol's packets.
    pub const NO_RECEIVE: u64 = 1 << 2;
    /// Drop what would be sent.
    pub const NO_FORWARD: u64 = 1 << 5;
    /// Send no PACKET_IN.
    pub const NO_PACKET_IN: u64 = 1 << 6;
    /// No spanning tree on this port. Only in 1.0.
    pub const NO_SPANNING_TREE: u64 = only_1_0(1);
    /// Drop what is received of the spanning tree protocol. Only in 1.0.
    pub const NO_RECEIVE_SPANNING_TREE: u64 = only_1_0(3);
    /// Not a part of flooding. Only in 1.0.
    pub const NO_FLOOD: u64 = only_1_0(4);
}

/// How a port is (OF 1.3.5 §7.2.1, OF 1.0.2 §5.2.1, `ofp_port_state`).
pub mod port_state {
    use super::ONLY_1_0_SHIFT;

    /// No carrier.
    pub const LINK_DOWN: u64 = 1;
    /// Blocked, so that nothing loops. Not in 1.0.
    pub const BLOCKED: u64 = 1 << 1;
    /// Live, for fast failover. Not in 1.0.
    pub const LIVE: u64 = 1 << 2;
    /// The two bits that hold the state of the spanning tree: 0 listens, without learning or forwarding. Only in 1.0.
    pub const SPANNING_TREE: u64 = 3 << (8 + ONLY_1_0_SHIFT);
    /// Of [`SPANNING_TREE`]: learns, does not forward.
    pub const SPANNING_TREE_LEARN: u64 = 1 << (8 + ONLY_1_0_SHIFT);
    /// Of [`SPANNING_TREE`]: learns and forwards.
    pub const SPANNING_TREE_FORWARD: u64 = 2 << (8 + ONLY_1_0_SHIFT);
    /// Of [`SPANNING_TREE`]: not a part of the tree.
    pub const SPANNING_TREE_BLOCK: u64 = 3 << (8 + ONLY_1_0_SHIFT);
}

/// What a port can do, or does (OF 1.3.5 §7.2.1, OF 1.0.2 §5.2.1, `ofp_port_features`). All that 1.0 has is in 1.3 too,
/// though some under another number.
pub mod port_feature {
    /// 10 Mb/s, half duplex.
    pub const SPEED_10_MB_HALF_DUPLEX: u64 = 1;
    /// 10 Mb/s, full duplex.
    pub const SPEED_10_MB: u64 = 1 << 1;
    /// 100 Mb/s, half duplex.
    pub const SPEED_100_MB_HALF_DUPLEX: u64 = 1 << 2;
    /// 100 Mb/s, full duplex.
    pub const SPEED_100_MB: u64 = 1 << 3;
    /// 1 Gb/s, half duplex.
    pub const SPEED_1_GB_HALF_DUPLEX: u64 = 1 << 4;
    /// 1 Gb/s, full duplex.
    pub const SPEED_1_GB: u64 = 1 << 5;
    /// 10 Gb/s.
    pub const SPEED_10_GB: u64 = 1 << 6;
    /// 40 Gb/s. Not in 1.0.
    pub const SPEED_40_GB: u64 = 1 << 7;
    /// 100 Gb/s. Not in 1.0.
    pub const SPEED_100_GB: u64 = 1 << 8;
    /// 1 Tb/s. Not in 1.0.
    pub const SPEED_1_TB: u64 = 1 << 9;
    /// Another speed. Not in 1.0.
    pub const SPEED_OTHER: u64 = 1 << 10;
    /// Copper.
    pub const COPPER: u64 = 1 << 11;
    /// Fiber.
    pub const FIBER: u64 = 1 << 12;
    /// Auto-negotiation.
    pub const AUTO_NEGOTIATION: u64 = 1 << 13;
    /// Pause.
    pub const PAUSE: u64 = 1 << 14;
    /// Asymmetric pause.
    pub const ASYMMETRIC_PAUSE: u64 = 1 << 15;
}
