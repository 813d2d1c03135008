//! Flow entries, and what is in them.

use std::fmt::{self, Display, Formatter};

use super::{Bits, Hex, Known, Name, Seconds, gap, joined};
use crate::model::pattern::FieldValue;
use crate::model::{
    Action, AgedFlowStats, Field, FlowCommand, FlowEvent, FlowFilter, FlowFlags, FlowMod,
    FlowMonitor, FlowRemoved, FlowRemovedReason, FlowRule, FlowStats, FlowUpdate, Instruction,
    Masked, Pattern,
};
use crate::types::{PortNo, TableId};

const FLAGS: &[(u64, &str)] = &[
    (1, "send_flow_rem"),
    (1 << 1, "check_overlap"),
    (1 << 2, "reset_counts"),
    (1 << 3, "no_packet_counts"),
    (1 << 4, "no_byte_counts"),
];

impl Display for FlowFlags {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Bits(self.0.into(), FLAGS).fmt(f)
    }
}

/// A pattern behind a priority: a comma before each field, protocols by their names.
pub(super) struct Match<'a>(pub(super) &'a Pattern);

impl Display for Match<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let eth_type = self.0.exact(Field::EthType);
        let ip_proto = self.0.exact(Field::IpProto);
        let (name, names_proto) = protocol(eth_type, ip_proto);
        if let Some(name) = name {
            write!(f, ",{name}")?;
        }
        for (field, masked) in self.0.fields() {
            match field {
                Field::EthType if name.is_some() => {}
                Field::IpProto if names_proto => {}
                Field::EthType => write!(f, ",eth_type={:#06x}", masked.value())?,
                _ => write!(f, ",{}={}", field.name(), FieldValue { field, masked })?,
            }
        }
        for (name, value) in self.0.unknown_members() {
            write!(f, ",{name}={value}")?;
        }
        Ok(())
    }
}

/// The protocol's name where it has one, and whether that says the number of the IP protocol too.
const fn protocol(eth_type: Option<u128>, ip_proto: Option<u128>) -> (Option<&'static str>, bool) {
    match (eth_type, ip_proto) {
        (Some(0x0800), Some(1)) => (Some("icmp"), true),
        (Some(0x0800), Some(6)) => (Some("tcp"), true),
        (Some(0x0800), Some(17)) => (Some("udp"), true),
        (Some(0x0800), Some(132)) => (Some("sctp"), true),
        (Some(0x0800), _) => (Some("ip"), false),
        (Some(0x86dd), Some(6)) => (Some("tcp6"), true),
        (Some(0x86dd), Some(17)) => (Some("udp6"), true),
        (Some(0x86dd), Some(58)) => (Some("icmp6"), true),
        (Some(0x86dd), Some(132)) => (Some("sctp6"), true),
        (Some(0x86dd), _) => (Some("ipv6"), false),
        (Some(0x0806), _) => (Some("arp"), false),
        (Some(0x8847), _) => (Some("mpls"), false),
        (Some(0x8848), _) => (Some("mplsm"), false),
        _ => (None, false),
    }
}

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output { port, max_len } if *port == PortNo::CONTROLLER => {
                write!(f, "{}:{max_len}", Name(*port))
            }
            Self::Output { port, max_len: 0 } if *port < PortNo::IN_PORT => {
                write!(f, "output:{}", port.0)
            }
            Self::Output { port, max_len: 0 } => Name(*port).fmt(f),
            Self::Output { port, max_len } => {
                write!(f, "output(port={},max_len={max_len})", Name(*port))
            }
            Self::Enqueue { port, queue } => write!(f, "enqueue:{}:{}", Name(*port), queue.0),
            Self::SetField { field, value } => {
                let masked = Masked::new(*value, field.full_mask());
                let value = FieldValue {
                    field: *field,
                    masked,
                };
                write!(f, "set_field:{value}->{}", field.name())
            }
            Self::Group(group) => write!(f, "group:{}", group.0),
            Self::SetQueue(queue) => write!(f, "set_queue:{}", queue.0),
            Self::PushVlan(ethertype) | Self::PushMpls(ethertype) | Self::PushPbb(ethertype) => {
                write!(f, "{}:{ethertype:#06x}", self.name())
            }
            Self::PopMpls(ethertype) => write!(f, "pop_mpls:{ethertype:#06x}"),
            Self::SetNwTtl(ttl) | Self::SetMplsTtl(ttl) => write!(f, "{}:{ttl}", self.name()),
            Self::PopVlan
            | Self::DecNwTtl
            | Self::CopyTtlOut
            | Self::CopyTtlIn
            | Self::DecMplsTtl
            | Self::PopPbb => f.write_str(self.name()),
            Self::Experimenter { experimenter, body } => {
                write!(f, "experimenter({experimenter:#010x},{})", Hex(body))
            }
            Self::Unknown { action_type, body } => {
                write!(f, "unknown({action_type:#06x},{})", Hex(body))
            }
        }
    }
}

