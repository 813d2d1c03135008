//! Capture files: pcap and pcapng, packet by packet.

use std::fs::File;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;

use pcap_parser::traits::{PcapNGPacketBlock as _, PcapReaderIterator};
use pcap_parser::{
    Block, InterfaceDescriptionBlock, Linktype, OptionCode, PcapBlockOwned, PcapError,
};

use super::time::{Clock, Time};

/// The buffer that reading begins with, in bytes: more than the largest packet that capturing programs write.
const BUFFER: usize = 1 << 19;

/// How far it grows for larger packets, in bytes.
const MAX_BUFFER: usize = 1 << 25;

/// How many interfaces a section of pcapng may describe.
const MAX_INTERFACES: usize = 1 << 16;

/// The type of the Packet Block, which pcapng had before the Enhanced Packet Block.
const OBSOLETE_PACKET_BLOCK: u32 = 2;

/// A capture that can't be read, or not further.
#[derive(Debug, thiserror::Error)]
pub(super) enum CaptureError {
    #[error(transparent)]
    Open(std::io::Error),
    #[error("it is empty")]
    Empty,
    #[error("it is neither a pcap nor a pcapng capture")]
    NotACapture,
    #[error("reading failed at byte {0}")]
    Read(usize),
    #[error("it ends within a packet, at byte {0}")]
    Truncated(usize),
    #[error("it is damaged at byte {0}: no packet or block can be read there")]
    Damaged(usize),
}

/// A packet as it was captured, perhaps without its end.
#[derive(Debug)]
pub(super) struct Captured<'a> {
    pub(super) time: Option<Time>,
    pub(super) link: Linktype,
    pub(super) data: &'a [u8],
}

/// An open capture.
pub(super) struct Capture {
    reader: Box<dyn PcapReaderIterator + Send>,
    layout: Layout,
}

/// What the blocks so far say of those to come.
#[derive(Debug, Default)]
struct Layout {
    link: Linktype,
    nanoseconds: bool,
    big_endian: bool,
    interfaces: Vec<Interface>,
    unread: u64,
}

#[derive(Debug)]
struct Interface {
    link: Linktype,
    clock: Clock,
    /// The largest number of bytes captured of a packet; 0 is no limit.
    snap_length: usize,
}

impl Capture {
    /// Opens a file.
    ///
    /// # Errors
    /// When it can't be read or is no capture.
    pub(super) fn open(path: &Path) -> Result<Self, CaptureError> {
        if path.is_dir() {
            return Err(CaptureError::Open(ErrorKind::IsADirectory.into()));
        }
        let file = File::open(path).map_err(CaptureError::Open)?;
        let reader = pcap_parser::create_reader(BUFFER, file).map_err(|error| match error {
            PcapError::Eof => CaptureError::Empty,
            PcapError::ReadError => CaptureError::Read(0),
            _ => CaptureError::NotACapture,
        })?;
        Ok(Self {
            reader,
            layout: Layout::default(),
        })
    }

