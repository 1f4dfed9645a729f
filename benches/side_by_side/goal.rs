//! The goals of the project's design, held against the medians of one section.

use crate::common::spread::Spread;
use crate::contender::Row;

/// Which way a goal points.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// A figure of one contender.
type Figure = fn(&Row) -> Option<Spread>;

/// A figure of one contender over the sum of the same figure of others, or by itself.
#[derive(Debug)]
pub(crate) struct Goal {
    what: &'static str,
    limit: Limit,
    figure: Figure,
    of: &'static str,
    over: &'static [&'static str],
}

/// A goal and what came of it.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) what: &'static str,
    pub(crate) limit: Limit,
    /// None where one of the contenders is missing.
    pub(crate) value: Option<f64>,
}

impl Goal {
    /// `of`'s median over the sum of the medians of `over`.
    pub(crate) fn ratio(
        what: &'static str,
        limit: Limit,
        figure: Figure,
        of: &'static str,
        over: &'static [&'static str],
    ) -> Self {
        Self { what, limit, figure, of, over }
    }

    /// `of`'s median itself.
    pub(crate) fn plain(what: &'static str, limit: Limit, figure: Figure, of: &'static str) -> Self {
        Self { what, limit, figure, of, over: &[] }
    }

    /// Holds it against what was measured.
    pub(crate) fn judge(&self, rows: &[Row]) -> Verdict {
        Verdict { what: self.what, limit: self.limit, value: self.value(rows) }
    }

    fn value(&self, rows: &[Row]) -> Option<f64> {
        let median = |name: &str| {
            let row = rows.iter().find(|row| row.name == name)?;
            (self.figure)(row).map(|spread| spread.median)
        };
        let of = median(self.of)?;
        if self.over.is_empty() {
            return Some(of);
        }
        let over = self.over.iter().map(|name| median(name)).sum::<Option<f64>>()?;
        (over > 0.0).then_some(of / over)
    }
}

impl Verdict {
    /// Whether the goal is reached; none where it could not be measured.
    pub(crate) fn reached(&self) -> Option<bool> {
        self.value.map(|value| match self.limit {
            Limit::AtMost(limit) => value <= limit,
            Limit::AtLeast(limit) => value >= limit,
        })
    }

    /// The limit, for people.
    pub(crate) fn limit(&self) -> String {
        match self.limit {
            Limit::AtMost(limit) => format!("<= {limit:.3}"),
            Limit::AtLeast(limit) => format!(">= {limit:.3}"),
        }
    }
}
