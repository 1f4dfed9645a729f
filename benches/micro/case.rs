//! One piece of work, and what it took.

use crate::Outcome;
use crate::common::spread::Spread;

/// Something to be timed.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Bytes that the work goes over.
    pub(crate) bytes: usize,
    /// Cases whose times, added up, it is held against.
    pub(crate) over: &'static [&'static str],
    pub(crate) work: Box<dyn FnMut() -> Outcome<()>>,
}

/// A case with what all its rounds took.
pub(crate) struct Timed {
    pub(crate) name: &'static str,
    pub(crate) over: &'static [&'static str],
    bytes: usize,
    seconds: Spread,
}

impl Timed {
    pub(crate) fn new(case: &Case, seconds: Spread) -> Self {
        Self { name: case.name, over: case.over, bytes: case.bytes, seconds }
    }

    /// The names of what it is held against.
    pub(crate) fn over(&self) -> String {
        self.over.join(" + ")
    }

    /// Its time for each byte over that of the others.
    pub(crate) fn ratio(&self, all: &[Self]) -> Option<f64> {
        let median = |name: &&str| all.iter().find(|case| case.name == *name).map(Self::seconds_per_byte);
        let over: f64 = self.over.iter().map(median).sum::<Option<f64>>()?;
        (over > 0.0).then_some(self.seconds_per_byte() / over)
    }

    fn seconds_per_byte(&self) -> f64 {
        self.seconds.median / self.bytes as f64
    }

    pub(crate) fn mib_per_second(&self) -> Spread {
        let rate = |seconds: f64| self.bytes as f64 / f64::from(1 << 20) / seconds;
        let Spread { median, least, most } = self.seconds;
        Spread { median: rate(median), least: rate(most), most: rate(least) }
    }
}
