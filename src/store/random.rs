//! Names that nobody else picks.

use std::fmt::Write;
use std::io;

use rustix::rand::GetRandomFlags;

/// `digits` random hexadecimal digits from the system's generator; at most 64.
pub fn random_hex(digits: usize) -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    rustix::rand::getrandom(&mut bytes, GetRandomFlags::empty())?;
    let mut text = String::with_capacity(64);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(digits);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_as_many_digits_as_asked() {
        let (a, b) = (random_hex(8).unwrap(), random_hex(8).unwrap());
        assert_eq!(a.len(), 8);
        assert!(a.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(a, b);
    }
}