/// Actions with commas between them; `drop` where there is none.
pub(super) struct Actions<'a>(pub(super) &'a [Action]);

impl Display for Actions<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("drop"),
            actions => joined(f, actions, ","),
        }
    }
}

impl Display for Instruction {
    /// Actions that are applied stand without a word about that.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::GotoTable(table) => write!(f, "goto_table:{}", table.0),
            Self::WriteMetadata { value, mask } => write!(f, "write_metadata:{value:#x}/{mask:#x}"),
            Self::WriteActions(actions) => {
                f.write_str("write_actions(")?;
                joined(f, actions, ",")?;
                f.write_str(")")
            }
            Self::ApplyActions(actions) if actions.is_empty() => f.write_str("apply_actions()"),
            Self::ApplyActions(actions) => joined(f, actions, ","),
            Self::ClearActions => f.write_str("clear_actions"),
            Self::Meter(meter) => write!(f, "meter:{}", meter.0),
            Self::Experimenter { experimenter, body } => {
                write!(f, "experimenter({experimenter:#010x},{})", Hex(body))
            }
            Self::Unknown {
                instruction_type,
                body,
            } => write!(f, "unknown({instruction_type:#06x},{})", Hex(body)),
        }
    }
}

/// What an entry does, or `drop`.
struct Instructions<'a>(&'a [Instruction]);

impl Display for Instructions<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("drop"),
            instructions => joined(f, instructions, ","),
        }
    }
}

/// What of an entry stands between its counters, if any, and its priority.
fn settings(f: &mut Formatter<'_>, idle: u16, hard: u16, flags: FlowFlags) -> fmt::Result {
    if idle != 0 {
        write!(f, ", idle_timeout={idle}")?;
    }
    if hard != 0 {
        write!(f, ", hard_timeout={hard}")?;
    }
    if flags != FlowFlags::NONE {
        write!(f, ", {flags}")?;
    }
    Ok(())
}

fn match_and_actions(
    f: &mut Formatter<'_>,
    priority: u16,
    pattern: &Pattern,
    instructions: &[Instruction],
) -> fmt::Result {
    let (pattern, instructions) = (Match(pattern), Instructions(instructions));
    write!(f, "priority={priority}{pattern} actions={instructions}")
}

impl Display for FlowRule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "cookie={:#x}, table={}", self.cookie.0, self.table.0)?;
        rest_of_rule(f, self)
    }
}

impl Display for FlowStats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let FlowStats { packets, bytes, .. } = self;
        write!(
            f,
            "cookie={:#x}, duration={}, table={}, n_packets={packets}, n_bytes={bytes}",
            self.rule.cookie.0,
            Seconds(self.duration_ns),
            self.rule.table.0,
        )?;
        rest_of_rule(f, &self.rule)
    }
}

impl Display for AgedFlowStats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cookie={:#x}, duration={}, table={}, n_packets={}, n_bytes={}",
            self.rule.cookie.0,
            Seconds(self.duration_ns),
            self.rule.table.0,
            Known(self.packets),
            Known(self.bytes),
        )?;
        if let Some(age) = self.idle_age {
            write!(f, ", idle_age={age}")?;
        }
        if let Some(age) = self.hard_age {
            write!(f, ", hard_age={age}")?;
        }
        rest_of_rule(f, &self.rule)
    }
}

/// What follows the table, or the counters, of an entry.
fn rest_of_rule(f: &mut Formatter<'_>, rule: &FlowRule) -> fmt::Result {
    settings(f, rule.idle_timeout, rule.hard_timeout, rule.flags)?;
    f.write_str(", ")?;
    match_and_actions(f, rule.priority, &rule.pattern, &rule.instructions)
}

