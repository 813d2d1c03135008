//! Switches on links: flow tables that are kept, discovery frames that arrive, and packets that are followed
//! through all tables after every single change of one.

#[path = "fabric/answers.rs"]
mod answers;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::BytesMut;
use godwit_openflow::codec::encode_from_switch;
use godwit_openflow::model::{
    Action, FlowMod, FlowRule, FromSwitch, PacketOut, Pattern, PortStatus, PortStatusReason,
    ToSwitch,
};
use godwit_openflow::types::{DatapathId, PortNo, Version, Xid};
use godwit_openflow::{Frame, FrameCodec};
use godwit_topology::PortRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_util::codec::Decoder as _;
use tokio_util::sync::CancellationToken;

use crate::flow_table::FlowTable;
use answers::{features, packet_in, port, report, sent_up, table_full};

/// How a switch takes what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// It does everything but answers no barrier until it is well.
    HoldsBarriers,
    /// It takes nothing until it is well.
    Hangs,
    /// It refuses every change of its table.
    Refuses,
}

/// A packet that hosts send all the time, and where it shall come out.
#[derive(Debug, Clone)]
struct Watched {
    packet: Pattern,
    from: PortRef,
    to: PortRef,
}

struct Switch {
    table: FlowTable,
    /// What ports have counted: received packets and bytes, sent packets and bytes.
    counted: BTreeMap<PortNo, [u64; 4]>,
    refused: usize,
    mood: watch::Sender<Mood>,
    out: mpsc::UnboundedSender<(u32, FromSwitch)>,
    cut: CancellationToken,
}

#[derive(Default)]
struct Inner {
    switches: BTreeMap<DatapathId, Switch>,
    links: BTreeMap<PortRef, PortRef>,
    watched: Vec<Watched>,
    harm: Vec<String>,
    /// Changes of routes' rules that were made.
    changes: usize,
    /// After so many no switch takes anything any more.
    last_change: Option<usize>,
}

/// Clones are the same fabric.
#[derive(Clone, Default)]
pub(crate) struct Fabric {
    inner: Arc<Mutex<Inner>>,
}

