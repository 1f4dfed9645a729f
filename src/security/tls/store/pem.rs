//! PEM (RFC 7468), also on one line, as it stands in properties (Kafka class `DefaultSslEngineFactory`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::StoreFault;

/// One `BEGIN` to its `END`.
pub(in crate::security::tls) struct Section {
    /// What stands after `BEGIN`.
    pub(in crate::security::tls) label: String,
    /// Encrypted by the old convention of header lines (RFC 1421).
    pub(super) old_encryption: bool,
    /// The decoded bytes.
    pub(in crate::security::tls) der: Zeroizing<Vec<u8>>,
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Labels are words such as `ENCRYPTED PRIVATE KEY`.
const LONGEST_LABEL: usize = 64;

/// Whether there is any section.
pub(super) fn begins(text: &[u8]) -> bool {
    find(text, BEGIN).is_some()
}

/// All sections in their order; what stands between them is passed over.
pub(in crate::security::tls) fn sections(text: &[u8]) -> Result<Vec<Section>, StoreFault> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = find(rest, BEGIN) {
        let (section, after) = section(&rest[at + BEGIN.len()..]).map_err(|why| StoreFault::damaged("PEM", why))?;
        found.push(section);
        rest = after;
    }
    Ok(found)
}

/// A section whose `BEGIN` was read, and what comes after it.
fn section(text: &[u8]) -> Result<(Section, &[u8]), &'static str> {
    let label_end =
        find(&text[..text.len().min(LONGEST_LABEL + DASHES.len())], DASHES).ok_or("a BEGIN line has no end")?;
    let (label, text) = (&text[..label_end], &text[label_end + DASHES.len()..]);
    let body_end = find(text, END).ok_or("an END line is missing")?;
    let (body, text) = (&text[..body_end], &text[body_end + END.len()..]);
    let after = text.strip_prefix(label).and_then(|text| text.strip_prefix(DASHES));
    let after = after.ok_or("an END line does not fit its BEGIN line")?;
    let label = String::from_utf8_lossy(label).into_owned();
    // Header lines have a colon, base64 has none.
    let headers = || body.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| line.contains(&b':'));
    let old_encryption = headers().any(|line| find(line, b"ENCRYPTED").is_some());
    let digits = body.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.contains(&b':'));
    let digits = digits.flatten().copied().filter(|byte| !byte.is_ascii_whitespace());
    let digits: Zeroizing<Vec<u8>> = Zeroizing::new(digits.collect());
    let der = STANDARD.decode(digits.as_slice()).map_err(|_| "what stands between BEGIN and END is not base64")?;
    Ok((Section { label, old_encryption, der: Zeroizing::new(der) }, after))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}
