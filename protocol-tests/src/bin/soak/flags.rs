//! What the soak is asked to do.

use std::path::PathBuf;
use std::time::Duration;

use crate::Outcome;

/// How long, and how often.
#[derive(Debug)]
pub(crate) struct Flags {
    /// How long it lasts.
    pub(crate) length: Duration,
    /// From the begin of one backup to the begin of the next.
    pub(crate) every: Duration,
    /// The binary that is watched; the one of this build unless told.
    pub(crate) ktape: Option<PathBuf>,
}

impl Flags {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut flags = Self { length: Duration::from_secs(20 * 60), every: Duration::from_secs(5), ktape: None };
        while let Some(name) = words.next() {
            let mut value = || words.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--minutes" => flags.length = Duration::from_secs(value()?.parse::<u64>()?.clamp(1, 10_000) * 60),
                "--every" => flags.every = Duration::from_secs(value()?.parse::<u64>()?.clamp(1, 3600)),
                "--ktape" => flags.ktape = Some(value()?.into()),
                _ => return Err(format!("{name} is not known; there are --minutes, --every and --ktape").into()),
            }
        }
        Ok(flags)
    }
}