    /// Gives every packet to `each`, until that breaks off.
    ///
    /// # Errors
    /// When the file can't be read further.
    pub(super) fn packets<B>(
        &mut self,
        mut each: impl FnMut(&Captured<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, CaptureError> {
        loop {
            let step = match self.reader.next() {
                Ok((length, block)) => {
                    let flow = match self.layout.packet(&block) {
                        Some(packet) => each(&packet),
                        None => ControlFlow::Continue(()),
                    };
                    Step::Read(length, flow)
                }
                Err(PcapError::Eof) => Step::End,
                Err(PcapError::UnexpectedEof) => Step::Truncated,
                Err(PcapError::Incomplete(_)) => Step::Refill,
                Err(PcapError::BufferTooSmall) => Step::Grow,
                Err(_) => Step::Damaged,
            };
            match step {
                Step::Read(length, flow) => {
                    self.reader.consume(length);
                    if flow.is_break() {
                        return Ok(flow);
                    }
                }
                Step::End => return Ok(ControlFlow::Continue(())),
                Step::Truncated if self.reader.data().is_empty() => {
                    return Ok(ControlFlow::Continue(()));
                }
                Step::Truncated => return Err(CaptureError::Truncated(self.reader.consumed())),
                Step::Damaged => return Err(CaptureError::Damaged(self.reader.consumed())),
                Step::Refill => self.refill()?,
                Step::Grow => self.grow()?,
            }
        }
    }

    /// How many packets were not read since their blocks, or their interfaces, are not known.
    pub(super) const fn unread(&self) -> u64 {
        self.layout.unread
    }

    fn refill(&mut self) -> Result<(), CaptureError> {
        let before = self.reader.data().len();
        let failed = self.reader.refill().is_err();
        if failed {
            return Err(CaptureError::Read(self.reader.consumed()));
        }
        if self.reader.data().len() == before && !self.reader.reader_exhausted() {
            self.grow()?;
        }
        Ok(())
    }

    /// Makes room for a packet that is larger than the buffer.
    fn grow(&mut self) -> Result<(), CaptureError> {
        let consumed = self.reader.consumed();
        let size = 2 * self.reader.data().len().max(BUFFER);
        if size > MAX_BUFFER || !self.reader.grow(size) {
            return Err(CaptureError::Damaged(consumed));
        }
        if self.reader.refill().is_err() {
            return Err(CaptureError::Read(consumed));
        }
        Ok(())
    }
}

/// What to do after looking for a block.
enum Step<B> {
    Read(usize, ControlFlow<B>),
    End,
    Truncated,
    Damaged,
    Refill,
    Grow,
}

impl Layout {
    /// The packet in a block, if there is one. Other blocks describe what follows.
    fn packet<'a>(&mut self, block: &PcapBlockOwned<'a>) -> Option<Captured<'a>> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                // The upper half says what stands behind the frame.
                self.link = Linktype(header.network.0 & 0xffff);
                self.nanoseconds = header.is_nanosecond_precision();
                None
            }
            PcapBlockOwned::Legacy(packet) => Some(Captured {
                time: Time::new(packet.ts_sec.into(), packet.ts_usec, self.nanoseconds),
                link: self.link,
                data: packet.data,
            }),
            PcapBlockOwned::NG(block) => self.block(block),
        }
    }

    fn block<'a>(&mut self, block: &Block<'a>) -> Option<Captured<'a>> {
        match block {
            Block::SectionHeader(section) => {
                self.big_endian = section.big_endian();
                self.interfaces.clear();
                None
            }
            Block::InterfaceDescription(description) => {
                if self.interfaces.len() < MAX_INTERFACES {
                    self.interfaces.push(self.interface(description));
                }
                None
            }
            Block::EnhancedPacket(packet) => {
                let Some(interface) = self.interface_of(packet.if_id) else {
                    self.unread += 1;
                    return None;
                };
                let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                Some(Captured {
                    time: interface.clock.time(ticks),
                    link: interface.link,
                    data: start(packet.data, packet.caplen as usize),
                })
            }
            Block::SimplePacket(packet) => {
                let Some(interface) = self.interface_of(0) else {
                    self.unread += 1;
                    return None;
                };
                let captured = match interface.snap_length {
                    0 => packet.orig_len() as usize,
                    limit => limit.min(packet.orig_len() as usize),
                };
                Some(Captured {
                    time: None,
                    link: interface.link,
                    data: start(packet.data, captured),
                })
            }
            Block::Unknown(block) => {
                let native = if self.big_endian {
                    block.block_type.swap_bytes()
                } else {
                    block.block_type
                };
                self.unread += u64::from(native == OBSOLETE_PACKET_BLOCK);
                None
            }
            _ => None,
        }
    }

    fn interface_of(&self, number: u32) -> Option<&Interface> {
        self.interfaces.get(usize::try_from(number).ok()?)
    }

    fn interface(&self, description: &InterfaceDescriptionBlock<'_>) -> Interface {
        let offset = description
            .options
            .iter()
            .find(|option| option.code == OptionCode::IfTsoffset)
            .and_then(|option| option.value.first_chunk().copied())
            .map_or(0, |bytes| {
                if self.big_endian {
                    i64::from_be_bytes(bytes)
                } else {
                    i64::from_le_bytes(bytes)
                }
            });
        Interface {
            link: description.linktype,
            clock: Clock {
                ticks_per_second: Clock::resolution(description.if_tsresol),
                offset,
            },
            snap_length: description.snaplen as usize,
        }
    }
}

/// At most `length` bytes: blocks are padded.
fn start(data: &[u8], length: usize) -> &[u8] {
    data.get(..length).unwrap_or(data)
}
