//! `ofp_match`, 40 bytes with every field at its place, and its wildcards (OF 1.0.2 §5.2.3).
//!
//! | `ofp_match` | model | where |
//! |---|---|---|
//! | `in_port`, `dl_src`, `dl_dst`, `dl_type` | `in_port`, `eth_src`, `eth_dst`, `eth_type` | |
//! | `dl_vlan` 0xffff | `vlan_vid` 0 | untagged |
//! | `dl_vlan` n | `vlan_vid` n + 0x1000 | tagged |
//! | `dl_vlan_pcp` | `vlan_pcp`; with any `dl_vlan` also `vlan_vid` 0x1000/0x1000 | tagged |
//! | `nw_tos` | `ip_dscp`, its upper six bits | `dl_type` 0x0800 |
//! | `nw_proto` | `ip_proto`; `arp_op` | `dl_type` 0x0800; 0x0806 |
//! | `nw_src`, `nw_dst` | `ipv4_src`, `ipv4_dst`; `arp_spa`, `arp_tpa` | `dl_type` 0x0800; 0x0806 |
//! | `tp_src`, `tp_dst` | `tcp_*`, `udp_*`; `icmpv4_type` and `icmpv4_code` | `nw_proto` 6, 17; 1 |
//!
//! A field for which the last column does not hold is ignored by a switch, so it is dropped when it is
//! raised. Lowered, such a field is refused instead: its sender meant something by it. The ports of SCTP are
//! not in 1.0 and are refused too; a switch that compares them nevertheless gets them raised.

use bytes::BytesMut;

