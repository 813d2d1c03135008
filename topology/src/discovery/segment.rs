//! Links through what speaks no OpenFlow: probes that are sent to everybody, and where they come out.
//!
//! They are sent where a probe for the cable has brought no answer. Their proof is the same: signature, nonce, and
//! that no end is a port where hosts are, as far as was known before. A port that has a cable to a switch takes part in
//! none of this. Hosts may be on a segment beside switches, so its ports are edge ports as well.

use std::sync::Arc;
use std::time::Instant;

use super::lldp::Reach;
use super::verdict::{AlarmReason, Change, LldpVerdict, Probe};
use super::{Discovery, Timer, port};
use crate::link::{Link, PortRef};

impl Discovery {
    /// A genuine probe that was sent to everybody came in.
    pub(super) fn accept_from_segment(
        &mut self,
        from: PortRef,
        at: PortRef,
        nonce: u64,
        now: Instant,
    ) -> Result<LldpVerdict, AlarmReason> {
        if self.is_host_port(at, from.dpid, now) {
            return Err(AlarmReason::HostPort);
        }
        let nothing_follows = Ok(LldpVerdict::Late { from });
        let has_cable = [from, at].iter().any(|end| self.graph.has_cable(*end));
        if from == at || has_cable || !self.ports.contains_key(&at) {
            return nothing_follows;
        }
        let from_host_port = self.is_host_port(from, at.dpid, now);
        let Some(sender) = self.ports.get_mut(&from) else {
            return nothing_follows;
        };
        if from_host_port {
            return Err(AlarmReason::FromHostPort);
        }
        let arrival = sender.arrived_at_peer(nonce, at, now)?;
        if !sender.is_peer(at) {
            return nothing_follows;
        }
        let link = Link { src: from, dst: at };
        if Arc::make_mut(&mut self.graph).add_indirect(link) {
            self.learn_indirect(link, now);
        }
        self.crossing = arrival.took.map(|took| (link, took));
        Ok(if arrival.marker {
            LldpVerdict::Marker { nonce, from, at }
        } else {
            LldpVerdict::Link(link)
        })
    }

    fn learn_indirect(&mut self, link: Link, now: Instant) {
        self.changes.push(Change::LinkUp(link));
        for end in [link.src, link.dst] {
            self.schedule.cancel((end, Timer::Settle));
            self.classes.remove(end);
            if let Some(state) = self.ports.get_mut(&end)
                && state.joined_segment()
            {
                self.changes.push(Change::EdgeUp(end));
            }
        }
        let next = now + port::spread(link.src, self.next_nonce, &self.timing);
        self.schedule.set((link.src, Timer::Probe), next);
        if !self.graph.is_usable(&link) {
            let due = self.reverse_probe_at(link, now);
            self.schedule.hasten((link.dst, Timer::Probe), due);
        }
    }

    /// The probe to everybody that goes with a regular one, if it is due. Gives up the links that it should have
    /// confirmed by now.
    pub(super) fn probe_segment(&mut self, port: PortRef, now: Instant) -> Option<Probe> {
        let known = self.graph.indirect_to(port).next().is_some();
        let most = self.timing.missed_probes;
        let state = self.ports.get_mut(&port)?;
        if self.graph.has_cable(port) || (state.is_first() && !known) {
            return None;
        }
        for peer in state.probed_peers(most) {
            let link = Link {
                src: port,
                dst: peer,
            };
            self.lose_indirect(link);
        }
        self.emit(port, Reach::Segment, false, now)
    }

    /// Gives up the indirect links of a port.
    pub(super) fn leave_segment(&mut self, port: PortRef) {
        let from = self.graph.indirect_from(port);
        let links: Vec<Link> = from.chain(self.graph.indirect_to(port)).collect();
        for link in links {
            self.lose_indirect(link);
        }
    }

    fn lose_indirect(&mut self, link: Link) {
        if let Some(state) = self.ports.get_mut(&link.src) {
            state.forget_peer(link.dst);
        }
        if Arc::make_mut(&mut self.graph).remove_link(&link) {
            self.changes.push(Change::LinkDown(link));
        }
    }
}
