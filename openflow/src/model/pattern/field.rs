//! The match fields of OpenFlow, and what is true of each.

/// How a field's value is written for people and in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A decimal number.
    Decimal,
    /// A port number or the name of a reserved port.
    Port,
    /// A MAC address.
    Mac,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A VLAN id, whose 13th bit says that there is a tag (OF 1.3.5 §7.2.3.7, `OFPVID_PRESENT`).
    Vlan,
}

/// The basic fields of OpenFlow 1.3 (OF 1.3.5 §7.2.3.7, table 12), by their OXM numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(
    missing_docs,
    reason = "the names are those of the specification, and the table below says the rest"
)]
pub enum Field {
    InPort = 0,
    InPhyPort = 1,
    Metadata = 2,
    EthDst = 3,
    EthSrc = 4,
    EthType = 5,
    VlanVid = 6,
    VlanPcp = 7,
    IpDscp = 8,
    IpEcn = 9,
    IpProto = 10,
    Ipv4Src = 11,
    Ipv4Dst = 12,
    TcpSrc = 13,
    TcpDst = 14,
    UdpSrc = 15,
    UdpDst = 16,
    SctpSrc = 17,
    SctpDst = 18,
    Icmpv4Type = 19,
    Icmpv4Code = 20,
    ArpOp = 21,
    ArpSpa = 22,
    ArpTpa = 23,
    ArpSha = 24,
    ArpTha = 25,
    Ipv6Src = 26,
    Ipv6Dst = 27,
    Ipv6Flabel = 28,
    Icmpv6Type = 29,
    Icmpv6Code = 30,
    Ipv6NdTarget = 31,
    Ipv6NdSll = 32,
    Ipv6NdTll = 33,
    MplsLabel = 34,
    MplsTc = 35,
    MplsBos = 36,
    PbbIsid = 37,
    TunnelId = 38,
    Ipv6Exthdr = 39,
}

/// What must stand beside a field (OF 1.3.5 §7.2.3.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prerequisite {
    /// The field that must be there.
    pub field: Field,
    /// What must be true of it.
    pub condition: Condition,
}

/// What must be true of a field that another one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It must have one of these values, in all of its bits.
    OneOf(&'static [u128]),
    /// All of these bits must be required to be set.
    Set(u128),
    /// Any value will do.
    Any,
}

/// All of them must be met; the nearest comes first.
type Prerequisites = &'static [Prerequisite];

struct Facts {
    field: Field,
    name: &'static str,
    bits: u8,
    wire_bytes: u8,
    maskable: bool,
    format: Format,
    prerequisites: Prerequisites,
}

const fn facts(
    field: Field,
    name: &'static str,
    bits: u8,
    wire_bytes: u8,
    maskable: bool,
    format: Format,
    prerequisites: Prerequisites,
) -> Facts {
    Facts {
        field,
        name,
        bits,
        wire_bytes,
        maskable,
        format,
        prerequisites,
    }
}

const fn one_of(field: Field, values: &'static [u128]) -> Prerequisite {
    Prerequisite {
        field,
        condition: Condition::OneOf(values),
    }
}

const ETH_IP: Prerequisite = one_of(Field::EthType, &[0x0800, 0x86dd]);
const ETH_IPV4: Prerequisite = one_of(Field::EthType, &[0x0800]);
const ETH_IPV6: Prerequisite = one_of(Field::EthType, &[0x86dd]);
const PROTO_ICMPV6: Prerequisite = one_of(Field::IpProto, &[58]);
const NONE: Prerequisites = &[];
const IP: Prerequisites = &[ETH_IP];
const IPV4: Prerequisites = &[ETH_IPV4];
const IPV6: Prerequisites = &[ETH_IPV6];
const ARP: Prerequisites = &[one_of(Field::EthType, &[0x0806])];
const MPLS: Prerequisites = &[one_of(Field::EthType, &[0x8847, 0x8848])];
const PBB: Prerequisites = &[one_of(Field::EthType, &[0x88e7])];
const TCP: Prerequisites = &[one_of(Field::IpProto, &[6]), ETH_IP];
const UDP: Prerequisites = &[one_of(Field::IpProto, &[17]), ETH_IP];
const SCTP: Prerequisites = &[one_of(Field::IpProto, &[132]), ETH_IP];
const ICMPV4: Prerequisites = &[one_of(Field::IpProto, &[1]), ETH_IPV4];
const ICMPV6: Prerequisites = &[PROTO_ICMPV6, ETH_IPV6];
const NEIGHBOUR: Prerequisites = &[
    one_of(Field::Icmpv6Type, &[135, 136]),
    PROTO_ICMPV6,
    ETH_IPV6,
];
const SOLICITATION: Prerequisites = &[one_of(Field::Icmpv6Type, &[135]), PROTO_ICMPV6, ETH_IPV6];
const ADVERTISEMENT: Prerequisites = &[one_of(Field::Icmpv6Type, &[136]), PROTO_ICMPV6, ETH_IPV6];
/// A tag, whatever its id: `OFPVID_PRESENT`.
const TAGGED: Prerequisites = &[Prerequisite {
    field: Field::VlanVid,
    condition: Condition::Set(0x1000),
}];
const INGRESS: Prerequisites = &[Prerequisite {
    field: Field::InPort,
    condition: Condition::Any,
}];

