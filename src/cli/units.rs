//! Sizes, durations and rates as people type and read them.

use std::num::NonZeroU64;
use std::time::Duration;

const BINARY: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
const DECIMAL: [(&str, u64); 4] = [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];

/// Reads `1073741824`, `1GiB`, `64 MiB`, `500MB`. Letters may be of either case; `K`, `M`, `G`, `T` are binary.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let bad = || format!("{text:?} is not a size: a whole number is expected, with a unit such as MiB or GB if wanted");
    let number: u64 = number.parse().map_err(|_| bad())?;
    let factor = match unit.as_str() {
        "" | "b" => 1,
        unit => BINARY
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit) || name[..1].eq_ignore_ascii_case(unit))
            .or_else(|| DECIMAL.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)))
            .map(|(_, factor)| *factor)
            .ok_or_else(bad)?,
    };
    number.checked_mul(factor).ok_or_else(|| format!("{text:?} is larger than anything"))
}

/// Reads a size as memory to work with.
pub fn parse_memory(text: &str) -> Result<usize, String> {
    let size = parse_size(text)?;
    if (1 << 20..=1 << 36).contains(&size) { Ok(size as usize) } else { Err("1MiB to 64GiB is possible".to_owned()) }
}

/// Reads a size as bytes a second, of which no fewer than 64 KiB make sense: the largest batch goes as a whole.
pub fn parse_rate(text: &str) -> Result<NonZeroU64, String> {
    let size = parse_size(text)?;
    NonZeroU64::new(size).filter(|rate| rate.get() >= 64 << 10).ok_or_else(|| "64KiB or more is possible".to_owned())
}

/// Reads `90`, `90s`, `15m`, `2h`, `1d`, `2w`, `250ms`; a bare number is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let bad = || format!("{text:?} is not a duration: 90s, 15m, 2h or 1d is expected");
    let number: u64 = number.parse().map_err(|_| bad())?;
    let seconds = match unit.trim() {
        "ms" => return Ok(Duration::from_millis(number)),
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(bad()),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(bad)
}

/// `17 B`, `1.5 KiB`, `23.4 GiB`.
pub fn size(bytes: u64) -> String {
    for (name, factor) in BINARY {
        if bytes >= factor {
            return format!("{:.1} {name}", bytes as f64 / factor as f64);
        }
    }
    format!("{bytes} B")
}

/// `0.4s`, `12s`, `3m 05s`, `2h 07m`, `3d 04h`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `1 topic`, `12 topics`, with thousands separated: `1,234,567 records`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(number))
}

/// `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_with_and_without_units() {
        for (text, bytes) in
            [("17", 17), ("1GiB", 1 << 30), ("64 mib", 64 << 20), ("2M", 2 << 20), ("500MB", 500_000_000)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "GiB", "1.5GiB", "-1", "1 parsec", "99999999999TiB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rate_is_a_size_of_some_use() {
        assert_eq!(parse_rate("50MiB").map(NonZeroU64::get), Ok(50 << 20));
        assert!(["0", "65535", "fast"].iter().all(|text| parse_rate(text).is_err()));
    }

    #[test]
    fn durations_read_with_and_without_units() {
        for (text, seconds) in [("90", 90), ("15m", 900), ("2h", 7_200), ("1d", 86_400), ("8w", 4_838_400)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "m", "1.5h", "1y"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_print_for_people() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1_536), "1.5 KiB");
        assert_eq!(duration(Duration::from_secs(185)), "3m 05s");
        assert_eq!(count(1, "topic"), "1 topic");
        assert_eq!(count(1_234_567, "record"), "1,234,567 records");
    }
}
