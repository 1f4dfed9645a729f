//! Numbers as they come in: whoever adds them up later relies on these bounds. A document with a number beyond them is
//! damaged, and says so.

use serde::de::{Deserialize, Deserializer, Error};

use crate::model::OffsetRange;

/// Bytes, batches or records of one segment: far above what fits into one.
const AMOUNT_MAX: u64 = 1 << 44;
/// Sums over segments.
const TOTAL_MAX: u64 = 1 << 58;
/// Numbers that count up by one.
const COUNT_MAX: u32 = 1 << 30;
/// No batch has an offset beyond this: the next one has to be a number too.
const OFFSET_MAX: i64 = i64::MAX - (1 << 31);

/// Bytes, batches or records of one segment, or a position in it.
pub(super) fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    within(u64::deserialize(from)?, AMOUNT_MAX)
}

/// A sum over segments.
pub(super) fn total<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    within(u64::deserialize(from)?, TOTAL_MAX)
}

/// A number that counts up by one.
pub(super) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    within(u32::deserialize(from)?, COUNT_MAX)
}

/// An offset, -1 where there is none.
pub(super) fn offset<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let offset = i64::deserialize(from)?;
    if offset < -1 { Err(D::Error::custom(format!("{offset} is no offset"))) } else { within(offset, OFFSET_MAX) }
}

/// Two offsets.
pub(super) fn range<'de, D: Deserializer<'de>>(from: D) -> Result<OffsetRange, D::Error> {
    let range = OffsetRange::deserialize(from)?;
    if range.base < -1 || range.next < -1 {
        return Err(D::Error::custom(format!("{range} are no offsets")));
    }
    within(range.base.max(range.next), OFFSET_MAX)?;
    Ok(range)
}

fn within<N: PartialOrd + Copy + std::fmt::Display, E: Error>(number: N, most: N) -> Result<N, E> {
    if number > most { Err(E::custom(format!("{number} is more than there can be, {most}"))) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use crate::repository::format::{IndexEntry, MissingRange, SealsRef};

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        let entry = |offset: i64, position: u64| {
            let text = format!(r#"{{"offset":{offset},"position":{position},"timestamp":-1,"observed":5}}"#);
            serde_json::from_str::<IndexEntry>(&text)
        };
        assert!(entry(-1, 0).is_ok() && entry(0, 0).is_ok() && entry(i64::MAX - (1 << 31), 1 << 44).is_ok());
        for (offset, position) in [(-2, 0), (i64::MAX, 0), (i64::MIN, 0), (0, (1 << 44) + 1), (0, u64::MAX)] {
            assert!(entry(offset, position).is_err(), "{offset} {position}");
        }
        let range = |base: i64, next: i64| {
            let text = format!(r#"{{"range":{{"base":{base},"next":{next}}},"gap":true}}"#);
            serde_json::from_str::<MissingRange>(&text)
        };
        assert!(range(3, 9).is_ok() && range(-1, -1).is_ok() && range(0, 0).is_ok());
        for (base, next) in [(-2, 9), (i64::MIN, 9), (3, -2), (3, i64::MAX), (i64::MAX, 3)] {
            assert!(range(base, next).is_err(), "{base} {next}");
        }
        let part = |level: u32, size: u64| {
            let numbers = format!(r#""level":{level},"seals":1,"base":0,"next":1,"size":{size},"json_bytes":9"#);
            serde_json::from_str::<SealsRef>(&format!(r#"{{"digest":"",{numbers}}}"#))
        };
        assert!(part(3, 1 << 50).is_ok());
        assert!(part(u32::MAX, 1).is_err() && part(0, u64::MAX).is_err());
    }
}
