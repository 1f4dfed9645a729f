//! Private keys on elliptic curves (RFC 5915): SEQUENCE { 1, OCTET STRING private, \[0\] curve, \[1\] BIT STRING public }.

const INTEGER_ONE: &[u8] = &[2, 1, 1];
const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 4;
const BITS: u8 = 3;
const PUBLIC: u8 = 0xA1;

/// The same key with its public half. All lengths of the curves in use fit into one byte or two.
pub(super) fn with_public_half(key: &[u8], public: &[u8]) -> Option<Vec<u8>> {
    let fields = value(SEQUENCE, key)?.strip_prefix(INTEGER_ONE)?;
    let private = value(OCTETS, fields)?;
    let bits = wrap(BITS, &[&[0], public])?;
    wrap(SEQUENCE, &[INTEGER_ONE, &wrap(OCTETS, &[private])?, &wrap(PUBLIC, &[&bits])?])
}

/// What the first element holds, if it has this tag.
fn value(tag: u8, der: &[u8]) -> Option<&[u8]> {
    let rest = der.strip_prefix(&[tag])?;
    let (length, rest) = match rest {
        [0x81, length, rest @ ..] | [length @ 0..=0x7F, rest @ ..] => (usize::from(*length), rest),
        _ => return None,
    };
    rest.get(..length)
}

fn wrap(tag: u8, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let inner = parts.concat();
    let length = u8::try_from(inner.len()).ok()?;
    let head = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    Some([head, inner].concat())
}
