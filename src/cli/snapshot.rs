//! `--snapshot`: which one a verb looks at.

use clap::Args;

use super::failure::Failure;
use crate::model::Timestamp;
use crate::repository::{Repository, Snapshot, SnapshotChoice};

/// Which snapshot, the newest if not said.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// Which snapshot: its number, `latest`, or a time; then the newest taken at or before it
    #[arg(long, value_name = "N|latest|TIME", default_value = "latest", value_parser = parse)]
    pub snapshot: SnapshotChoice,
}

/// A number of up to ten digits is a snapshot's, a longer one milliseconds.
pub fn parse(text: &str) -> Result<SnapshotChoice, String> {
    if text == "latest" {
        return Ok(SnapshotChoice::Latest);
    }
    if let (Ok(number), true) = (text.parse(), text.len() <= 10) {
        return Ok(SnapshotChoice::Number(number));
    }
    let expected =
        || format!("{text:?} is neither a snapshot's number nor `latest` nor a time like 2026-11-22T06:00:00Z");
    Timestamp::parse(text).map(SnapshotChoice::At).ok_or_else(expected)
}

/// A time, as `--snapshot` takes it too: RFC 3339, or milliseconds since 1970.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let expected = || format!("{text:?} is not a time: 2026-11-22T06:00:00Z is expected, or milliseconds since 1970");
    Timestamp::parse(text).filter(|time| time.0 >= 0).ok_or_else(expected)
}

/// Reads the head of the chosen snapshot. Blocks.
pub fn find(repository: &Repository, choice: SnapshotChoice) -> Result<Snapshot, Failure> {
    let wanted = match choice {
        SnapshotChoice::At(time) => format!("no snapshot from {time} or before"),
        _ => "no snapshot yet".to_owned(),
    };
    let found = repository.choose(choice)?;
    found.ok_or_else(|| Failure::NoSnapshot { location: repository.location().to_owned(), wanted })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_chosen_by_number_word_or_time() {
        assert_eq!(parse("latest"), Ok(SnapshotChoice::Latest));
        assert_eq!(parse("42"), Ok(SnapshotChoice::Number(42)));
        let at = SnapshotChoice::At(Timestamp(1_795_330_800_000));
        assert_eq!(parse("1795330800000"), Ok(at));
        assert_eq!(parse("2026-11-22T07:00:00Z"), Ok(at));
        assert!(parse("yesterday").is_err());
        assert_eq!(time("2026-11-22T07:00:00Z"), Ok(Timestamp(1_795_330_800_000)));
        assert!(time("-1").is_err() && time("now").is_err());
    }
}
