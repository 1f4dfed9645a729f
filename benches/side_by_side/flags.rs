//! The command line.

use std::path::PathBuf;

use crate::Outcome;
use crate::sets::Set;
use crate::size::Size;

/// Rounds that a median is worth.
const ROUNDS: usize = 7;

/// What is to be measured.
#[derive(Debug, Clone)]
pub(crate) struct Flags {
    pub(crate) sets: Vec<Set>,
    pub(crate) rounds: usize,
    pub(crate) size: Size,
    pub(crate) json: Option<PathBuf>,
}

/// What somebody wants of this program.
#[derive(Debug)]
pub(crate) enum Asked {
    /// `cargo test` with a filter for something else.
    Nothing,
    /// `cargo test`.
    Smoke,
    /// `cargo bench`, which always says `--bench`.
    Measure(Flags),
}

impl Asked {
    /// Reads the arguments.
    pub(crate) fn read(args: &[String]) -> Outcome<Self> {
        if args.iter().any(|arg| arg == "--bench") {
            return Flags::read(args).map(Self::Measure);
        }
        let mut filters = args.iter().filter(|arg| !arg.starts_with('-')).peekable();
        let wanted = filters.peek().is_none() || filters.any(|filter| "side_by_side".contains(filter.as_str()));
        // `--list` is an editor's question.
        let wanted = wanted && !args.iter().any(|arg| arg == "--list");
        Ok(if wanted { Self::Smoke } else { Self::Nothing })
    }
}

impl Flags {
    /// Once over a little, what takes least time.
    pub(crate) fn smoke() -> Self {
        Self { sets: Set::SMOKE.to_vec(), rounds: 1, size: Size::Small, json: None }
    }

    fn read(args: &[String]) -> Outcome<Self> {
        let sets = Set::ALL.to_vec();
        let mut flags = Self { sets, rounds: ROUNDS, size: Size::Full, json: None };
        let mut args = args.iter().filter(|arg| *arg != "--bench");
        while let Some(flag) = args.next() {
            let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
            match flag.as_str() {
                "--sets" => flags.sets = value.split(',').map(Set::named).collect::<Outcome<_>>()?,
                "--rounds" => {
                    flags.rounds = value.parse().ok().filter(|rounds| *rounds > 0).ok_or("--rounds: a number")?;
                }
                "--size" => flags.size = Size::named(value)?,
                "--json" => flags.json = Some(value.into()),
                _ => return Err(format!("no flag {flag}; there are --sets, --rounds, --size and --json").into()),
            }
        }
        Ok(flags)
    }
}
