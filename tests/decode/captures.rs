//! Captures, made byte by byte.

/// The seconds of every packet's time: 2023-11-14 22:13:20 UTC.
pub(crate) const SECONDS: u64 = 1_700_000_000;

pub(crate) const ETHERNET: u16 = 1;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// How numbers and times are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) big_endian: bool,
    pub(crate) nanoseconds: bool,
}

/// Every form that there is.
pub(crate) const FORMS: [Form; 4] = [
    form(false, false),
    form(false, true),
    form(true, false),
    form(true, true),
];

const fn form(big_endian: bool, nanoseconds: bool) -> Form {
    Form {
        big_endian,
        nanoseconds,
    }
}

impl Form {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    /// The time of the packet with this number, the fraction being the number in the unit of this form.
    pub(crate) fn time(self, number: usize) -> String {
        if self.nanoseconds {
            format!("2023-11-14T22:13:20.{number:09}Z")
        } else {
            format!("2023-11-14T22:13:20.{number:06}Z")
        }
    }

    /// A capture of these packets.
    pub(crate) fn pcap(self, link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
        let magic = if self.nanoseconds {
            0xa1b2_3c4d
        } else {
            0xa1b2_c3d4
        };
        let mut file = self.u32(magic).to_vec();
        file.extend(self.u16(2));
        file.extend(self.u16(4));
        for value in [0, 0, 262_144, u32::from(link)] {
            file.extend(self.u32(value));
        }
        for (number, packet) in packets.iter().enumerate() {
            for value in [
                SECONDS as u32,
                number as u32,
                packet.len() as u32,
                packet.len() as u32,
            ] {
                file.extend(self.u32(value));
            }
            file.extend(packet);
        }
        file
    }

    /// The same in the newer format, with options and a block that nobody knows.
    pub(crate) fn pcapng(self, link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
        let unit: u64 = if self.nanoseconds {
            1_000_000_000
        } else {
            1_000_000
        };
        let mut file = self.section();
        let name = [&self.u16(2)[..], &self.u16(2), b"lo\0\0"].concat();
        let resolution = match self.nanoseconds {
            true => [&self.u16(9)[..], &self.u16(1), &[9, 0, 0, 0]].concat(),
            false => Vec::new(),
        };
        let end = self.u32(0).to_vec();
        file.extend(self.block(
            1,
            &[self.interface(link, 0), name, resolution, end].concat(),
        ));
        file.extend(self.block(0x7bad_cafe, b"unknown."));
        for (number, packet) in packets.iter().enumerate() {
            let ticks = SECONDS * unit + number as u64;
            let length = packet.len() as u32;
            let mut body = Vec::new();
            for value in [0, (ticks >> 32) as u32, ticks as u32, length, length] {
                body.extend(self.u32(value));
            }
            body.extend(padded(packet));
            file.extend(self.block(6, &body));
        }
        file
    }

    /// With blocks that have no time.
    pub(crate) fn simple_pcapng(self, link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
        let mut file = self.section();
        file.extend(self.block(1, &self.interface(link, 96)));
        for packet in packets {
            let captured = &packet[..packet.len().min(96)];
            let body = [&self.u32(packet.len() as u32)[..], &padded(captured)].concat();
            file.extend(self.block(3, &body));
        }
        file
    }

    fn section(self) -> Vec<u8> {
        let versions = [self.u16(1), self.u16(0)].concat();
        let length = [0xff; 8].to_vec();
        self.block(
            0x0a0d_0d0a,
            &[self.u32(0x1a2b_3c4d).to_vec(), versions, length].concat(),
        )
    }

    fn interface(self, link: u16, snap_length: u32) -> Vec<u8> {
        [&self.u16(link)[..], &self.u16(0), &self.u32(snap_length)].concat()
    }

    fn block(self, block_type: u32, body: &[u8]) -> Vec<u8> {
        let length = self.u32(12 + body.len() as u32);
        [&self.u32(block_type)[..], &length, body, &length].concat()
    }
}

fn padded(packet: &[u8]) -> Vec<u8> {
    let mut bytes = packet.to_vec();
    bytes.resize(packet.len().next_multiple_of(4), 0);
    bytes
}

/// One direction of a connection: the segments that it is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sender {
    from: ([u8; 4], u16),
    to: ([u8; 4], u16),
    sequence: u32,
}

impl Sender {
    /// From a switch, 10.0.0.9:40000, to a controller on this port of 10.0.0.1.
    pub(crate) fn switch(port: u16) -> Self {
        Self {
            from: ([10, 0, 0, 9], 40000),
            to: ([10, 0, 0, 1], port),
            sequence: u32::MAX - 5,
        }
    }

    /// The other direction of the same.
    pub(crate) fn controller(port: u16) -> Self {
        let switch = Self::switch(port);
        Self {
            from: switch.to,
            to: switch.from,
            sequence: 77,
        }
    }

    /// Opens the connection, or answers.
    pub(crate) fn syn(&mut self, answer: bool) -> Vec<u8> {
        let packet = self.packet(SYN | if answer { ACK } else { 0 }, &[]);
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }

    /// The next bytes.
    pub(crate) fn data(&mut self, payload: &[u8]) -> Vec<u8> {
        let packet = self.packet(ACK, payload);
        self.sequence = self.sequence.wrapping_add(payload.len() as u32);
        packet
    }

    fn packet(self, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = (40 + payload.len()) as u16;
        let mut packet = vec![2; 12];
        packet.extend([0x08, 0x00, 0x45, 0]);
        packet.extend(length.to_be_bytes());
        packet.extend([0, 1, 0x40, 0, 64, 6, 0, 0]);
        packet.extend(self.from.0);
        packet.extend(self.to.0);
        packet.extend(self.from.1.to_be_bytes());
        packet.extend(self.to.1.to_be_bytes());
        packet.extend(self.sequence.to_be_bytes());
        packet.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend(payload);
        packet
    }
}
