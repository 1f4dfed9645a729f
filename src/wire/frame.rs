//! The four bytes before every frame, and what they tell about peers that do not speak Kafka.

/// What the first four bytes of a frame say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefix {
    /// A frame of so many bytes follows.
    Frame(usize),
    /// More than allowed, or less than nothing.
    Oversize(i64),
    /// Text, as HTTP, SMTP or SSH servers begin their answers.
    Text,
    /// A TLS record: an alert, as TLS listeners answer plain text.
    Tls,
}

impl Prefix {
    /// Judges the bytes under a limit for the frame's size.
    pub fn read(bytes: [u8; 4], limit: usize) -> Self {
        let size = i32::from_be_bytes(bytes);
        match usize::try_from(size) {
            Ok(size) if size <= limit => Self::Frame(size),
            _ if bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) => Self::Text,
            _ if matches!(bytes, [0x14..=0x17, 3, 0..=4, _]) => Self::Tls,
            _ => Self::Oversize(i64::from(size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_refused_before_anything_is_reserved_for_it() {
        assert_eq!(Prefix::read([0, 0, 0, 9], 9), Prefix::Frame(9));
        assert_eq!(Prefix::read([0, 0, 0, 10], 9), Prefix::Oversize(10));
        assert_eq!(Prefix::read([0xff; 4], 9), Prefix::Oversize(-1));
        assert_eq!(Prefix::read(*b"HTTP", 1 << 20), Prefix::Text);
        assert_eq!(Prefix::read([0x15, 3, 3, 0], 1 << 20), Prefix::Tls);
    }
}