pub(crate) const fn at(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

impl Fabric {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    pub(crate) fn link(&self, one: PortRef, other: PortRef) {
        let mut inner = self.lock();
        inner.links.insert(one, other);
        inner.links.insert(other, one);
    }

    /// Takes a link down: both ends say so.
    pub(crate) fn cut_link(&self, one: PortRef) {
        let mut inner = self.lock();
        let other = inner.links.remove(&one).expect("a link");
        inner.links.remove(&other);
        for end in [one, other] {
            let mut gone = port(end.dpid, end.port.0);
            gone.link_down = true;
            let status = PortStatus {
                reason: PortStatusReason::Modify,
                port: gone,
            };
            inner.tell(end.dpid, 0, FromSwitch::PortStatus(status));
        }
    }

    /// What leaves here arrives nowhere any more, and no port says so. The other direction is as it was.
    pub(crate) fn deafen(&self, from: PortRef) {
        self.lock().links.remove(&from).expect("a link");
    }

    /// Connects a switch, anew if it was connected; it keeps its table unless it `forgets`.
    pub(crate) async fn plug(&self, dpid: u64, controller: SocketAddr, forgets: bool) {
        let id = DatapathId(dpid);
        let stream = TcpStream::connect(controller).await.unwrap();
        let (out, outgoing) = mpsc::unbounded_channel();
        let (mood, moods) = watch::channel(Mood::Well);
        let cut = CancellationToken::new();
        {
            let mut inner = self.lock();
            let mut table = FlowTable::default();
            if let Some(before) = inner.switches.remove(&id) {
                before.cut.cancel();
                table = before.table;
            }
            if forgets {
                table.clear();
            }
            let switch = Switch {
                table,
                counted: BTreeMap::new(),
                refused: 0,
                mood,
                out: out.clone(),
                cut: cut.clone(),
            };
            inner.switches.insert(id, switch);
        }
        let (read, write) = stream.into_split();
        let hello = FromSwitch::Hello {
            bitmap: Some(vec![Version::V13.wire()]),
            elements: Vec::new(),
            header_version: Version::V13.wire(),
        };
        out.send((1, hello)).unwrap();
        let this = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = write_all(write, outgoing) => {}
                () = this.serve(id, read, moods) => {}
            }
        });
    }

    /// Ends a switch's connection.
    pub(crate) fn unplug(&self, dpid: u64) {
        self.lock().switches[&DatapathId(dpid)].cut.cancel();
    }

    pub(crate) fn mood(&self, dpid: u64, mood: Mood) {
        self.lock().switches[&DatapathId(dpid)]
            .mood
            .send_replace(mood);
    }

    /// How many changes a switch has refused.
    pub(crate) fn refused(&self, dpid: u64) -> usize {
        self.lock().switches[&DatapathId(dpid)].refused
    }

    /// The rules of a switch are so much older than they seem.
    pub(crate) fn age(&self, dpid: u64, by: Duration) {
        let mut inner = self.lock();
        let switch = inner.switches.get_mut(&DatapathId(dpid)).unwrap();
        switch.table.age(by);
    }

    /// The switch has room for so many rules more; then those that end some day make room, without a word.
    pub(crate) fn leave_room(&self, dpid: u64, room: usize) {
        let mut inner = self.lock();
        let table = &mut inner.switches.get_mut(&DatapathId(dpid)).unwrap().table;
        table.limit(table.rules().count() + room);
    }

    async fn serve(
        &self,
        dpid: DatapathId,
        mut read: tokio::net::tcp::OwnedReadHalf,
        mut moods: watch::Receiver<Mood>,
    ) {
        let mut received = BytesMut::new();
        loop {
            while let Some(frame) = FrameCodec.decode(&mut received).unwrap() {
                let message = frame.to_switch().unwrap();
                let holds = |mood: &Mood| match mood {
                    Mood::Hangs => true,
                    Mood::HoldsBarriers => message == ToSwitch::BarrierRequest,
                    Mood::Well | Mood::Refuses => false,
                };
                if moods.wait_for(|mood| !holds(mood)).await.is_err() {
                    return;
                }
                self.lock().take(dpid, frame.xid().0, message);
            }
            if !matches!(read.read_buf(&mut received).await, Ok(1..)) {
                return;
            }
        }
    }

    /// From now on the packet goes in at `from` all the time and must come out at `to`.
    pub(crate) fn watch(&self, packet: &Pattern, from: PortRef, to: PortRef) {
        let mut inner = self.lock();
        inner.watched.push(Watched {
            packet: packet.clone(),
            from,
            to,
        });
        inner.follow("the beginning");
    }

    /// So many packets more of each kind that is watched go their way.
    pub(crate) fn carry(&self, packets: u64) {
        let mut inner = self.lock();
        for watched in inner.watched.clone() {
            for (dpid, rule) in inner.way(&watched).expect("a way") {
                let switch = inner.switches.get_mut(&dpid).unwrap();
                switch.table.count(&rule, packets);
            }
        }
    }

    /// A port says from now on that it has counted this: received packets and bytes, sent packets and bytes.
    pub(crate) fn set_counted(&self, port: PortRef, counts: [u64; 4]) {
        let mut inner = self.lock();
        let switch = inner.switches.get_mut(&port.dpid).unwrap();
        switch.counted.insert(port.port, counts);
    }

    /// How many changes of routes' rules were made.
    pub(crate) fn changes(&self) -> usize {
        self.lock().changes
    }

    /// After so many changes of routes' rules in all nothing that the controller says reaches a switch.
    pub(crate) fn deaf_after(&self, changes: Option<usize>) {
        self.lock().last_change = changes;
    }

    /// Whether it has come to that.
    pub(crate) fn is_deaf(&self) -> bool {
        self.lock().is_deaf()
    }

    /// When packets would not have arrived, so far.
    pub(crate) fn harm(&self) -> Vec<String> {
        self.lock().harm.clone()
    }

    /// Whether every packet arrives now.
    pub(crate) fn delivers(&self) -> bool {
        let inner = self.lock();
        inner
            .watched
            .iter()
            .all(|watched| inner.way(watched).is_ok())
    }

    /// The rules of a switch that `which` says.
    pub(crate) fn rules(&self, dpid: u64, which: impl Fn(&FlowRule) -> bool) -> Vec<FlowRule> {
        let inner = self.lock();
        let table = &inner.switches[&DatapathId(dpid)].table;
        table.rules().filter(|rule| which(rule)).cloned().collect()
    }

    /// The rules of routes on a switch.
    pub(crate) fn routing_rules(&self, dpid: u64) -> Vec<FlowRule> {
        self.rules(dpid, |rule| {
            godwit_controller::Owner::Routing
                .own_part(rule.cookie)
                .is_some()
        })
    }

    /// Changes a table by another's hand.
    pub(crate) fn change(&self, dpid: u64, change: &FlowMod) {
        let mut inner = self.lock();
        let switch = inner.switches.get_mut(&DatapathId(dpid)).unwrap();
        switch.table.change(change);
    }

    /// The rules that `which` says expire for want of packets.
    pub(crate) fn expire(&self, dpid: u64, which: impl Fn(&FlowRule) -> bool) {
        let mut inner = self.lock();
        let switch = inner.switches.get_mut(&DatapathId(dpid)).unwrap();
        for ended in switch.table.expire(which) {
            _ = switch.out.send((0, FromSwitch::FlowRemoved(ended)));
        }
    }
}

