//! Which steps lie between a plain log and the stored bytes: the suffixes of an object's name say it.

/// How a segment is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Form {
    /// As zstd frames.
    pub zstd: bool,
    /// As an age file, of whatever the step before gave.
    pub age: bool,
}

impl Form {
    const ALL: [Self; 4] = [
        Self { zstd: false, age: false },
        Self { zstd: true, age: false },
        Self { zstd: false, age: true },
        Self { zstd: true, age: true },
    ];

    /// What an object's name ends with.
    pub fn suffix(self) -> &'static str {
        match (self.zstd, self.age) {
            (false, false) => ".log",
            (true, false) => ".log.zst",
            (false, true) => ".log.age",
            (true, true) => ".log.zst.age",
        }
    }

    /// The form of an object by its name, and the name without suffixes; `None` where it is no segment's.
    pub fn split(name: &str) -> Option<(&str, Self)> {
        Self::ALL.into_iter().find_map(|form| Some((name.strip_suffix(form.suffix())?, form)))
    }

    /// The form of an object by its name; that of a plain log where it says nothing.
    pub fn of(name: &str) -> Self {
        Self::split(name).map_or_else(Self::default, |(_, form)| form)
    }

    /// Whether the stored bytes are the plain log.
    pub fn is_plain(self) -> bool {
        self == Self::default()
    }
}
