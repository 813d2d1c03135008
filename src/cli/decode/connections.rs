//! The connections of a capture, told apart, each with its two directions.

use std::collections::HashMap;
use std::net::SocketAddr;

use godwit_openflow::message::Direction;

use super::cutter::{Cut, Cutter};
use super::packet::{Fragment, Segment};
use super::stream::{Delivery, MAX_HELD, Stream};
use super::time::Time;

/// How many connections are kept. Beyond that the least recently used are ended.
const MAX_CONNECTIONS: usize = 1024;

/// How many of them are ended at once.
const ENDED_AT_ONCE: usize = MAX_CONNECTIONS / 4;

/// How much all streams together hold of segments that came too early, in bytes.
const MAX_HELD_TOGETHER: usize = 64 << 20;

/// Where and when something of a stream was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The packet that completed it.
    pub(super) time: Option<Time>,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) direction: Direction,
}

/// Takes what streams turn out to hold.
pub(super) type Sink<'a> = dyn FnMut(&Place, Cut) + 'a;

/// A connection's two ends; the controller is the one that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    switch: SocketAddr,
    controller: SocketAddr,
}

impl Ends {
    const fn place(&self, direction: Direction, time: Option<Time>) -> Place {
        let (from, to) = match direction {
            Direction::ToSwitch => (self.controller, self.switch),
            Direction::FromSwitch => (self.switch, self.controller),
        };
        Place {
            time,
            from,
            to,
            direction,
        }
    }
}

#[derive(Debug, Default)]
struct Half {
    stream: Stream,
    cutter: Cutter,
    /// The sequence number of its SYN.
    initial: Option<u32>,
    latest: Option<Time>,
}

#[derive(Debug, Default)]
struct Connection {
    to_switch: Half,
    from_switch: Half,
    /// The number of the last segment.
    used: u64,
}

impl Connection {
    const fn half(&mut self, direction: Direction) -> &mut Half {
        match direction {
            Direction::ToSwitch => &mut self.to_switch,
            Direction::FromSwitch => &mut self.from_switch,
        }
    }
}

/// All connections to some ports.
#[derive(Debug)]
pub(super) struct Connections {
    ports: Vec<u16>,
    connections: HashMap<Ends, Connection>,
    held: usize,
    segments: u64,
}

impl Connections {
    /// Those whose controller listens on one of these ports.
    pub(super) fn new(ports: Vec<u16>) -> Self {
        Self {
            ports,
            connections: HashMap::new(),
            held: 0,
            segments: 0,
        }
    }

    /// Where a fragment belongs, if it is known to be of a connection that is read.
    pub(super) fn place(&self, fragment: &Fragment, time: Option<Time>) -> Option<Place> {
        let (source, destination) = fragment.addresses()?;
        let (ends, direction) = self.ends(source, destination, None)?;
        Some(ends.place(direction, time))
    }

    /// Takes the next segment of the capture.
    pub(super) fn segment(
        &mut self,
        segment: &Segment<'_>,
        time: Option<Time>,
        sink: &mut Sink<'_>,
    ) {
        let opens = segment.syn.then_some(segment.acknowledgment.is_none());
        let Some((ends, direction)) = self.ends(segment.source, segment.destination, opens) else {
            return;
        };
        if !self.connections.contains_key(&ends) {
            if !segment.syn && segment.payload.is_empty() {
                return;
            }
            self.make_room(sink);
        }
        self.segments += 1;
        let connection = self.connections.entry(ends).or_default();
        connection.used = self.segments;
        let before = held(connection);
        let others = self.held.saturating_sub(before);
        let room = MAX_HELD_TOGETHER.saturating_sub(others).min(MAX_HELD);
        if segment.syn {
            begin(connection, ends, direction, segment, sink);
        }
        let half = connection.half(direction);
        half.latest = time.or(half.latest);
        // SYN takes a sequence number itself.
        let first = segment.sequence.wrapping_add(u32::from(segment.syn));
        with(half, ends, direction, sink, |stream, deliver| {
            stream.push(first, segment.payload, time, room, deliver);
        });
        if let Some(acknowledgment) = segment.acknowledgment {
            let opposite = opposite(direction);
            let half = connection.half(opposite);
            with(half, ends, opposite, sink, |stream, deliver| {
                stream.acknowledge(acknowledgment, time, deliver);
            });
        }
        self.held = others + held(connection);
    }