impl Inner {
    fn tell(&self, dpid: DatapathId, xid: u32, message: FromSwitch) {
        // A switch that is away hears nothing.
        if let Some(switch) = self.switches.get(&dpid) {
            _ = switch.out.send((xid, message));
        }
    }

    fn is_deaf(&self) -> bool {
        self.last_change.is_some_and(|last| self.changes >= last)
    }

    fn take(&mut self, dpid: DatapathId, xid: u32, message: ToSwitch) {
        if self.is_deaf() {
            return;
        }
        match message {
            ToSwitch::EchoRequest(payload) => self.tell(dpid, xid, FromSwitch::EchoReply(payload)),
            ToSwitch::BarrierRequest => self.tell(dpid, xid, FromSwitch::BarrierReply),
            ToSwitch::FeaturesRequest => {
                self.tell(dpid, xid, FromSwitch::Features(features(dpid)));
            }
            ToSwitch::StatsRequest { body: request, .. } => {
                let body = {
                    let switch = &self.switches[&dpid];
                    report(dpid, &switch.table, &switch.counted, &request)
                };
                self.tell(dpid, xid, FromSwitch::Stats { more: false, body });
            }
            ToSwitch::FlowMod(change) => self.change(dpid, xid, &change),
            ToSwitch::PacketOut(packet) => self.send_on(dpid, &packet),
            _ => {}
        }
    }

    fn change(&mut self, dpid: DatapathId, xid: u32, change: &FlowMod) {
        let switch = self.switches.get_mut(&dpid).unwrap();
        if *switch.mood.borrow() == Mood::Refuses {
            switch.refused += 1;
            return self.tell(dpid, xid, table_full());
        }
        let owner = godwit_controller::Owner::Routing;
        let is_routes = owner.own_part(change.rule.cookie).is_some();
        let ended = switch.table.change(change);
        self.changes += usize::from(is_routes);
        for ended in ended {
            self.tell(dpid, 0, FromSwitch::FlowRemoved(ended));
        }
        self.follow(&format!("{:?} on {dpid}", change.command));
    }

    /// Follows every packet that is watched through all tables as they are now.
    fn follow(&mut self, after: &str) {
        for watched in &self.watched {
            if let Err(what) = self.way(watched) {
                self.harm
                    .push(format!("after {after}: {} {what}", watched.packet));
            }
        }
    }

    fn way(&self, watched: &Watched) -> Result<Vec<(DatapathId, FlowRule)>, String> {
        let mut here = watched.from;
        let mut met = Vec::new();
        let mut seen = BTreeSet::new();
        loop {
            if !seen.insert(here) {
                return Err(format!("circles at {here}"));
            }
            let packet = watched.packet.clone().in_port(here.port);
            let rule = self.switches[&here.dpid].table.lookup(&packet);
            let Some(out) = rule.and_then(|rule| rule.output_ports().next()) else {
                return Err(format!("ends at {here}"));
            };
            met.extend(rule.map(|rule| (here.dpid, rule.clone())));
            let left = PortRef::new(here.dpid, out);
            if left == watched.to {
                return Ok(met);
            }
            match self.links.get(&left) {
                Some(&next) => here = next,
                None => return Err(format!("leaves at {left}")),
            }
        }
    }

    /// Frames of the controller's own: over a link they come in at its other end.
    fn send_on(&self, dpid: DatapathId, packet: &PacketOut) {
        for action in &packet.actions {
            let Action::Output { port, .. } = action else {
                continue;
            };
            let end = self.links.get(&PortRef::new(dpid, *port));
            if let Some(end) = end
                && let Some(switch) = self.switches.get(&end.dpid)
                && let Some(data) = sent_up(&switch.table, end.port, &packet.data)
            {
                self.tell(end.dpid, 0, packet_in(end.port, data));
            }
        }
    }
}

async fn write_all(
    mut write: tokio::net::tcp::OwnedWriteHalf,
    mut outgoing: mpsc::UnboundedReceiver<(u32, FromSwitch)>,
) {
    while let Some((xid, message)) = outgoing.recv().await {
        let mut buffer = BytesMut::new();
        encode_from_switch(Version::V13, Xid(xid), &message, &mut buffer).unwrap();
        let bytes = buffer.freeze();
        assert!(Frame::new(bytes.clone()).is_ok(), "one frame holds it");
        if write.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