use super::consts::{header, wildcard};
use super::{port, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{Field, Masked, Pattern};
use crate::types::{MacAddr, PortNo};
use crate::wire::{Put, Reader, pad};

/// OF 1.0.2 §5.2.3, `ofp_match`.
struct FixedMatch {
    wildcards: u32,
    in_port: u16,
    dl_src: MacAddr,
    dl_dst: MacAddr,
    dl_vlan: u16,
    dl_vlan_pcp: u8,
    dl_type: u16,
    nw_tos: u8,
    nw_proto: u8,
    nw_src: u32,
    nw_dst: u32,
    tp_src: u16,
    tp_dst: u16,
}

pub(super) fn decode(reader: &mut Reader) -> Result<Pattern, DecodeError> {
    let start = reader.offset();
    FixedMatch::read(reader)?.raise(|field, offset, value| {
        reader.error_at(start + offset, field, Problem::Value(value.into()))
    })
}

impl FixedMatch {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let wildcards = reader.u32("wildcards")?;
        let in_port = reader.u16("in_port")?;
        let dl_src = reader.mac("dl_src")?;
        let dl_dst = reader.mac("dl_dst")?;
        let dl_vlan = reader.u16("dl_vlan")?;
        let dl_vlan_pcp = reader.u8("dl_vlan_pcp")?;
        reader.skip("pad1", 1)?;
        let dl_type = reader.u16("dl_type")?;
        let nw_tos = reader.u8("nw_tos")?;
        let nw_proto = reader.u8("nw_proto")?;
        reader.skip("pad2", 2)?;
        Ok(Self {
            wildcards,
            in_port,
            dl_src,
            dl_dst,
            dl_vlan,
            dl_vlan_pcp,
            dl_type,
            nw_tos,
            nw_proto,
            nw_src: reader.u32("nw_src")?,
            nw_dst: reader.u32("nw_dst")?,
            tp_src: reader.u16("tp_src")?,
            tp_dst: reader.u16("tp_dst")?,
        })
    }

    const fn compares(&self, bit: u32) -> bool {
        self.wildcards & bit == 0
    }

    /// How many fields are compared, at most.
    fn compared(&self) -> usize {
        const ADDRESSES: u32 = (wildcard::NW_BITS << wildcard::NW_SRC_SHIFT)
            | (wildcard::NW_BITS << wildcard::NW_DST_SHIFT);
        let mut compared = !self.wildcards & wildcard::ALL & !ADDRESSES;
        if compared & wildcard::DL_VLAN_PCP != 0 {
            compared |= wildcard::DL_VLAN;
        }
        let shifts = [wildcard::NW_SRC_SHIFT, wildcard::NW_DST_SHIFT];
        let addresses = shifts
            .into_iter()
            .filter(|&shift| self.wildcards >> shift & wildcard::NW_BITS < u32::BITS);
        compared.count_ones() as usize + addresses.count()
    }

    /// `error` says what is wrong with a field, by its name, its offset within the structure and its value.
    fn raise(
        &self,
        error: impl Fn(&'static str, usize, u16) -> DecodeError,
    ) -> Result<Pattern, DecodeError> {
        let mut pattern = Pattern::with_room(self.compared());
        if self.compares(wildcard::IN_PORT) {
            require(&mut pattern, Field::InPort, port::raise(self.in_port).0);
        }
        if self.compares(wildcard::DL_SRC) {
            require(&mut pattern, Field::EthSrc, self.dl_src.to_u64());
        }
        if self.compares(wildcard::DL_DST) {
            require(&mut pattern, Field::EthDst, self.dl_dst.to_u64());
        }
        self.raise_vlan(&mut pattern, &error)?;
        if self.compares(wildcard::DL_TYPE) {
            require(&mut pattern, Field::EthType, self.dl_type);
            match self.dl_type {
                header::ETH_TYPE_IPV4 => self.raise_ipv4(&mut pattern, &error)?,
                header::ETH_TYPE_ARP => self.raise_arp(&mut pattern),
                _ => {}
            }
        }
        Ok(pattern)
    }

    fn raise_vlan(
        &self,
        pattern: &mut Pattern,
        error: impl Fn(&'static str, usize, u16) -> DecodeError,
    ) -> Result<(), DecodeError> {
        if self.compares(wildcard::DL_VLAN) {
            match self.dl_vlan {
                header::VLAN_NONE => {
                    require(pattern, Field::VlanVid, 0_u16);
                    return Ok(());
                }
                vid if vid <= header::VLAN_ID => {
                    require(pattern, Field::VlanVid, vid | header::VLAN_PRESENT);
                }
                other => return Err(error("dl_vlan", 18, other)),
            }
        }
        if self.compares(wildcard::DL_VLAN_PCP) {
            if self.dl_vlan_pcp > header::VLAN_PCP_MAX {
                return Err(error("dl_vlan_pcp", 20, self.dl_vlan_pcp.into()));
            }
            if !self.compares(wildcard::DL_VLAN) {
                let present = header::VLAN_PRESENT.into();
                pattern.set(Field::VlanVid, present, present);
            }
            require(pattern, Field::VlanPcp, self.dl_vlan_pcp);
        }
        Ok(())
    }

    fn raise_ipv4(
        &self,
        pattern: &mut Pattern,
        error: impl Fn(&'static str, usize, u16) -> DecodeError,
    ) -> Result<(), DecodeError> {
        self.raise_addresses(pattern, Field::Ipv4Src, Field::Ipv4Dst);
        if self.compares(wildcard::NW_TOS) {
            require(pattern, Field::IpDscp, self.nw_tos >> header::DSCP_SHIFT);
        }
        if !self.compares(wildcard::NW_PROTO) {
            return Ok(());
        }
        require(pattern, Field::IpProto, self.nw_proto);
        let (source, destination) = match self.nw_proto {
            header::IP_PROTO_TCP => (Field::TcpSrc, Field::TcpDst),
            header::IP_PROTO_UDP => (Field::UdpSrc, Field::UdpDst),
            header::IP_PROTO_SCTP => (Field::SctpSrc, Field::SctpDst),
            header::IP_PROTO_ICMP => (Field::Icmpv4Type, Field::Icmpv4Code),
            _ => return Ok(()),
        };
        for (bit, field, value, name, offset) in [
            (wildcard::TP_SRC, source, self.tp_src, "tp_src", 36),
            (wildcard::TP_DST, destination, self.tp_dst, "tp_dst", 38),
        ] {
            if self.compares(bit) {
                if u128::from(value) > field.full_mask() {
                    return Err(error(name, offset, value));
                }
                require(pattern, field, value);
            }
        }
        Ok(())
    }

    fn raise_arp(&self, pattern: &mut Pattern) {
        self.raise_addresses(pattern, Field::ArpSpa, Field::ArpTpa);
        if self.compares(wildcard::NW_PROTO) {
            require(pattern, Field::ArpOp, self.nw_proto);
        }
    }

    fn raise_addresses(&self, pattern: &mut Pattern, source: Field, destination: Field) {
        for (field, value, shift) in [
            (source, self.nw_src, wildcard::NW_SRC_SHIFT),
            (destination, self.nw_dst, wildcard::NW_DST_SHIFT),
        ] {
            let ignored = self.wildcards >> shift & wildcard::NW_BITS;
            let mask = u32::MAX.checked_shl(ignored).unwrap_or(0);
            pattern.set(field, value.into(), mask.into());
        }
    }
}

fn require(pattern: &mut Pattern, field: Field, value: impl Into<u128>) {
    pattern.set(field, value.into(), field.full_mask());
}

pub(super) fn encode(pattern: &Pattern, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    FixedMatch::lower(pattern)?.write(buffer);
    Ok(())
}

impl FixedMatch {
    /// Matches every packet.
    const ANY: Self = Self {
        wildcards: wildcard::ALL,
        in_port: 0,
        dl_src: MacAddr([0; 6]),
        dl_dst: MacAddr([0; 6]),
        dl_vlan: 0,
        dl_vlan_pcp: 0,
        dl_type: 0,
        nw_tos: 0,
        nw_proto: 0,
        nw_src: 0,
        nw_dst: 0,
        tp_src: 0,
        tp_dst: 0,
    };

    fn lower(pattern: &Pattern) -> Result<Self, Unsupported> {
        if let Some(oxm) = pattern.unknown().first() {
            return Err(unsupported(format!(
                "the match field {} of class {:#06x}",
                oxm.field, oxm.class
            )));
        }
        let mut fixed = Self::ANY;
        for (field, masked) in pattern.fields() {
            fixed.lower_field(pattern, field, masked)?;
        }
        Ok(fixed)
    }

    fn lower_field(
        &mut self,
        pattern: &Pattern,
        field: Field,
        masked: Masked,
    ) -> Result<(), Unsupported> {
        check_needs(pattern, field)?;
        match field {
            Field::InPort => {
                let number = self.lower_whole(field, masked, wildcard::IN_PORT)?;
                self.in_port = port::lower(PortNo(number))?;
            }
            Field::EthDst => {
                self.dl_dst =
                    MacAddr::from_u64(self.lower_whole(field, masked, wildcard::DL_DST)?);
            }
            Field::EthSrc => {
                self.dl_src =
                    MacAddr::from_u64(self.lower_whole(field, masked, wildcard::DL_SRC)?);
            }
            Field::EthType => self.dl_type = self.lower_whole(field, masked, wildcard::DL_TYPE)?,
            Field::VlanVid => self.lower_vlan_vid(pattern, masked)?,
            Field::VlanPcp => self.lower_vlan_pcp(pattern, masked)?,
            Field::IpDscp => {
                let dscp: u8 = self.lower_whole(field, masked, wildcard::NW_TOS)?;
                self.nw_tos = dscp << header::DSCP_SHIFT;
            }
            Field::IpProto | Field::ArpOp => {
                self.nw_proto = self.lower_whole(field, masked, wildcard::NW_PROTO)?;
            }
            Field::Ipv4Src | Field::ArpSpa => {
                self.nw_src = self.lower_prefix(field, masked, wildcard::NW_SRC_SHIFT)?;
            }
            Field::Ipv4Dst | Field::ArpTpa => {
                self.nw_dst = self.lower_prefix(field, masked, wildcard::NW_DST_SHIFT)?;
            }
            Field::TcpSrc | Field::UdpSrc | Field::Icmpv4Type => {
                self.tp_src = self.lower_whole(field, masked, wildcard::TP_SRC)?;
            }
            Field::TcpDst | Field::UdpDst | Field::Icmpv4Code => {
                self.tp_dst = self.lower_whole(field, masked, wildcard::TP_DST)?;
            }
            _ => return Err(unsupported(format!("the match field {}", field.name()))),
        }
        Ok(())
    }

    fn lower_vlan_vid(&mut self, pattern: &Pattern, masked: Masked) -> Result<(), Unsupported> {
        let present = u128::from(header::VLAN_PRESENT);
        if masked == Masked::new(present, present) && pattern.get(Field::VlanPcp).is_some() {
            return Ok(());
        }
        self.dl_vlan = match self.lower_whole(Field::VlanVid, masked, wildcard::DL_VLAN)? {
            0 => header::VLAN_NONE,
            vid if vid & header::VLAN_PRESENT != 0 => vid & header::VLAN_ID,
            vid => {
                return Err(unsupported(format!(
                    "the match vlan_vid={vid} without the bit 0x1000: add that to match packets with a tag"
                )));
            }
        };
        Ok(())
    }

    fn lower_vlan_pcp(&mut self, pattern: &Pattern, masked: Masked) -> Result<(), Unsupported> {
        let present = u128::from(header::VLAN_PRESENT);
        let tagged = pattern
            .get(Field::VlanVid)
            .is_some_and(|vid| vid.value() & present != 0);
        if !tagged {
            return Err(unsupported(
                "the match field vlan_pcp without a vlan_vid that has the bit 0x1000: add that to the match",
            ));
        }
        self.dl_vlan_pcp = self.lower_whole(Field::VlanPcp, masked, wildcard::DL_VLAN_PCP)?;
        Ok(())
    }

    /// The value of a field that is compared whole or not at all, which `bit` says.
    fn lower_whole<T: TryFrom<u128>>(
        &mut self,
        field: Field,
        masked: Masked,
        bit: u32,
    ) -> Result<T, Unsupported> {
        if masked.mask() != field.full_mask() {
            return Err(unsupported(format!(
                "a mask on the match field {}",
                field.name()
            )));
        }
        self.wildcards &= !bit;
        T::try_from(masked.value())
            .map_err(|_| unsupported(format!("the match {}={}", field.name(), masked.value())))
    }

    /// An address, of which the six bits at `shift` say how many low bits are not compared.
    fn lower_prefix(
        &mut self,
        field: Field,
        masked: Masked,
        shift: u32,
    ) -> Result<u32, Unsupported> {
        let mask = (masked.mask() & u128::from(u32::MAX)) as u32;
        let ignored = mask.trailing_zeros();
        if mask.leading_ones() + ignored != u32::BITS {
            return Err(unsupported(format!(
                "a mask on the match field {} that is not a prefix",
                field.name()
            )));
        }
        self.wildcards &= !(wildcard::NW_BITS << shift);
        self.wildcards |= ignored << shift;
        Ok((masked.value() & u128::from(u32::MAX)) as u32)
    }

    fn write(&self, buffer: &mut BytesMut) {
        buffer.put_u32(self.wildcards);
        buffer.put_u16(self.in_port);
        buffer.put_slice(&self.dl_src.0);
        buffer.put_slice(&self.dl_dst.0);
        buffer.put_u16(self.dl_vlan);
        buffer.put_u8(self.dl_vlan_pcp);
        pad(buffer, 1);
        buffer.put_u16(self.dl_type);
        buffer.put_u8(self.nw_tos);
        buffer.put_u8(self.nw_proto);
        pad(buffer, 2);
        buffer.put_u32(self.nw_src);
        buffer.put_u32(self.nw_dst);
        buffer.put_u16(self.tp_src);
        buffer.put_u16(self.tp_dst);
    }
}

/// What must stand beside a field for a 1.0 switch to look at it, each with its value.
const fn needs(field: Field) -> &'static [(Field, u16)] {
    const ETH_IPV4: (Field, u16) = (Field::EthType, header::ETH_TYPE_IPV4);
    match field {
        Field::IpDscp | Field::IpProto | Field::Ipv4Src | Field::Ipv4Dst => &[ETH_IPV4],
        Field::ArpOp | Field::ArpSpa | Field::ArpTpa => &[(Field::EthType, header::ETH_TYPE_ARP)],
        Field::TcpSrc | Field::TcpDst => &[ETH_IPV4, (Field::IpProto, header::IP_PROTO_TCP as u16)],
        Field::UdpSrc | Field::UdpDst => &[ETH_IPV4, (Field::IpProto, header::IP_PROTO_UDP as u16)],
        Field::Icmpv4Type | Field::Icmpv4Code => {
            &[ETH_IPV4, (Field::IpProto, header::IP_PROTO_ICMP as u16)]
        }
        _ => &[],
    }
}

fn check_needs(pattern: &Pattern, field: Field) -> Result<(), Unsupported> {
    let met = |&(needed, value): &(Field, u16)| pattern.exact(needed) == Some(value.into());
    if needs(field).iter().all(met) {
        return Ok(());
    }
    let needs: Vec<String> = needs(field)
        .iter()
        .map(|&(needed, value)| match needed {
            Field::EthType => format!("{}={value:#06x}", needed.name()),
            _ => format!("{}={value}", needed.name()),
        })
        .collect();
    Err(unsupported(format!(
        "the match field {} without {}: add what is missing to the match",
        field.name(),
        needs.join(" and ")
    )))
}
