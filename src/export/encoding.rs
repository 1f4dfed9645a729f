//! How keys, values and headers, which are bytes, become JSON.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

/// How bytes are shown; null is always `null`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// A string where they are UTF-8, else an object with one field, `base64`. No two different byte strings look the
    /// same.
    #[default]
    Auto,
    /// A string of base64 (RFC 4648, with padding).
    Base64,
    /// A string of lowercase hexadecimal digits.
    Hex,
}

/// Bytes on their way into a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) bytes: Option<&'a [u8]>,
    pub(super) encoding: Encoding,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(bytes) = self.bytes else { return serializer.serialize_none() };
        match (self.encoding, str::from_utf8(bytes)) {
            (Encoding::Auto, Ok(text)) => serializer.serialize_str(text),
            (Encoding::Auto, Err(_)) => {
                let mut object = serializer.serialize_map(Some(1))?;
                object.serialize_entry("base64", &Base64(bytes))?;
                object.end()
            }
            (Encoding::Base64, _) => Base64(bytes).serialize(serializer),
            (Encoding::Hex, _) => serializer.collect_str(&Hex(bytes)),
        }
    }
}

struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Base64<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(STRETCH / 3 * 4);
        for stretch in self.0.chunks(STRETCH) {
            text.clear();
            text.extend(stretch.chunks(3).flat_map(four_digits));
            f.write_str(&text)?;
        }
        Ok(())
    }
}

/// One to three bytes.
fn four_digits(bytes: &[u8]) -> [char; 4] {
    let byte = |index: usize| bytes.get(index).map_or(0, |byte| u32::from(*byte));
    let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    let digit = |index: usize| match index {
        _ if index > bytes.len() => '=',
        _ => char::from(DIGITS[(bits >> (18 - 6 * index) & 63) as usize]),
    };
    [digit(0), digit(1), digit(2), digit(3)]
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |bits: u8| char::from_digit(u32::from(bits), 16).unwrap_or('0');
        let mut text = String::with_capacity(STRETCH * 2);
        for stretch in self.0.chunks(STRETCH) {
            text.clear();
            text.extend(stretch.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
            f.write_str(&text)?;
        }
        Ok(())
    }
}

/// Bytes turned into text at a time; a multiple of three.
const STRETCH: usize = 3 << 10;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: Option<&[u8]>, encoding: Encoding) -> String {
        serde_json::to_string(&Shown { bytes, encoding }).unwrap()
    }

    #[test]
    fn text_stays_text_and_bytes_become_base64() {
        assert_eq!(shown(None, Encoding::Auto), "null");
        assert_eq!(shown(Some(b""), Encoding::Auto), r#""""#);
        assert_eq!(shown(Some("größer\n\0".as_bytes()), Encoding::Auto), r#""größer\n\u0000""#);
        assert_eq!(shown(Some(&[0xff, 0xfe]), Encoding::Auto), r#"{"base64":"//4="}"#);
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(shown(Some(plain.as_bytes()), Encoding::Base64), format!("{text:?}"));
        }
        let long = shown(Some(&[b'a'; 10_000]), Encoding::Base64);
        assert_eq!(long.len(), 10_000_usize.div_ceil(3) * 4 + 2);
        assert!(!long.trim_end_matches("==\"").contains('='));
    }

    #[test]
    fn hexadecimal_is_lowercase() {
        assert_eq!(shown(Some(&[0, 0xab, 0x1f]), Encoding::Hex), r#""00ab1f""#);
    }
}
