//! Runs: one execution of backup each. What a run has sealed is written down at once, so that a killed run's segments
//! are taken over by the next.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

use super::Repository;
use super::document;
use super::error::RepositoryError;
use super::format::{Parent, Seal, SealBatch};
use super::layout;
use crate::model::Timestamp;
use crate::store::Key;

/// How long seals of a run that was cut off may be taken over although a later snapshot did not.
pub const TAKE_OVER_FOR: Duration = Duration::from_secs(3 * 24 * 3600);
/// How long a run that made no snapshot may still be under way: until then nothing that it may use is pruned. Longer than
/// [`TAKE_OVER_FOR`], so that what is taken over stays.
pub const HOLD_RUNS: Duration = Duration::from_secs(7 * 24 * 3600);
/// Digits and letters before the random part of a run id.
const TIME_LENGTH: usize = "20261122T170000123Z".len();

/// A run under way. It may be used from several threads.
#[derive(Debug)]
pub struct Run {
    repository: Repository,
    id: String,
    cluster_id: String,
    written: AtomicU64,
}

impl Run {
    /// `YYYYMMDDTHHMMSSmmmZ-<8 hexadecimal digits>`: runs sort by when they began.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Writes down seals whose segments are published.
    pub fn record(&self, seals: Vec<Seal>) -> Result<(), RepositoryError> {
        if seals.is_empty() { Ok(()) } else { self.write("record", seals, Vec::new()) }
    }

    /// Writes down which snapshots the run builds on, before it reads more of them than their heads: they are not pruned
    /// while it may be under way. False if one of them went away meanwhile: then others must be chosen.
    pub fn announce(&self, continues: Vec<Parent>) -> Result<bool, RepositoryError> {
        self.write("announce", Vec::new(), continues.clone())?;
        for parent in continues {
            match self.repository.head(parent.sequence) {
                Ok(snapshot) if snapshot.id == parent.id => {}
                Ok(_) | Err(RepositoryError::NoSuchSnapshot { .. }) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn write(&self, phase: &str, seals: Vec<Seal>, continues: Vec<Parent>) -> Result<(), RepositoryError> {
        let number = self.written.fetch_add(1, Ordering::Relaxed) + 1;
        let key = layout::seal_batch(&self.id, number)?;
        let batch = SealBatch { run: Some(self.id.clone()), cluster_id: self.cluster_id.clone(), seals, continues };
        let (bytes, _) = document::encode(key.as_str(), &batch)?;
        self.repository.store().put_if_absent(&key, &bytes)?;
        tracing::debug!(phase, object = %key, seals = batch.seals.len(), "journal written");
        Ok(())
    }
}

impl Repository {
    /// Begins a run, and removes what writers that died left unfinished.
    pub fn begin_run(&self, cluster_id: &str) -> Result<Run, RepositoryError> {
        match self.store().sweep() {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "removed unfinished files of runs that were cut off"),
            Err(error) => tracing::warn!(%error, "unfinished files stay"),
        }
        Ok(Run {
            repository: self.clone(),
            id: self.new_run_id()?,
            cluster_id: cluster_id.to_owned(),
            written: AtomicU64::new(0),
        })
    }

    /// An id that sorts after those of all runs so far.
    pub(super) fn new_run_id(&self) -> Result<String, RepositoryError> {
        Ok(format!("{}-{}", self.next_run_time()?, self.random(8)?))
    }

    /// Seals that runs after `horizon` made and no snapshot of theirs took in, oldest run first, and those runs' ids.
    /// Only this cluster's, not those of the run `own`, and only seals whose segment is there in its full size.
    pub fn left_over_seals(
        &self,
        cluster_id: &str,
        horizon: &str,
        own: &str,
    ) -> Result<(Vec<Seal>, Vec<String>), RepositoryError> {
        let (mut seals, mut runs) = (Vec::new(), Vec::new());
        for run in self.store().children(Some(&layout::folder(layout::RUNS)?))? {
            if run.as_str() <= horizon || run == own {
                continue;
            }
            let before = seals.len();
            for object in self.store().list(Some(&layout::run(&run)?))? {
                seals.extend(self.usable_seals(&object.key, cluster_id)?);
            }
            if seals.len() > before {
                runs.push(run);
            }
        }
        Ok((seals, runs))
    }

    /// Seals of every run there is.
    pub fn all_run_seals(&self) -> Result<Vec<Seal>, RepositoryError> {
        let mut seals = Vec::new();
        for object in self.store().list(Some(&layout::folder(layout::RUNS)?))? {
            seals.extend(self.seal_batch(&object.key).map(|batch| batch.seals).unwrap_or_default());
        }
        Ok(seals)
    }

    /// Reads one batch of seals, its digest checked.
    pub fn seal_batch(&self, key: &Key) -> Result<SealBatch, RepositoryError> {
        let bytes = document::read(self.store(), key)?;
        document::decode(key.as_str(), &bytes).map(|(batch, _)| batch)
    }

    /// A copy of the repository made meanwhile may hold half a file: what cannot be used is fetched again.
    fn usable_seals(&self, key: &Key, cluster_id: &str) -> Result<Vec<Seal>, RepositoryError> {
        let batch = match self.seal_batch(key) {
            Err(error) if error.is_damage() => {
                tracing::warn!(%error, "seals of an earlier run cannot be used");
                return Ok(Vec::new());
            }
            batch => batch?,
        };
        if batch.cluster_id != cluster_id {
            return Ok(Vec::new());
        }
        let mut usable = Vec::with_capacity(batch.seals.len());
        for seal in batch.seals {
            match self.place(&seal) {
                Ok(_) => usable.push(seal),
                Err(error) if error.is_damage() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(usable)
    }

    /// Now, or just after the last run where a clock went back or another host's is ahead.
    fn next_run_time(&self) -> Result<String, RepositoryError> {
        let runs = self.store().children(Some(&layout::folder(layout::RUNS)?))?;
        let newest = self.latest().ok().flatten().map(|snapshot| snapshot.head.run);
        let last = runs.iter().chain(&newest).filter_map(|run| parse_time(run)).max();
        let now = Timestamp::now();
        Ok(format_time(last.map_or(now, |last| now.max(Timestamp(last.0 + 1)))))
    }
}

fn format_time(time: Timestamp) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(time.0) * 1_000_000);
    let moment = moment.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (moment.date(), moment.time());
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}{:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}

/// When a run began, by its id.
pub fn began(run: &str) -> Option<Timestamp> {
    parse_time(run)
}

fn parse_time(run: &str) -> Option<Timestamp> {
    let text = run.get(..TIME_LENGTH)?;
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
    let small = |from: usize| u8::try_from(number(from, from + 2)?).ok();
    let month = Month::try_from(small(4)?).ok()?;
    let date = Date::from_calendar_date(i32::from(number(0, 4)?), month, small(6)?).ok()?;
    let time = Time::from_hms_milli(small(9)?, small(11)?, small(13)?, number(15, 18)?).ok()?;
    let moment = PrimitiveDateTime::new(date, time).assume_utc();
    Some(Timestamp((moment.unix_timestamp_nanos() / 1_000_000) as i64))
}