impl Display for FlowCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "ADD",
            Self::Modify => "MOD",
            Self::ModifyStrict => "MOD_STRICT",
            Self::Delete => "DEL",
            Self::DeleteStrict => "DEL_STRICT",
        })
    }
}

impl Display for FlowMod {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rule = &self.rule;
        write!(f, "{} cookie={:#x}", self.command, rule.cookie.0)?;
        if self.cookie_mask != 0 {
            write!(f, "/{:#x}", self.cookie_mask)?;
        }
        write!(f, ", table={}", rule.table.0)?;
        if let Some(buffer) = self.buffer_id {
            write!(f, ", buffer={:#010x}", buffer.0)?;
        }
        if let Some(port) = self.out_port {
            write!(f, ", out_port={}", Name(port))?;
        }
        if let Some(group) = self.out_group {
            write!(f, ", out_group={}", group.0)?;
        }
        rest_of_rule(f, rule)
    }
}

impl Display for FlowFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut first = true;
        if self.table != TableId::ALL {
            write!(f, "{}table={}", gap(&mut first, ","), self.table.0)?;
        }
        if let Some(port) = self.out_port {
            write!(f, "{}out_port={}", gap(&mut first, ","), Name(port))?;
        }
        if let Some(group) = self.out_group {
            write!(f, "{}out_group={}", gap(&mut first, ","), group.0)?;
        }
        if self.cookie.0 != 0 || self.cookie_mask != 0 {
            let (cookie, mask) = (self.cookie.0, self.cookie_mask);
            write!(f, "{}cookie={cookie:#x}/{mask:#x}", gap(&mut first, ","))?;
        }
        let pattern = Match(&self.pattern).to_string();
        match (first, pattern.strip_prefix(',')) {
            (true, None) => f.write_str("all"),
            (true, Some(pattern)) => f.write_str(pattern),
            (false, _) => f.write_str(&pattern),
        }
    }
}

impl Display for FlowRemovedReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdleTimeout => f.write_str("idle"),
            Self::HardTimeout => f.write_str("hard"),
            Self::Delete => f.write_str("delete"),
            Self::GroupDelete => f.write_str("group_delete"),
            Self::Unknown(number) => write!(f, "{number}"),
        }
    }
}

impl Display for FlowRemoved {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "reason={}, cookie={:#x}, duration={}, table={}, n_packets={}, n_bytes={}",
            self.reason,
            self.cookie.0,
            Seconds(self.duration_ns),
            self.table.0,
            self.packets,
            self.bytes,
        )?;
        settings(f, self.idle_timeout, self.hard_timeout, FlowFlags::NONE)?;
        write!(f, ", priority={}{}", self.priority, Match(&self.pattern))
    }
}

const MONITOR_FLAGS: &[(u64, &str)] = &[
    (1, "initial"),
    (1 << 1, "add"),
    (1 << 2, "delete"),
    (1 << 3, "modify"),
    (1 << 4, "actions"),
    (1 << 5, "own"),
];

impl Display for FlowMonitor {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let flags = Bits(self.flags.0.into(), MONITOR_FLAGS);
        write!(f, "id={} flags={flags}", self.monitor)?;
        if self.table != TableId::ALL {
            write!(f, " table={}", self.table.0)?;
        }
        if let Some(port) = self.out_port {
            write!(f, " out_port={}", Name(port))?;
        }
        match Match(&self.pattern).to_string().strip_prefix(',') {
            Some(pattern) => write!(f, " {pattern}"),
            None => Ok(()),
        }
    }
}

impl Display for FlowUpdate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full {
                event,
                reason,
                table,
                priority,
                idle_timeout,
                hard_timeout,
                cookie,
                pattern,
                instructions,
            } => {
                match event {
                    FlowEvent::Added => f.write_str("event=ADDED")?,
                    FlowEvent::Deleted => write!(f, "event=DELETED reason={reason}")?,
                    FlowEvent::Modified => f.write_str("event=MODIFIED")?,
                }
                write!(f, " cookie={:#x}, table={}", cookie.0, table.0)?;
                settings(f, *idle_timeout, *hard_timeout, FlowFlags::NONE)?;
                f.write_str(", ")?;
                match_and_actions(f, *priority, pattern, instructions)
            }
            Self::Abbreviated { xid } => write!(f, "event=ABBREV xid={:#x}", xid.0),
            Self::Unknown { event, body } => write!(f, "event={event} body={}", Hex(body)),
        }
    }
}
