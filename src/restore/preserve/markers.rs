//! Holes: transaction markers, each of which takes one offset and which no reader sees.
//!
//! A marker has no sequence, so one that is asked for twice lands twice. What keeps that from happening:
//!
//! - Nothing is asked for but what the log end says is missing, and nothing before all that was asked for earlier is
//!   answered. An answer, whatever it says, means that the leader is done with the request.
//! - A request that may still be under way (its answer was lost, or its process was killed) is shut out by the next one:
//!   that has a higher coordinator epoch, and a leader refuses markers of a producer whose epoch is below the last it
//!   saw. So that even a request that lands in between does not make it too many, the last two markers of a hole are
//!   asked for one by one, and what shuts out is one.
//! - If that last one is the one in doubt, the log is watched until nothing has come for some time.
//!
//! Should markers land late all the same, the log is longer than planned; that is seen by the next batch's offset, or
//! by the next run.

use std::time::{Duration, Instant};

use super::preserver::{Filled, Patience, Preserver, forbidden};
use crate::cluster::{ClusterError, OffsetSpec};
use crate::model::{Classify, TopicPartition, describe};
use crate::restore::error::RestoreError;

/// Markers in the first request: a broker that has just started writes little more than a hundred a second.
const FIRST: i64 = 500;
/// Markers in one request.
const MOST: i64 = 10_000;
/// A request that takes less is followed by a larger one, one that takes more than ten times this by a smaller one.
const QUICK: Duration = Duration::from_secs(1);
/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(60);
/// How long a log must not have grown until nothing is thought to be under way any more.
const SETTLED: Duration = Duration::from_secs(10);
/// Pause between two looks at it.
const LOOK: Duration = Duration::from_millis(250);

/// How a hole is being filled.
struct Hole {
    base: i64,
    until: i64,
    /// Requests that may still be under way, at most one of them with less than the hole's last marker.
    unresolved: u32,
    chunk: i64,
}

impl Hole {
    /// How many markers to ask for when so many are missing; none while only time can tell.
    fn ask(&self, need: i64) -> Option<u32> {
        let count = match (self.unresolved, need) {
            (0, 1 | 2) | (1, 2..) => 1,
            (0, 3..) => self.chunk.min(need - 2),
            _ => return None,
        };
        u32::try_from(count).ok()
    }

    fn took(&mut self, elapsed: Duration) {
        if elapsed < QUICK {
            self.chunk = (self.chunk * 2).min(MOST);
        } else if elapsed > 10 * QUICK {
            self.chunk = (self.chunk / 2).max(1);
        }
    }
}

impl Preserver {
    /// Makes the log end at `until` by markers; it is to begin at `base` or, `unresolved`, was left in between by somebody
    /// whose last request may still be under way.
    pub(in crate::restore) async fn mark(
        &self,
        at: &TopicPartition,
        base: i64,
        until: i64,
        unresolved: bool,
    ) -> Result<Filled, RestoreError> {
        let mut hole = Hole { base, until, unresolved: u32::from(unresolved), chunk: FIRST };
        let mut patience = Patience::new(at, self.stall_timeout);
        let mut end = self.end(at, &hole).await?;
        loop {
            if end < hole.base {
                return Ok(Filled::FellBack(format!("the log ends at {end}, before the hole at {base}")));
            }
            if end >= until {
                return Ok(Filled::Done);
            }
            let Some(count) = hole.ask(until - end) else {
                end = self.settle(at, &hole, end).await?;
                hole.unresolved = 0;
                continue;
            };
            let began = Instant::now();
            match self.write(at, count).await {
                Ok(()) => {
                    hole.unresolved = 0;
                    hole.took(began.elapsed());
                    patience.progress();
                    if i64::from(count) == until - end {
                        return Ok(Filled::Done);
                    }
                }
                Err(error) => {
                    if let Some(reason) = forbidden(&error) {
                        return Err(RestoreError::CannotPreserve { partition: at.clone(), reason });
                    }
                    hole.unresolved = if is_answer(&error) { 0 } else { hole.unresolved + 1 };
                    self.epochs.raise(at);
                    if !error.class().is_retriable() && hole.unresolved == 0 {
                        return Err(patience.failed(end, describe(&error)));
                    }
                    patience.pause(&self.cluster, end, &error).await?;
                }
            }
            let before = end;
            end = self.end(at, &hole).await?;
            if end > before {
                patience.progress();
            }
        }
    }

