"""The match fields of OpenFlow 1.3 as its specification lists them (OF 1.3.5 §7.2.3.7, table 12)."""

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One field. `form` says how people write its value."""

    name: str
    number: int
    bits: int
    maskable: bool = False
    form: str = "number"

    @property
    def full(self):
        """The mask with all of its bits."""
        return (1 << self.bits) - 1


FIELDS = {
    field.name: field
    for field in (
        Field("in_port", 0, 32, form="port"),
        Field("in_phy_port", 1, 32, form="port"),
        Field("metadata", 2, 64, True),
        Field("eth_dst", 3, 48, True, "mac"),
        Field("eth_src", 4, 48, True, "mac"),
        Field("eth_type", 5, 16),
        Field("vlan_vid", 6, 13, True, "vlan"),
        Field("vlan_pcp", 7, 3),
        Field("ip_dscp", 8, 6),
        Field("ip_ecn", 9, 2),
        Field("ip_proto", 10, 8),
        Field("ipv4_src", 11, 32, True, "ip"),
        Field("ipv4_dst", 12, 32, True, "ip"),
        Field("tcp_src", 13, 16),
        Field("tcp_dst", 14, 16),
        Field("udp_src", 15, 16),
        Field("udp_dst", 16, 16),
        Field("sctp_src", 17, 16),
        Field("sctp_dst", 18, 16),
        Field("icmpv4_type", 19, 8),
        Field("icmpv4_code", 20, 8),
        Field("arp_op", 21, 16),
        Field("arp_spa", 22, 32, True, "ip"),
        Field("arp_tpa", 23, 32, True, "ip"),
        Field("arp_sha", 24, 48, True, "mac"),
        Field("arp_tha", 25, 48, True, "mac"),
        Field("ipv6_src", 26, 128, True, "ip"),
        Field("ipv6_dst", 27, 128, True, "ip"),
        Field("ipv6_flabel", 28, 20, True),
        Field("icmpv6_type", 29, 8),
        Field("icmpv6_code", 30, 8),
        Field("ipv6_nd_target", 31, 128, form="ip"),
        Field("ipv6_nd_sll", 32, 48, form="mac"),
        Field("ipv6_nd_tll", 33, 48, form="mac"),
        Field("mpls_label", 34, 20),
        Field("mpls_tc", 35, 3),
        Field("mpls_bos", 36, 1),
        Field("pbb_isid", 37, 24, True),
        Field("tunnel_id", 38, 64, True),
        Field("ipv6_exthdr", 39, 9, True),
    )
}

PORTS = {
    "in_port": 0xFFFFFFF8,
    "table": 0xFFFFFFF9,
    "normal": 0xFFFFFFFA,
    "flood": 0xFFFFFFFB,
    "all": 0xFFFFFFFC,
    "controller": 0xFFFFFFFD,
    "local": 0xFFFFFFFE,
    "any": 0xFFFFFFFF,
}

VLAN_PRESENT = 0x1000


def port_number(value):
    """A port number from a number or the name of a reserved port."""
    return PORTS[value] if value in PORTS else int(value)


def mac_number(text):
    """A MAC address as a number."""
    return int(text.replace(":", ""), 16)


def plain_number(field, value):
    """The value of a field from any of the forms in which people write it, without a mask."""
    if isinstance(value, int):
        return value
    if field.form == "mac":
        return mac_number(value)
    if field.form == "port":
        return port_number(value)
    if field.form == "ip" and not value.startswith("0x"):
        return int(ipaddress.ip_address(value))
    return int(value, 0)
