//! How much of anything one switch, one address or all of them together may take.
//!
//! A constant is what the program runs with; [`Limits`] carries those that a test or an operator may set.

use std::time::Duration;

/// From the accepted connection to the last answer of the handshake. A real switch needs milliseconds.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);

/// How long a complete switch waits until a former connection of the same datapath id has been cleared away.
pub const ADMISSION_DEADLINE: Duration = Duration::from_secs(10);

/// After this long without a message the switch is asked for an echo. Open vSwitch does the same.
pub const ECHO_AFTER: Duration = Duration::from_secs(5);

/// A switch that has sent nothing for this long after being asked for an echo is gone.
pub const ECHO_DEADLINE: Duration = Duration::from_secs(10);

/// How long a connected switch has to answer when another connection claims its datapath id.
pub const DUPLICATE_PROBE: Duration = Duration::from_secs(1);

/// A switch that takes no byte of what is due to it for this long is gone.
pub const WRITE_STALL: Duration = Duration::from_secs(10);

/// With a full queue, a write that has been going on for this long shows that the switch doesn't keep up.
pub const FULL_QUEUE_GRACE: Duration = Duration::from_secs(1);

/// How long a last error message may take to leave before the connection is closed.
pub const CLOSE_FLUSH: Duration = Duration::from_secs(1);

/// How long the reading side stays open after a last error message, so that no reset overtakes it.
pub const CLOSE_LINGER: Duration = Duration::from_millis(500);

/// How long a batch of changes may take until its barrier is answered. 1,000 rules take 4 ms.
pub const APPLY_DEADLINE: Duration = Duration::from_secs(5);

/// How long all parts of a statistics reply together may take. 100,000 rules take half a second.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// How long open connections have to end after the server was told to stop.
pub const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(3);

/// Bytes that may wait for one switch: some 100,000 rules.
pub const OUTBOX_BYTES: usize = 16 << 20;

/// Messages that may wait for one switch: the smallest ones, until their bytes count as much as [`OUTBOX_BYTES`].
pub const OUTBOX_MESSAGES: usize = 262_144;

/// Bytes of echo replies and errors that may wait for one switch: sixteen of the longest. They go first.
pub const OUTBOX_URGENT_BYTES: usize = 1 << 20;

/// Batches, statistics requests and echoes that one switch may owe an answer at a time. Each holds a waiting task.
pub const PENDING_REQUESTS: usize = 16_384;

/// Bytes of a statistics reply, all parts together: some 250,000 rules.
pub const MULTIPART_BYTES: usize = 32 << 20;

/// Parts of a statistics reply. Open vSwitch fills parts of up to 64 KiB; a switch may send one record a part.
pub const MULTIPART_PARTS: usize = 262_144;

/// Bytes of a statistics reply during the handshake: [`PORTS`] port descriptions of 64 bytes.
pub const HANDSHAKE_MULTIPART_BYTES: usize = PORTS * 64 + (64 << 10);

/// Ports of one switch. More are not believed.
pub const PORTS: usize = 16_384;

/// Messages of a wrong version until the connection is closed.
pub const WRONG_VERSIONS: u32 = 5;

/// Messages that can't be decoded, within [`UNDECODABLE_WINDOW`], until the connection is closed.
pub const UNDECODABLE: u32 = 5;

/// See [`UNDECODABLE`].
pub const UNDECODABLE_WINDOW: Duration = Duration::from_secs(60);

/// Bytes that are kept of the refused message in an error: what the specification promises, and no more, since
/// a switch may send 64 KiB with each.
pub const ERROR_DATA_BYTES: usize = 64;

/// Packets that may wait for one switch's observer. At 20,000 a second that is a twentieth of a second; older
/// packets are not worth an answer.
pub const PACKET_IN_QUEUE: usize = 1_024;

/// Bytes of packets that may wait for one switch's observer: [`PACKET_IN_QUEUE`] of the usual 1,500, and not of 64 KiB.
pub const PACKET_IN_QUEUE_BYTES: usize = 2 << 20;

/// LLDP frames that may wait on top of [`PACKET_IN_QUEUE`], so that a flood of packets does not tear links down:
/// a round of probes of a switch with as many ports.
pub const LLDP_QUEUE: usize = 1_024;

/// Changes of ports and rules that may wait for one switch's observer. None of them is ever dropped, since state is
/// built on them: 100,000 rules may end at once. A switch beyond that is lying and is disconnected.
pub const CHANGE_QUEUE: usize = 131_072;

/// Packets a second of one switch that reach the apps, in the long run.
pub const PACKET_IN_RATE: u32 = 20_000;

/// Packets of one switch that reach the apps at once.
pub const PACKET_IN_BURST: u32 = 4_000;

/// LLDP frames a second of one switch, counted apart from [`PACKET_IN_RATE`].
pub const LLDP_RATE: u32 = 2_000;

/// Bytes that are asked of the socket at a time.
pub const READ_CHUNK: usize = 8 << 10;

/// Connections that the kernel may hold until they are accepted: a flood must not keep a switch's SYN out.
pub const LISTEN_BACKLOG: u32 = 4_096;

/// What the listening side allows.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections at a time, complete or not.
    pub connections: usize,
    /// Connections at a time whose handshake is not complete. Beyond it the oldest makes room, so that a new one
    /// always gets its turn.
    pub unready: usize,
    /// The same for one address. All of Mininet's switches come from one, at once.
    pub unready_per_address: usize,
    /// See [`HANDSHAKE_DEADLINE`].
    pub handshake_deadline: Duration,
    /// See [`ECHO_AFTER`].
    pub echo_after: Duration,
    /// See [`ECHO_DEADLINE`].
    pub echo_deadline: Duration,
    /// See [`WRITE_STALL`].
    pub write_stall: Duration,
    /// See [`OUTBOX_BYTES`].
    pub outbox_bytes: usize,
    /// See [`PACKET_IN_RATE`].
    pub packet_in_rate: u32,
    /// See [`PACKET_IN_BURST`].
    pub packet_in_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4_096,
            unready: 1_024,
            unready_per_address: 512,
            handshake_deadline: HANDSHAKE_DEADLINE,
            echo_after: ECHO_AFTER,
            echo_deadline: ECHO_DEADLINE,
            write_stall: WRITE_STALL,
            outbox_bytes: OUTBOX_BYTES,
            packet_in_rate: PACKET_IN_RATE,
            packet_in_burst: PACKET_IN_BURST,
        }
    }
}
