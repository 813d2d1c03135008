//! Fields that this library doesn't know as members of a JSON object.
//!
//! The name is `oxm_` with class and number; an experimenter's has the experimenter between them, so that the fields of
//! two don't have the same name. The value is hex; a mask, as long as the value, follows after `/`. Where a field
//! stands twice, which no switch takes, the second name ends in `#2`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::super::RawOxm;
use super::PatternError;
use crate::json::number;
use crate::model::hex;

/// `OFPXMC_EXPERIMENTER` (OF 1.3.5 §7.2.3.3).
const EXPERIMENTER_CLASS: u16 = 0xffff;

/// Name and value of each, in their order.
pub(super) fn members(fields: &[RawOxm]) -> impl Iterator<Item = (String, String)> + '_ {
    let mut seen = BTreeMap::new();
    fields.iter().map(move |oxm| {
        let (mut name, payload) = name_and_payload(oxm);
        let times = seen.entry(name.clone()).or_insert(0_u32);
        *times += 1;
        if *times > 1 {
            name = format!("{name}#{times}");
        }
        (name, format_payload(payload, oxm.has_mask))
    })
}

/// The name, and the part of the payload that it does not say.
fn name_and_payload(oxm: &RawOxm) -> (String, &[u8]) {
    let RawOxm { class, field, .. } = oxm;
    match oxm.payload.split_first_chunk() {
        Some((&experimenter, rest)) if *class == EXPERIMENTER_CLASS => {
            let experimenter = u32::from_be_bytes(experimenter);
            (
                format!("oxm_{class:#06x}_{experimenter:#010x}_{field}"),
                rest,
            )
        }
        _ => (format!("oxm_{class:#06x}_{field}"), &oxm.payload),
    }
}

fn format_payload(payload: &[u8], has_mask: bool) -> String {
    if !has_mask {
        return hex::to_text(payload);
    }
    let (value, mask) = payload.split_at(payload.len() / 2);
    format!("{}/{}", hex::to_text(value), hex::to_text(mask))
}

/// The field that a member says, if its name is one of those above.
pub(super) fn parse(name: &str, text: &str) -> Result<Option<RawOxm>, PatternError> {
    let Some((class, experimenter, field)) = parse_name(name) else {
        return Ok(None);
    };
    let (value, mask) = match text.split_once('/') {
        Some((value, mask)) => (value, Some(mask)),
        None => (text, None),
    };
    let bytes = |digits| {
        hex::from_text(digits).ok_or_else(|| PatternError::Raw {
            name: name.to_owned(),
            text: text.to_owned(),
        })
    };
    let mut payload = Vec::new();
    if let Some(experimenter) = experimenter {
        payload.extend(experimenter.to_be_bytes());
    }
    payload.extend(bytes(value)?);
    payload.extend(bytes(mask.unwrap_or_default())?);
    Ok(Some(RawOxm {
        class,
        field,
        has_mask: mask.is_some(),
        payload: Bytes::from(payload),
    }))
}

fn parse_name(name: &str) -> Option<(u16, Option<u32>, u8)> {
    let name = name.strip_prefix("oxm_")?;
    let name = name.split_once('#').map_or(name, |(name, _)| name);
    let mut parts = name.split('_').map(number);
    let class = u16::try_from(parts.next()??).ok()?;
    let second = parts.next()??;
    let (experimenter, field) = match parts.next() {
        Some(third) if class == EXPERIMENTER_CLASS => (Some(u32::try_from(second).ok()?), third?),
        Some(_) => return None,
        None => (None, second),
    };
    let field = u8::try_from(field).ok().filter(|field| *field < 0x80)?;
    parts
        .next()
        .is_none()
        .then_some((class, experimenter, field))
}