    /// The log end, which must not be beyond the hole.
    async fn end(&self, at: &TopicPartition, hole: &Hole) -> Result<i64, RestoreError> {
        let found = self.offset(at, OffsetSpec::LogEnd).await?;
        if found > hole.until {
            return Err(RestoreError::OutOfPlace { partition: at.clone(), planned: hole.until, found });
        }
        Ok(found)
    }

    /// Watches the log end until it has not moved for some time.
    async fn settle(&self, at: &TopicPartition, hole: &Hole, mut end: i64) -> Result<i64, RestoreError> {
        tracing::debug!(phase = "settle", partition = %at, end, "waiting for markers that may still come");
        let mut since = Instant::now();
        while since.elapsed() < SETTLED && end < hole.until {
            tokio::time::sleep(LOOK).await;
            let found = self.end(at, hole).await?;
            if found != end {
                (end, since) = (found, Instant::now());
            }
        }
        Ok(end)
    }

    /// Asks the leader for so many markers. An error of one of several does not tell how many are there.
    async fn write(&self, at: &TopicPartition, count: u32) -> Result<(), ClusterError> {
        let epoch = self.epochs.of(at);
        let connection = self.leader(at).await?;
        let _turn = self.turns.acquire().await;
        tracing::debug!(phase = "mark", partition = %at, epoch, count, "writing markers");
        let wanted = [(at.clone(), count)];
        let answers = connection.write_markers(self.markers, epoch, &wanted, REQUEST).await?;
        answers.into_iter().try_for_each(|(_, answer)| answer)
    }
}

/// The leader has said so: it is done with the request.
fn is_answer(error: &ClusterError) -> bool {
    match error {
        ClusterError::Connection { source, .. } => !source.may_have_arrived(),
        ClusterError::Unanswered { .. } | ClusterError::Nonsense { .. } | ClusterError::OutcomeUnknown(_) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{ConnectionError, ErrorCode, Subject};

    fn hole(unresolved: u32, chunk: i64) -> Hole {
        Hole { base: 0, until: 100, unresolved, chunk }
    }

    #[test]
    fn only_what_a_leader_said_or_never_got_is_over() {
        let silence = |sent| ConnectionError::TimedOut { address: "a:1".to_owned(), api: "any", after: QUICK, sent };
        let (lost, unsent) = (silence(true), silence(false));
        let on = |source| ClusterError::Connection { node: 1, source };
        let api = "WriteTxnMarkers";
        let (subject, code) = (Subject::Request, ErrorCode::NOT_LEADER_OR_FOLLOWER);
        let said = ClusterError::Broker { api, subject: subject.clone(), code, message: None };
        let nonsense = ClusterError::Nonsense { api, what: "nothing".to_owned() };
        for (error, over) in [
            (said, true),
            (on(unsent), true),
            (on(lost), false),
            (ClusterError::Unanswered { api, subject }, false),
            (ClusterError::OutcomeUnknown(Box::new(ClusterError::UnknownNode(1))), false),
            (nonsense, false),
        ] {
            assert_eq!(is_answer(&error), over, "{error}");
        }
    }

    #[test]
    fn the_last_two_markers_are_asked_for_one_by_one_and_what_shuts_out_is_one() {
        let asked = |unresolved, need| hole(unresolved, 500).ask(need);
        let settled = [0, 1, 2, 3, 4, 10, 502, 503, 9_000].map(|need| asked(0, need));
        assert_eq!(settled, [None, Some(1), Some(1), Some(1), Some(2), Some(8), Some(500), Some(500), Some(500)]);
        let in_doubt = [0, 1, 2, 3, 9_000].map(|need| asked(1, need));
        assert_eq!(in_doubt, [None, None, Some(1), Some(1), Some(1)]);
        assert_eq!(asked(2, 9_000), None);
    }

    #[test]
    fn requests_grow_while_they_are_quick_and_shrink_when_they_are_slow() {
        let after = |chunk, millis| {
            let mut hole = hole(0, chunk);
            hole.took(Duration::from_millis(millis));
            hole.chunk
        };
        assert_eq!([after(500, 0), after(500, 999), after(500, 1_000), after(500, 10_000)], [1_000, 1_000, 500, 500]);
        assert_eq!([after(500, 10_001), after(1, 10_001), after(9_000, 0), after(MOST, 0)], [250, 1, MOST, MOST]);
    }
}
