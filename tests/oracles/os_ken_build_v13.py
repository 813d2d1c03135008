"""Random messages of OpenFlow 1.3 for os-ken to build: every type that it can write."""

import ipaddress
import random

from fields import FIELDS

NOT_NICIRA = 0x00004F4E


class Builder:
    """Makes messages of each kind in turn."""

    def __init__(self, datapath, seed):
        self.datapath = datapath
        self.ofproto = datapath.ofproto
        self.parser = datapath.ofproto_parser
        self.random = random.Random(seed)
        self.kinds = [
            self.hello,
            self.error,
            self.error_experimenter,
            self.echo_request,
            self.echo_reply,
            self.experimenter,
            lambda: self.parser.OFPFeaturesRequest(datapath),
            lambda: self.parser.OFPGetConfigRequest(datapath),
            lambda: self.parser.OFPSetConfig(datapath, self.number(16), self.number(16)),
            self.packet_out,
            self.flow_mod,
            self.group_mod,
            self.port_mod,
            self.meter_mod,
            lambda: self.parser.OFPTableMod(datapath, self.number(8), self.number(32)),
            lambda: self.parser.OFPBarrierRequest(datapath),
            lambda: self.parser.OFPQueueGetConfigRequest(datapath, self.port()),
            self.role_request,
            lambda: self.parser.OFPGetAsyncRequest(datapath),
            lambda: self.parser.OFPSetAsync(datapath, *([self.number(32), self.number(32)] for _ in range(3))),
            lambda: self.parser.OFPDescStatsRequest(datapath),
            lambda: self.flow_stats(self.parser.OFPFlowStatsRequest),
            lambda: self.flow_stats(self.parser.OFPAggregateStatsRequest),
            lambda: self.parser.OFPTableStatsRequest(datapath),
            lambda: self.parser.OFPPortStatsRequest(datapath, 0, self.port(True)),
            lambda: self.parser.OFPQueueStatsRequest(datapath, 0, self.port(True), self.number(32)),
            lambda: self.parser.OFPGroupStatsRequest(datapath, 0, self.number(32)),
            lambda: self.parser.OFPGroupDescStatsRequest(datapath),
            lambda: self.parser.OFPGroupFeaturesStatsRequest(datapath),
            lambda: self.parser.OFPMeterStatsRequest(datapath, 0, self.number(32)),
            lambda: self.parser.OFPMeterConfigStatsRequest(datapath, 0, self.number(32)),
            lambda: self.parser.OFPMeterFeaturesStatsRequest(datapath),
            self.table_features,
            lambda: self.parser.OFPPortDescStatsRequest(datapath),
            self.experimenter_stats,
            self.flow_monitor,
            self.bundle_control,
            self.bundle_add,
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

    def port(self, any_port=False):
        """A port, or a reserved number; ANY only where it means something."""
        reserved = range(0xFFFFFFF8, 0x100000000 if any_port else 0xFFFFFFFF)
        return self.random.choice((self.random.randrange(1, 0xFFFFFF01), self.random.choice(reserved)))

    def optional(self, value):
        """The value, or the number that means none."""
        return self.random.choice((0xFFFFFFFF, value))

    def some(self, make, most=4):
        """A list of what `make` gives."""
        return [make() for _ in range(self.random.randrange(most + 1))]

    def hello(self):
        """os-ken writes no elements."""
        return self.parser.OFPHello(self.datapath)

    def error(self):
        return self.parser.OFPErrorMsg(self.datapath, self.random.randrange(0xFFFF), self.number(16), self.data(80))

    def error_experimenter(self):
        return self.parser.OFPErrorExperimenterMsg(self.datapath, None, self.number(16), self.number(32), self.data(60))

    def echo_request(self):
        return self.parser.OFPEchoRequest(self.datapath, self.data(60))

    def echo_reply(self):
        return self.parser.OFPEchoReply(self.datapath, self.data(60))

    def experimenter(self):
        return self.parser.OFPExperimenter(self.datapath, NOT_NICIRA, self.number(32), self.data(60))

    def packet_out(self):
        buffered = self.random.random() < 0.3
        buffer_id = self.random.randrange(0xFFFFFFFF) if buffered else 0xFFFFFFFF
        data = None if buffered else self.data(200)
        actions = self.some(self.action)
        return self.parser.OFPPacketOut(self.datapath, buffer_id, self.port(), actions, data)

    def flow_mod(self):
        return self.parser.OFPFlowMod(
            self.datapath,
            cookie=self.number(64),
            cookie_mask=self.number(64),
            table_id=self.number(8),
            command=self.random.randrange(5),
            idle_timeout=self.number(16),
            hard_timeout=self.number(16),
            priority=self.number(16),
            buffer_id=self.optional(self.number(31)),
            out_port=self.optional(self.port()),
            out_group=self.optional(self.number(31)),
            flags=self.random.getrandbits(5),
            match=self.match(),
            instructions=self.some(self.instruction),
        )

    def group_mod(self):
        return self.parser.OFPGroupMod(
            self.datapath, self.random.randrange(3), self.random.randrange(4), self.number(32), self.some(self.bucket)
        )

    def bucket(self):
        return self.parser.OFPBucket(
            self.number(16), self.optional(self.port()), self.optional(self.number(31)), self.some(self.action)
        )

    def port_mod(self):
        return self.parser.OFPPortMod(
            self.datapath, self.port(), self.mac(), self.number(32), self.number(32), self.number(32)
        )

    def meter_mod(self):
        return self.parser.OFPMeterMod(
            self.datapath, self.random.randrange(3), self.random.getrandbits(4), self.number(32), self.some(self.band)
        )

    def band(self):
        rates = self.number(32), self.number(32)
        return self.random.choice(
            (
                self.parser.OFPMeterBandDrop(*rates),
                self.parser.OFPMeterBandDscpRemark(*rates, self.number(8)),
                self.parser.OFPMeterBandExperimenter(*rates, self.number(32)),
            )
        )

    def role_request(self):
        return self.parser.OFPRoleRequest(self.datapath, self.random.randrange(4), self.number(64))

    def flow_stats(self, kind):
        return kind(
            self.datapath,
            0,
            self.number(8),
            self.optional(self.port()),
            self.optional(self.number(31)),
            self.number(64),
            self.number(64),
            self.match(),
        )

    def table_features(self):
        return self.parser.OFPTableFeaturesStatsRequest(
            self.datapath, self.random.randrange(2), self.some(self.table, 2)
        )

    def table(self):
        return self.parser.OFPTableFeaturesStats(
            table_id=self.number(8),
            name=self.random.choice((b"", b"classifier", b"a name of 31 bytes, no more, no")),
            metadata_match=self.number(64),
            metadata_write=self.number(64),
            config=self.number(32),
            max_entries=self.number(32),
            properties=self.some(self.table_property, 5),
        )

    def table_property(self):
        parser = self.parser
        kind = self.random.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15, 0xFFFE, 0xFFFF))
        if kind in (0, 1):
            ids = self.some(lambda: parser.OFPInstructionId(self.random.randrange(1, 7)))
            return parser.OFPTableFeaturePropInstructions(type_=kind, instruction_ids=ids)
        if kind in (2, 3):
            return parser.OFPTableFeaturePropNextTables(type_=kind, table_ids=self.some(lambda: self.number(8), 12))
        if kind in (4, 5, 6, 7):
            ids = self.some(lambda: parser.OFPActionId(self.random.choice((0, *range(11, 13), *range(15, 28)))))
            return parser.OFPTableFeaturePropActions(type_=kind, action_ids=ids)
        if kind >= 0xFFFE:
            return parser.OFPTableFeaturePropExperimenter(
                type_=kind,
                experimenter=self.number(32),
                exp_type=self.number(32),
                data=self.some(lambda: self.number(32)),
            )
        ids = self.some(lambda: parser.OFPOxmId(self.random.choice(list(FIELDS)), self.random.random() < 0.5))
        return parser.OFPTableFeaturePropOxm(type_=kind, oxm_ids=ids)

    def experimenter_stats(self):
        return self.parser.OFPExperimenterStatsRequest(self.datapath, 0, NOT_NICIRA, self.number(32), self.data(40))

    def flow_monitor(self):
        def one():
            return self.parser.ONFFlowMonitorRequest(
                self.number(32),
                self.random.getrandbits(6),
                self.match(),
                self.random.choice((0xFFFFFFFF, self.port())),
                self.number(8),
            )

        return self.parser.ONFFlowMonitorStatsRequest(self.datapath, 0, self.some(one, 3))

    def bundle_control(self):
        return self.parser.ONFBundleCtrlMsg(
            self.datapath, self.number(32), self.random.randrange(8), self.random.getrandbits(2), []
        )

    def bundle_add(self):
        inner = self.random.choice((self.flow_mod, self.group_mod, self.port_mod, self.packet_out))()
        message = self.parser.ONFBundleAddMsg(self.datapath, self.number(32), self.random.getrandbits(2), inner, [])
        message.set_xid(self.random.getrandbits(32))
        return message

    def mac(self):
        return self.random.randbytes(6).hex(":")

    def value(self, field):
        """A value of a field as os-ken's users write it."""
        return self.written(field, self.number(field.bits))

    def written(self, field, number):
        """A number as os-ken's users write it in this field."""
        if field.form == "mac":
            return number.to_bytes(6, "big").hex(":")
        if field.form == "ip":
            return str(ipaddress.IPv6Address(number) if field.bits == 128 else ipaddress.IPv4Address(number))
        return number

    def match(self):
        fields = self.random.sample(list(FIELDS.values()), self.random.randrange(9))
        terms = {}
        for field in fields:
            if field.maskable and self.random.random() < 0.5:
                mask = self.random.randrange(1, field.full)
                value = self.number(field.bits) & mask
                terms[field.name] = (self.written(field, value), self.written(field, mask))
            else:
                terms[field.name] = self.value(field)
        return self.parser.OFPMatch(**terms)

    def action(self):
        parser = self.parser
        field = self.random.choice(list(FIELDS.values()))
        make = self.random.choice(
            (
                lambda: parser.OFPActionOutput(self.port(), self.number(16)),
                lambda: parser.OFPActionGroup(self.number(32)),
                lambda: parser.OFPActionSetQueue(self.number(32)),
                lambda: parser.OFPActionSetMplsTtl(self.number(8)),
                parser.OFPActionDecMplsTtl,
                lambda: parser.OFPActionSetNwTtl(self.number(8)),
                parser.OFPActionDecNwTtl,
                parser.OFPActionCopyTtlOut,
                parser.OFPActionCopyTtlIn,
                lambda: parser.OFPActionPushVlan(self.number(16)),
                lambda: parser.OFPActionPushMpls(self.number(16)),
                parser.OFPActionPopVlan,
                lambda: parser.OFPActionPopMpls(self.number(16)),
                lambda: parser.OFPActionSetField(**{field.name: self.value(field)}),
                lambda: parser.OFPActionPushPbb(self.number(16)),
                parser.OFPActionPopPbb,
                lambda: parser.OFPActionExperimenterUnknown(NOT_NICIRA, self.data(24, 8)),
            )
        )
        return make()

    def instruction(self):
        parser = self.parser
        make = self.random.choice(
            (
                lambda: parser.OFPInstructionGotoTable(self.number(8)),
                lambda: parser.OFPInstructionWriteMetadata(self.number(64), self.number(64)),
                lambda: parser.OFPInstructionActions(3, self.some(self.action)),
                lambda: parser.OFPInstructionActions(4, self.some(self.action)),
                lambda: parser.OFPInstructionActions(5, []),
                lambda: parser.OFPInstructionMeter(self.number(32)),
            )
        )
        return make()