    /// Takes that the capture has ended.
    pub(super) fn finish(&mut self, sink: &mut Sink<'_>) {
        let mut all: Vec<_> = self.connections.drain().collect();
        all.sort_unstable_by_key(|(_, connection)| connection.used);
        for (ends, mut connection) in all {
            end(&mut connection, ends, sink);
        }
        self.held = 0;
    }

    /// Which connection a segment belongs to, and which way it goes. A segment with SYN `opens` the connection or
    /// answers.
    fn ends(
        &self,
        source: SocketAddr,
        destination: SocketAddr,
        opens: Option<bool>,
    ) -> Option<(Ends, Direction)> {
        let to_switch = Ends {
            switch: destination,
            controller: source,
        };
        let from_switch = Ends {
            switch: source,
            controller: destination,
        };
        let port = |address: SocketAddr| self.ports.contains(&address.port());
        let is_to_switch = match (port(source), port(destination)) {
            (false, false) => return None,
            (true, false) => true,
            (false, true) => false,
            // Both could listen. Who opens the connection does not.
            (true, true) => {
                opens.map_or_else(|| self.connections.contains_key(&to_switch), |opens| !opens)
            }
        };
        Some(if is_to_switch {
            (to_switch, Direction::ToSwitch)
        } else {
            (from_switch, Direction::FromSwitch)
        })
    }

    fn make_room(&mut self, sink: &mut Sink<'_>) {
        if self.connections.len() < MAX_CONNECTIONS {
            return;
        }
        let mut used: Vec<_> = self
            .connections
            .iter()
            .map(|(ends, connection)| (connection.used, *ends))
            .collect();
        used.sort_unstable_by_key(|(used, _)| *used);
        for (_, ends) in used.into_iter().take(ENDED_AT_ONCE) {
            if let Some(mut connection) = self.connections.remove(&ends) {
                self.held = self.held.saturating_sub(held(&connection));
                end(&mut connection, ends, sink);
            }
        }
    }
}

const fn held(connection: &Connection) -> usize {
    connection.to_switch.stream.held_cost() + connection.from_switch.stream.held_cost()
}

const fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::ToSwitch => Direction::FromSwitch,
        Direction::FromSwitch => Direction::ToSwitch,
    }
}

/// Starts a direction at its SYN. The same ends may have had a connection before.
fn begin(
    connection: &mut Connection,
    ends: Ends,
    direction: Direction,
    segment: &Segment<'_>,
    sink: &mut Sink<'_>,
) {
    if connection.half(direction).initial == Some(segment.sequence) {
        return;
    }
    // A SYN that was captured behind its answer must not end what the answer has begun.
    if segment.acknowledgment.is_none() && connection.half(direction).stream.is_started() {
        end(connection, ends, sink);
    } else {
        end_half(connection.half(direction), ends, direction, sink);
    }
    let half = connection.half(direction);
    half.initial = Some(segment.sequence);
    half.stream.start(segment.sequence.wrapping_add(1));
    half.cutter = Cutter::at_beginning();
}

fn end(connection: &mut Connection, ends: Ends, sink: &mut Sink<'_>) {
    for direction in [Direction::FromSwitch, Direction::ToSwitch] {
        end_half(connection.half(direction), ends, direction, sink);
    }
}

fn end_half(half: &mut Half, ends: Ends, direction: Direction, sink: &mut Sink<'_>) {
    if half.stream.is_started() {
        with(half, ends, direction, sink, |stream, deliver| {
            stream.finish(deliver);
        });
        let place = ends.place(direction, half.latest);
        half.cutter.finish(&mut |cut| sink(&place, cut));
    }
    *half = Half::default();
}

/// Does something with a stream, and cuts what it delivers.
fn with(
    half: &mut Half,
    ends: Ends,
    direction: Direction,
    sink: &mut Sink<'_>,
    act: impl FnOnce(&mut Stream, &mut dyn FnMut(Delivery<'_>)),
) {
    let Half {
        stream,
        cutter,
        latest,
        ..
    } = half;
    act(stream, &mut |delivery| match delivery {
        Delivery::Data(bytes, time) => {
            let place = ends.place(direction, time);
            cutter.data(bytes, &mut |cut| sink(&place, cut));
        }
        Delivery::Gap(missing) => {
            let place = ends.place(direction, *latest);
            cutter.gap(missing, &mut |cut| sink(&place, cut));
        }
    });
}

#[cfg(test)]
mod tests;