/// OF 1.3.5 §7.2.3.7, table 12 (width, mask) and §7.2.3.6 (prerequisites), in the order of the numbers.
#[rustfmt::skip]
const FACTS: [Facts; 40] = [
    facts(Field::InPort, "in_port", 32, 4, false, Format::Port, NONE),
    facts(Field::InPhyPort, "in_phy_port", 32, 4, false, Format::Port, INGRESS),
    facts(Field::Metadata, "metadata", 64, 8, true, Format::Decimal, NONE),
    facts(Field::EthDst, "eth_dst", 48, 6, true, Format::Mac, NONE),
    facts(Field::EthSrc, "eth_src", 48, 6, true, Format::Mac, NONE),
    facts(Field::EthType, "eth_type", 16, 2, false, Format::Decimal, NONE),
    facts(Field::VlanVid, "vlan_vid", 13, 2, true, Format::Vlan, NONE),
    facts(Field::VlanPcp, "vlan_pcp", 3, 1, false, Format::Decimal, TAGGED),
    facts(Field::IpDscp, "ip_dscp", 6, 1, false, Format::Decimal, IP),
    facts(Field::IpEcn, "ip_ecn", 2, 1, false, Format::Decimal, IP),
    facts(Field::IpProto, "ip_proto", 8, 1, false, Format::Decimal, IP),
    facts(Field::Ipv4Src, "ipv4_src", 32, 4, true, Format::Ipv4, IPV4),
    facts(Field::Ipv4Dst, "ipv4_dst", 32, 4, true, Format::Ipv4, IPV4),
    facts(Field::TcpSrc, "tcp_src", 16, 2, false, Format::Decimal, TCP),
    facts(Field::TcpDst, "tcp_dst", 16, 2, false, Format::Decimal, TCP),
    facts(Field::UdpSrc, "udp_src", 16, 2, false, Format::Decimal, UDP),
    facts(Field::UdpDst, "udp_dst", 16, 2, false, Format::Decimal, UDP),
    facts(Field::SctpSrc, "sctp_src", 16, 2, false, Format::Decimal, SCTP),
    facts(Field::SctpDst, "sctp_dst", 16, 2, false, Format::Decimal, SCTP),
    facts(Field::Icmpv4Type, "icmpv4_type", 8, 1, false, Format::Decimal, ICMPV4),
    facts(Field::Icmpv4Code, "icmpv4_code", 8, 1, false, Format::Decimal, ICMPV4),
    facts(Field::ArpOp, "arp_op", 16, 2, false, Format::Decimal, ARP),
    facts(Field::ArpSpa, "arp_spa", 32, 4, true, Format::Ipv4, ARP),
    facts(Field::ArpTpa, "arp_tpa", 32, 4, true, Format::Ipv4, ARP),
    facts(Field::ArpSha, "arp_sha", 48, 6, true, Format::Mac, ARP),
    facts(Field::ArpTha, "arp_tha", 48, 6, true, Format::Mac, ARP),
    facts(Field::Ipv6Src, "ipv6_src", 128, 16, true, Format::Ipv6, IPV6),
    facts(Field::Ipv6Dst, "ipv6_dst", 128, 16, true, Format::Ipv6, IPV6),
    facts(Field::Ipv6Flabel, "ipv6_flabel", 20, 4, true, Format::Decimal, IPV6),
    facts(Field::Icmpv6Type, "icmpv6_type", 8, 1, false, Format::Decimal, ICMPV6),
    facts(Field::Icmpv6Code, "icmpv6_code", 8, 1, false, Format::Decimal, ICMPV6),
    facts(Field::Ipv6NdTarget, "ipv6_nd_target", 128, 16, false, Format::Ipv6, NEIGHBOUR),
    facts(Field::Ipv6NdSll, "ipv6_nd_sll", 48, 6, false, Format::Mac, SOLICITATION),
    facts(Field::Ipv6NdTll, "ipv6_nd_tll", 48, 6, false, Format::Mac, ADVERTISEMENT),
    facts(Field::MplsLabel, "mpls_label", 20, 4, false, Format::Decimal, MPLS),
    facts(Field::MplsTc, "mpls_tc", 3, 1, false, Format::Decimal, MPLS),
    facts(Field::MplsBos, "mpls_bos", 1, 1, false, Format::Decimal, MPLS),
    facts(Field::PbbIsid, "pbb_isid", 24, 3, true, Format::Decimal, PBB),
    facts(Field::TunnelId, "tunnel_id", 64, 8, true, Format::Decimal, NONE),
    facts(Field::Ipv6Exthdr, "ipv6_exthdr", 9, 2, true, Format::Decimal, IPV6),
];

impl Field {
    /// Every field, in the order of the OXM numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        FACTS.iter().map(|facts| facts.field)
    }

    const fn facts(self) -> &'static Facts {
        &FACTS[self as usize]
    }

    /// The number within OXM class `OFPXMC_OPENFLOW_BASIC`.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The field with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        FACTS.get(usize::from(number)).map(|facts| facts.field)
    }

    /// The OXM name in lower case, without `OXM_OF_`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The field with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        FACTS
            .iter()
            .find(|facts| facts.name == name)
            .map(|facts| facts.field)
    }

    /// How many bits it has.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.facts().bits
    }

    /// How many bytes its value takes in an OXM TLV, without mask.
    #[must_use]
    pub const fn wire_bytes(self) -> u8 {
        self.facts().wire_bytes
    }

    /// Whether OpenFlow 1.3 lets it be masked.
    #[must_use]
    pub const fn maskable(self) -> bool {
        self.facts().maskable
    }

    /// How its value is written.
    #[must_use]
    pub const fn format(self) -> Format {
        self.facts().format
    }

    /// All of its bits.
    #[must_use]
    pub const fn full_mask(self) -> u128 {
        u128::MAX >> (128 - self.bits() as u32)
    }

    /// What must stand beside it.
    #[must_use]
    pub const fn prerequisites(self) -> &'static [Prerequisite] {
        self.facts().prerequisites
    }
}
