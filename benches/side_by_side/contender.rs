//! Who takes part, and what a part of the table is made of.

use std::fmt;

use crate::Outcome;
use crate::common::spread::Spread;
use crate::goal::{Goal, Verdict};
use crate::measure::Used;

/// What one round of a contender moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Amount {
    /// Bytes of the broker's logs; 0 where bytes are not the point.
    pub(crate) bytes: u64,
    pub(crate) records: u64,
}

/// Somebody who can do the work, with all that belongs to a round of it.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    pub(crate) amount: Amount,
    /// Prepares, is measured, is looked at, cleans up; gets the number of the round.
    pub(crate) round: Box<dyn Fn(usize) -> Outcome<Used> + 'a>,
}

impl fmt::Debug for Contender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender").field("name", &self.name).field("amount", &self.amount).finish_non_exhaustive()
    }
}

impl<'a> Contender<'a> {
    pub(crate) fn new(name: &'static str, amount: Amount, round: impl Fn(usize) -> Outcome<Used> + 'a) -> Self {
        Self { name, amount, round: Box::new(round) }
    }
}

/// Contenders that are compared with each other.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    pub(crate) title: String,
    pub(crate) contenders: Vec<Contender<'a>>,
    /// Name of a contender that could not take part, and why.
    pub(crate) missing: Vec<(&'static str, String)>,
    pub(crate) goals: Vec<Goal>,
}

/// What came of a section.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) missing: Vec<(&'static str, String)>,
    pub(crate) verdicts: Vec<Verdict>,
    /// What else was found.
    pub(crate) notes: Vec<String>,
}

/// What came of a contender.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) amount: Amount,
    pub(crate) samples: Vec<Used>,
}

const GIB: f64 = (1_u64 << 30) as f64;
const MIB: f64 = (1_u64 << 20) as f64;

impl Row {
    /// Seconds on the clock.
    pub(crate) fn wall(&self) -> Option<Spread> {
        self.spread(|used| used.wall.as_secs_f64())
    }

    /// Seconds of CPU, user and system.
    pub(crate) fn cpu(&self) -> Option<Spread> {
        self.spread(|used| used.cpu.as_secs_f64())
    }

    /// Seconds of CPU for each GiB.
    pub(crate) fn cpu_per_gib(&self) -> Option<Spread> {
        let gib = self.amount.bytes as f64 / GIB;
        if gib > 0.0 { self.spread(|used| used.cpu.as_secs_f64() / gib) } else { None }
    }

    /// MiB in each second.
    pub(crate) fn mib_per_second(&self) -> Option<Spread> {
        let mib = self.amount.bytes as f64 / MIB;
        if mib > 0.0 { self.spread(|used| mib / used.wall.as_secs_f64()) } else { None }
    }

    /// Thousands of records in each second.
    pub(crate) fn kilo_records_per_second(&self) -> Option<Spread> {
        let kilo = self.amount.records as f64 / 1000.0;
        if kilo > 0.0 { self.spread(|used| kilo / used.wall.as_secs_f64()) } else { None }
    }

    /// Peak memory in MiB.
    pub(crate) fn peak_mib(&self) -> Option<Spread> {
        self.spread(|used| used.peak as f64 / MIB)
    }

    fn spread(&self, figure: impl Fn(&Used) -> f64) -> Option<Spread> {
        Spread::of(self.samples.iter().map(figure))
    }
}
