//! The little DER that is written here.

const INTEGER_ONE: &[u8] = &[2, 1, 1];
const INTEGER_THREE: &[u8] = &[2, 1, 3];
const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 4;
const BITS: u8 = 3;
const EXPLICIT_0: u8 = 0xA0;
const EXPLICIT_1: u8 = 0xA1;
/// 1.2.840.113549.1.7.1, content that is just data.
const DATA: &[u8] = &[6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 1];
/// 1.2.840.113549.1.12.10.1.2, a bag with an encrypted private key.
const SHROUDED_KEY: &[u8] = &[6, 11, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 12, 10, 1, 2];

/// A private key on an elliptic curve (RFC 5915) with its public half:
/// SEQUENCE { 1, OCTET STRING private, \[0\] curve, \[1\] BIT STRING public }.
pub(super) fn with_public_half(key: &[u8], public: &[u8]) -> Option<Vec<u8>> {
    let fields = value(SEQUENCE, key)?.strip_prefix(INTEGER_ONE)?;
    let private = value(OCTETS, fields)?;
    let bits = wrap(BITS, &[&[0], public])?;
    wrap(SEQUENCE, &[INTEGER_ONE, &wrap(OCTETS, &[private])?, &wrap(EXPLICIT_1, &[&bits])?])
}

/// A PKCS #12 store (RFC 7292) with an encrypted private key in it, and without a digest.
pub(super) fn pkcs12_around(encrypted_key: &[u8]) -> Option<Vec<u8>> {
    let bag = wrap(SEQUENCE, &[SHROUDED_KEY, &wrap(EXPLICIT_0, &[encrypted_key])?])?;
    let safe = data(&wrap(SEQUENCE, &[&bag])?)?;
    let all = data(&wrap(SEQUENCE, &[&safe])?)?;
    wrap(SEQUENCE, &[INTEGER_THREE, &all])
}

fn data(content: &[u8]) -> Option<Vec<u8>> {
    wrap(SEQUENCE, &[DATA, &wrap(EXPLICIT_0, &[&wrap(OCTETS, &[content])?])?])
}

/// What the first element holds, if it has this tag and fewer than 256 bytes, as keys on elliptic curves do.
fn value(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let rest = der.strip_prefix(&[tag])?;
    let (length, rest) = match rest {
        [0x81, length, rest @ ..] | [length @ 0..=0x7F, rest @ ..] => (usize::from(*length), rest),
        _ => return None,
    };
    rest.get(..length)
}

/// An element with at most 65,535 bytes.
fn wrap(tag: u8, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let inner = parts.concat();
    let [high, low] = u16::try_from(inner.len()).ok()?.to_be_bytes();
    let head = match (high, low) {
        (0, 0..=0x7F) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    Some([head, inner].concat())
}
