//! Ports and their queues.

use std::fmt::{self, Display, Formatter};

use super::{Bits, Hex, Known, Name, Seconds, Words, experimenter, joined, records};
use crate::model::{
    Port, PortMod, PortStats, PortStatus, PortStatusReason, QueueConfig, QueueConfigReply,
    QueueFilter, QueueProperty, QueueStats,
};
use crate::types::QueueId;

/// OF 1.3.5 §7.2.1, ofp_port_config; 32 bits higher what only OF 1.0.2 §5.2.1 defines.
const CONFIG: &[(u64, &str)] = &[
    (1, "PORT_DOWN"),
    (1 << 2, "NO_RECV"),
    (1 << 5, "NO_FWD"),
    (1 << 6, "NO_PACKET_IN"),
    (1 << 33, "NO_STP"),
    (1 << 35, "NO_RECV_STP"),
    (1 << 36, "NO_FLOOD"),
];

/// OF 1.3.5 §7.2.1, ofp_port_state; 32 bits higher what only OF 1.0.2 §5.2.1 defines, where blocking has both bits.
const STATE: &[(u64, &str)] = &[
    (1, "LINK_DOWN"),
    (1 << 1, "BLOCKED"),
    (1 << 2, "LIVE"),
    (3 << 40, "STP_BLOCK"),
    (1 << 40, "STP_LEARN"),
    (1 << 41, "STP_FORWARD"),
];

/// OF 1.3.5 §7.2.1, ofp_port_features.
const FEATURES: &[(u64, &str)] = &[
    (1, "10MB-HD"),
    (1 << 1, "10MB-FD"),
    (1 << 2, "100MB-HD"),
    (1 << 3, "100MB-FD"),
    (1 << 4, "1GB-HD"),
    (1 << 5, "1GB-FD"),
    (1 << 6, "10GB-FD"),
    (1 << 7, "40GB-FD"),
    (1 << 8, "100GB-FD"),
    (1 << 9, "1TB-FD"),
    (1 << 10, "OTHER"),
    (1 << 11, "COPPER"),
    (1 << 12, "FIBER"),
    (1 << 13, "AUTO_NEG"),
    (1 << 14, "AUTO_PAUSE"),
    (1 << 15, "AUTO_PAUSE_ASYM"),
];

impl Display for Port {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let down = |is_down: bool, bit: u64| if is_down { bit } else { 0 };
        write!(
            f,
            "{}({}): addr:{}, config: {}, state: {}",
            Name(self.number),
            Words(&self.name),
            self.mac,
            Bits(self.config | down(self.admin_down, 1), CONFIG),
            Bits(self.state | down(self.link_down, 1), STATE),
        )?;
        for (name, bits) in ["current", "advertised", "supported", "peer"]
            .iter()
            .zip(self.features)
        {
            if bits != 0 {
                write!(f, ", {name}: {}", Bits(bits, FEATURES))?;
            }
        }
        if self.current_speed != 0 || self.max_speed != 0 {
            let (now, most) = (self.current_speed, self.max_speed);
            write!(f, ", speed: {now} kb/s now, {most} kb/s max")?;
        }
        Ok(())
    }
}

impl Display for PortStatusReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add => f.write_str("ADD"),
            Self::Delete => f.write_str("DEL"),
            Self::Modify => f.write_str("MOD"),
            Self::Unknown(number) => write!(f, "{number}"),
        }
    }
}

impl Display for PortStatus {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.port)
    }
}

impl Display for PortMod {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "port: {}: addr:{}, config: {}, mask: {}, advertise: ",
            Name(self.port),
            self.mac,
            Bits(self.config, CONFIG),
            Bits(self.mask, CONFIG),
        )?;
        match self.advertise {
            0 => f.write_str("UNCHANGED"),
            bits => Bits(bits, FEATURES).fmt(f),
        }
    }
}

impl Display for PortStats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "port {}: rx pkts={}, bytes={}, drop={}, errs={}, frame={}, over={}, crc={}, \
             tx pkts={}, bytes={}, drop={}, errs={}, coll={}",
            Name(self.port),
            Known(self.rx_packets),
            Known(self.rx_bytes),
            Known(self.rx_dropped),
            Known(self.rx_errors),
            Known(self.rx_frame_errors),
            Known(self.rx_overrun_errors),
            Known(self.rx_crc_errors),
            Known(self.tx_packets),
            Known(self.tx_bytes),
            Known(self.tx_dropped),
            Known(self.tx_errors),
            Known(self.collisions),
        )?;
        duration(f, self.duration_ns)
    }
}

fn duration(f: &mut Formatter<'_>, nanoseconds: Option<u64>) -> fmt::Result {
    match nanoseconds {
        Some(nanoseconds) => write!(f, ", duration={}", Seconds(nanoseconds)),
        None => Ok(()),
    }
}

/// A queue, or all of them.
struct Queue(QueueId);

impl Display for Queue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            QueueId::ALL => f.write_str("ALL"),
            QueueId(number) => write!(f, "{number}"),
        }
    }
}

impl Display for QueueFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "port={} queue={}", Name(self.port), Queue(self.queue))
    }
}

impl Display for QueueStats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "port {} queue {}: bytes={}, pkts={}, errors={}",
            Name(self.port),
            Queue(self.queue),
            Known(self.tx_bytes),
            Known(self.tx_packets),
            Known(self.tx_errors),
        )?;
        duration(f, self.duration_ns)
    }
}

impl Display for QueueProperty {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rate = |f: &mut Formatter<'_>, name, rate: u16| match rate {
            0..=1000 => write!(f, "{name}:{}.{}%", rate / 10, rate % 10),
            _ => write!(f, "{name}:(disabled)"),
        };
        match self {
            Self::MinRate { rate: tenths } => rate(f, "min_rate", *tenths),
            Self::MaxRate { rate: tenths } => rate(f, "max_rate", *tenths),
            Self::Experimenter {
                experimenter: whose,
                body,
            } => experimenter(f, *whose, body),
            Self::Unknown { property, body } => write!(f, "unknown({property},{})", Hex(body)),
        }
    }
}

impl Display for QueueConfig {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "port {} queue {}: ", Name(self.port), Queue(self.queue))?;
        joined(f, &self.properties, ", ")
    }
}

impl Display for QueueConfigReply {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "port={}", Name(self.port))?;
        records(f, &self.queues)
    }
}
