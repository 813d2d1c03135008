"""Random messages of OpenFlow 1.0 for os-ken to build: every type that it can write."""

import random

NOT_NICIRA = 0x00004F4E
IPV4, ARP = 0x0800, 0x0806


class Builder:
    """Makes messages of each kind in turn."""

    def __init__(self, datapath, seed):
        self.datapath = datapath
        self.parser = datapath.ofproto_parser
        self.random = random.Random(seed)
        self.kinds = [
            lambda: self.parser.OFPHello(datapath),
            lambda: self.parser.OFPErrorMsg(datapath, self.number(16), self.number(16), self.data(80)),
            lambda: self.parser.OFPEchoRequest(datapath, self.data(60)),
            lambda: self.parser.OFPEchoReply(datapath, self.data(60)),
            self.vendor,
            lambda: self.parser.OFPFeaturesRequest(datapath),
            lambda: self.parser.OFPGetConfigRequest(datapath),
            lambda: self.parser.OFPSetConfig(datapath, self.number(16), self.number(16)),
            self.packet_out,
            self.flow_mod,
            self.port_mod,
            lambda: self.parser.OFPBarrierRequest(datapath),
            lambda: self.parser.OFPQueueGetConfigRequest(datapath, self.port()),
            lambda: self.parser.OFPDescStatsRequest(datapath, 0),
            lambda: self.flow_stats(self.parser.OFPFlowStatsRequest),
            lambda: self.flow_stats(self.parser.OFPAggregateStatsRequest),
            lambda: self.parser.OFPTableStatsRequest(datapath, 0),
            lambda: self.parser.OFPPortStatsRequest(datapath, 0, self.port(True)),
            lambda: self.parser.OFPQueueStatsRequest(datapath, 0, self.port(), self.number(32)),
            lambda: self.parser.OFPVendorStatsRequest(datapath, 0, NOT_NICIRA, self.data(40)),
            lambda: self.parser.NXTRoleRequest(datapath, self.random.randrange(3)),
        ]

    def message(self, number):
        """The message with this number."""
        return self.kinds[number % len(self.kinds)]()

    def number(self, bits):
        """Any number of so many bits, the ends among them more often."""
        return self.random.choice((0, 1, (1 << bits) - 1, *(self.random.getrandbits(bits) for _ in range(5))))

    def data(self, most, multiple=1):
        """Any bytes."""
        return self.random.randbytes(self.random.randrange(most // multiple + 1) * multiple)

    def port(self, none=False):
        """A port, or a reserved number; NONE only where it means something."""
        reserved = range(0xFFF8, 0x10000 if none else 0xFFFF)
        return self.random.choice((self.random.randrange(1, 0xFF01), self.random.choice(reserved)))

    def some(self, make, most=4):
        """A list of what `make` gives."""
        return [make() for _ in range(self.random.randrange(most + 1))]

    def vendor(self):
        message = self.parser.OFPVendor(self.datapath)
        message.vendor, message.data = NOT_NICIRA, self.data(60)
        return message

    def packet_out(self):
        buffered = self.random.random() < 0.3
        buffer_id = self.random.randrange(0xFFFFFFFF) if buffered else 0xFFFFFFFF
        return self.parser.OFPPacketOut(
            self.datapath,
            buffer_id,
            self.port(True),
            self.some(self.action),
            None if buffered else self.data(200),
        )

    def flow_mod(self):
        return self.parser.OFPFlowMod(
            self.datapath,
            match=self.match(),
            cookie=self.number(64),
            command=self.random.randrange(5),
            idle_timeout=self.number(16),
            hard_timeout=self.number(16),
            priority=self.number(16),
            buffer_id=self.random.choice((0xFFFFFFFF, self.number(31))),
            out_port=self.port(True),
            flags=self.random.getrandbits(2),
            actions=self.some(self.action),
        )

    def port_mod(self):
        return self.parser.OFPPortMod(
            self.datapath,
            self.port(),
            self.random.randbytes(6).hex(":"),
            self.random.getrandbits(7),
            self.random.getrandbits(7),
            self.random.getrandbits(12),
        )

    def flow_stats(self, kind):
        return kind(self.datapath, 0, self.match(), self.random.choice((0, 0xFF)), self.port(True))

    def match(self):
        """A match in which no value stands for a field that is not compared."""
        terms = {}
        self.maybe(terms, "in_port", self.port)
        self.maybe(terms, "dl_src", lambda: self.random.randbytes(6).hex(":"))
        self.maybe(terms, "dl_dst", lambda: self.random.randbytes(6).hex(":"))
        vlan = self.random.randrange(4)
        if vlan == 1:
            terms["dl_vlan"] = 0xFFFF
        if vlan >= 2:
            terms["dl_vlan"] = self.number(12)
        if vlan == 3:
            terms["dl_vlan_pcp"] = self.random.randrange(8)
        kind = self.random.choice((None, IPV4, ARP, 0x88CC))
        if kind is not None:
            terms["dl_type"] = kind
        if kind in (IPV4, ARP):
            for side in ("src", "dst"):
                if self.random.random() < 0.5:
                    length = self.random.randrange(1, 33)
                    mask = 0xFFFFFFFF & ~(0xFFFFFFFF >> length)
                    terms[f"nw_{side}"] = self.number(32) & mask
                    terms[f"nw_{side}_mask"] = length
        if kind == ARP:
            self.maybe(terms, "nw_proto", lambda: self.number(8))
        if kind == IPV4:
            self.maybe(terms, "nw_tos", lambda: self.random.randrange(64) << 2)
            self.transport(terms)
        return self.parser.OFPMatch(**terms)

    def transport(self, terms):
        """What stands above IPv4."""
        protocol = self.random.choice((None, 1, 6, 17, 89))
        if protocol is None:
            return
        terms["nw_proto"] = protocol
        if protocol != 89:
            bits = 8 if protocol == 1 else 16
            self.maybe(terms, "tp_src", lambda: self.number(bits))
            self.maybe(terms, "tp_dst", lambda: self.number(bits))

    def maybe(self, terms, name, make):
        """Match on this field, or don't."""
        if self.random.random() < 0.5:
            terms[name] = make()

    def action(self):
        parser = self.parser
        make = self.random.choice(
            (
                lambda: parser.OFPActionOutput(self.port(), self.number(16)),
                lambda: parser.OFPActionVlanVid(self.number(12)),
                lambda: parser.OFPActionVlanPcp(self.random.randrange(8)),
                parser.OFPActionStripVlan,
                lambda: parser.OFPActionSetDlSrc(self.random.randbytes(6)),
                lambda: parser.OFPActionSetDlDst(self.random.randbytes(6)),
                lambda: parser.OFPActionSetNwSrc(self.number(32)),
                lambda: parser.OFPActionSetNwDst(self.number(32)),
                lambda: parser.OFPActionSetNwTos(self.random.randrange(64) << 2),
                # A value that fits every protocol: for ICMP these are type and code.
                lambda: parser.OFPActionSetTpSrc(self.number(8)),
                lambda: parser.OFPActionSetTpDst(self.number(8)),
                lambda: parser.OFPActionEnqueue(self.port(), self.number(32)),
                lambda: parser.OFPActionVendorUnknown(NOT_NICIRA, self.data(24, 8)),
            )
        )
        return make()
