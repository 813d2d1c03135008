"""As much OpenFlow as tests and experiments speak themselves, to switches and to the controller."""

import itertools
import socket
import struct
from dataclasses import dataclass

HEADER = struct.Struct("!BBHI")

V10, V13 = 1, 4

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY = 0, 1, 2, 3
FEATURES_REQUEST, FEATURES_REPLY, GET_CONFIG_REQUEST, GET_CONFIG_REPLY = 5, 6, 7, 8
PACKET_IN, PACKET_OUT, FLOW_MOD = 10, 13, 14
BARRIER_REQUEST = {V10: 18, V13: 20}
BARRIER_REPLY = {V10: 19, V13: 21}
STATS_REQUEST = {V10: 16, V13: 18}
STATS_REPLY = {V10: 17, V13: 19}

HELLO_FAILED, BAD_REQUEST = 0, 1
BAD_VERSION, BAD_TYPE = 0, 1

ADD, MODIFY_STRICT, DELETE_STRICT = 0, 2, 4

DESCRIPTION, PORT_DESCRIPTION = 0, 13

_xids = itertools.count(1)


@dataclass(frozen=True)
class Message:
    """One message, cut from the stream."""

    version: int
    kind: int
    xid: int
    body: bytes


def message(version, kind, body=b"", xid=None):
    """A message's bytes."""
    return HEADER.pack(version, kind, HEADER.size + len(body), next(_xids) if xid is None else xid) + body


class Connection:
    """A stream of messages."""

    def __init__(self, sock, timeout=10):
        self._socket = sock
        self._socket.settimeout(timeout)
        self._rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, data):
        """Send bytes as they are."""
        self._socket.sendall(data)

    def receive(self):
        """The next message; None when the peer has closed."""
        while len(self._rest) < HEADER.size or len(self._rest) < HEADER.unpack_from(self._rest)[2]:
            try:
                more = self._socket.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not more:
                return None
            self._rest += more
        version, kind, length, xid = HEADER.unpack_from(self._rest)
        body, self._rest = self._rest[HEADER.size : length], self._rest[length:]
        return Message(version, kind, xid, body)

    def receive_kind(self, kind):
        """The next message of this type; None when the peer has closed before."""
        while True:
            received = self.receive()
            if received is None or received.kind == kind:
                return received

    def closed_by_peer(self):
        """Read to the end; whether the peer has closed within the timeout."""
        try:
            while self.receive() is not None:
                pass
        except TimeoutError:
            return False
        return True


def connect_to_controller(port, timeout=10):
    """A connection as a switch makes it."""
    return Connection(socket.create_connection(("127.0.0.1", port), timeout), timeout)


def connect_to_switch(switch, timeout=30):
    """A connection as a controller has it, with the handshake done. `switch` is a Mininet node."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(f"{switch.run_directory}/{switch.name}.mgmt")
    connection = Connection(sock, timeout)
    version = V10 if switch.protocols == "OpenFlow10" else V13
    connection.send(message(version, HELLO))
    answer = connection.receive()
    if answer.kind != HELLO or min(answer.version, version) != version:
        raise RuntimeError(f"{switch.name} answered HELLO with {answer}")
    return connection, version


def features_reply(version, datapath_id, xid):
    """What a switch with no ports and one table says of itself."""
    if version == V10:
        return message(V10, FEATURES_REPLY, struct.pack("!QIB3xII", datapath_id, 0, 1, 0, 0), xid)
    return message(V13, FEATURES_REPLY, struct.pack("!QIBB2xII", datapath_id, 0, 1, 0, 0, 0), xid)


@dataclass(frozen=True)
class UdpMatch:
    """A match on UDP over IPv4. Addresses are bytes; what is None is not matched."""

    in_port: int = None
    eth_src: bytes = None
    eth_dst: bytes = None
    ipv4_src: bytes = None
    ipv4_dst: bytes = None
    udp_dst: int = None

    def v10(self):
        """As ofp_match, OF 1.0.1 §5.2.3."""
        exact = [(0, self.in_port), (2, self.eth_src), (3, self.eth_dst), (7, self.udp_dst)]
        matched = 1 << 4 | 1 << 5 | sum(1 << bit for bit, value in exact if value is not None)
        matched |= sum(0x3F << shift for shift, value in ((8, self.ipv4_src), (14, self.ipv4_dst)) if value is not None)
        return struct.pack(
            "!IH6s6sHBxHBB2x4s4sHH",
            0x3FFFFF & ~matched,
            self.in_port or 0,
            self.eth_src or b"",
            self.eth_dst or b"",
            0,
            0,
            0x0800,
            0,
            17,
            self.ipv4_src or b"",
            self.ipv4_dst or b"",
            0,
            self.udp_dst or 0,
        )

    def v13(self):
        """As OXM fields, OF 1.3.5 §7.2.3."""
        values = {
            0: None if self.in_port is None else struct.pack("!I", self.in_port),
            3: self.eth_dst,
            4: self.eth_src,
            5: b"\x08\x00",
            10: b"\x11",
            11: self.ipv4_src,
            12: self.ipv4_dst,
            16: None if self.udp_dst is None else struct.pack("!H", self.udp_dst),
        }
        present = [(number, value) for number, value in values.items() if value is not None]
        fields = b"".join(struct.pack("!HBB", 0x8000, number << 1, len(value)) + value for number, value in present)
        match = struct.pack("!HH", 1, 4 + len(fields)) + fields
        return match + b"\0" * (-len(match) % 8)


def flow_mod(version, command, match, priority, output, cookie=0, flags=0):
    """A flow-mod for `match`, out of one port."""
    if version == V10:
        rest = struct.pack("!QHHHHIHH", cookie, command, 0, 0, priority, 0xFFFFFFFF, 0xFFFF, flags)
        return message(V10, FLOW_MOD, match.v10() + rest + struct.pack("!HHHH", 0, 8, output, 0xFFFF))
    instruction = struct.pack("!HH4xHHIH6x", 4, 24, 0, 16, output, 0xFFFF)
    rest = struct.pack("!QQBBHHHIIIH2x", cookie, 0, 0, command, 0, 0, priority, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, flags)
    return message(V13, FLOW_MOD, rest + match.v13() + instruction)


def mac(text):
    """A MAC address as bytes."""
    return bytes.fromhex(text.replace(":", ""))
