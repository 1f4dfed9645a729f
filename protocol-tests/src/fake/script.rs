//! What goes wrong, and when.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A request that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// Node id of the broker.
    pub node: i32,
    /// Counts the connections of the cluster.
    pub connection: u64,
    /// Key of the API.
    pub api: i16,
    /// Version of the API.
    pub version: i16,
    /// Counts the requests of the cluster, from 1.
    pub number: u64,
}

/// What becomes of one request and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing; for faults that only change the cluster.
    Pass,
    /// The answer comes later.
    Delay(Duration),
    /// The connection ends before the request is carried out.
    Cut,
    /// The request is never carried out nor answered; the connection stays open.
    Swallow,
    /// The request is carried out; then the connection ends without an answer.
    Lose,
    /// So many bytes of the answer's frame come, then the connection ends.
    CutAfter(usize),
    /// So many bytes of the answer's frame come, then nothing more; the connection stays open.
    StallAfter(usize),
    /// The answer comes in pieces of so many bytes, with pauses.
    Trickle(usize, Duration),
    /// The answer comes twice.
    Duplicate,
    /// A byte of the answer's frame (counted modulo its length, after the size) is changed by exclusive or. Only record
    /// batches have checksums: a change elsewhere may be one that no client can tell.
    Corrupt(usize, u8),
    /// The same within the last so many bytes of the frame, where a Fetch has its batches.
    CorruptTail(usize, u8),
    /// A byte of the frame's size is changed by exclusive or.
    CorruptSize(usize, u8),
    /// The answer of the connection's next request comes before this one.
    Overtaken,
    /// The client is throttled for so many milliseconds: a Fetch comes back empty.
    Throttle(i32),
    /// All that the request is about fails with this code; nothing is carried out. Fetch, Produce, `ListOffsets`,
    /// `CreateTopics`, `DeleteTopics`, `DeleteRecords`, `WriteTxnMarkers` and `DescribeConfigs` only.
    Refuse(i16),
}

/// What happens to the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another replica leads a partition.
    MoveLeader(String, i32, i32),
    /// All partitions that a broker leads are led by the next of their replicas in sync.
    MoveAll(i32),
    /// A broker is gone, and the others know.
    Kill(i32),
    /// It comes back.
    Restart(i32),
    /// A broker answers nothing any more, but its connections stay.
    Hang(i32),
    /// It answers again.
    Wake(i32),
    /// A coordinator of all groups of a partition of the offsets topic has to read them first.
    Load(i32),
    /// It has read them.
    Loaded(i32),
    /// The high watermark of a partition stays at an offset.
    Hold(String, i32, i64),
    /// It is where it belongs again.
    Release(String, i32),
    /// The log start moves up.
    Trim(String, i32, i64),
    /// An unclean election: the log is cut at an offset, and goes on under the next epoch.
    Truncate(String, i32, i64),
    /// Leaders forget the producers of a partition.
    ForgetProducers(String, i32),
}

/// One fault. Which requests it is about, the how many of them it hits, and what then happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Key of the API; `None` for any.
    pub api: Option<i16>,
    /// Node id; `None` for any.
    pub node: Option<i32>,
    /// The first that it hits, from 1, among those it is about.
    pub nth: usize,
    /// How many it hits.
    pub times: usize,
    /// What becomes of the request and its answer.
    pub action: Action,
    /// What happens before the request is carried out.
    pub before: Vec<Change>,
    /// What happens after it is carried out, before it is answered.
    pub after: Vec<Change>,
}

impl Fault {
    /// Hits the nth request of an API.
    pub fn on(api: i16, nth: usize, action: Action) -> Self {
        Self { api: Some(api), node: None, nth, times: 1, action, before: Vec::new(), after: Vec::new() }
    }

    /// Hits the nth request of any API.
    pub fn on_any(nth: usize, action: Action) -> Self {
        Self { api: None, ..Self::on(0, nth, action) }
    }

    /// Only requests to one broker.
    #[must_use]
    pub fn at(self, node: i32) -> Self {
        Self { node: Some(node), ..self }
    }

    /// So many in a row.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// With a change before the request is carried out.
    #[must_use]
    pub fn before(mut self, change: Change) -> Self {
        self.before.push(change);
        self
    }

    /// With a change after the request is carried out.
    #[must_use]
    pub fn after(mut self, change: Change) -> Self {
        self.after.push(change);
        self
    }
}

/// What is to be done about one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fate {
    pub actions: Vec<Action>,
    pub before: Vec<Change>,
    pub after: Vec<Change>,
}

type Hook = dyn FnMut(&Exchange) -> Option<Action> + Send;

/// The faults of a cluster, and what they have hit so far.
#[derive(Default)]
pub(crate) struct Script(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    faults: Vec<(Fault, usize)>,
    hook: Option<Box<Hook>>,
    hits: Vec<(Exchange, Fault)>,
    seen: Vec<Exchange>,
    number: u64,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script").field("faults", &self.lock().faults).finish_non_exhaustive()
    }
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, fault: Fault) {
        self.lock().faults.push((fault, 0));
    }

    pub(crate) fn clear(&self) {
        let mut inner = self.lock();
        inner.faults.clear();
        inner.hook = None;
    }

    pub(crate) fn hook(&self, hook: Box<Hook>) {
        self.lock().hook = Some(hook);
    }

    pub(crate) fn hits(&self) -> Vec<(Exchange, Fault)> {
        self.lock().hits.clone()
    }

    pub(crate) fn seen(&self) -> Vec<Exchange> {
        self.lock().seen.clone()
    }

    pub(crate) fn decide(&self, node: i32, connection: u64, api: i16, version: i16) -> Fate {
        let mut inner = self.lock();
        inner.number += 1;
        let exchange = Exchange { node, connection, api, version, number: inner.number };
        inner.seen.push(exchange);
        let mut fate = Fate::default();
        if let Some(action) = inner.hook.as_mut().and_then(|hook| hook(&exchange)) {
            fate.actions.push(action);
        }
        let mut hits = Vec::new();
        for (fault, seen) in &mut inner.faults {
            if fault.api.is_some_and(|key| key != api) || fault.node.is_some_and(|at| at != node) {
                continue;
            }
            *seen += 1;
            if (fault.nth..fault.nth.saturating_add(fault.times)).contains(seen) {
                fate.actions.push(fault.action.clone());
                fate.before.extend(fault.before.iter().cloned());
                fate.after.extend(fault.after.iter().cloned());
                hits.push((exchange, fault.clone()));
            }
        }
        inner.hits.append(&mut hits);
        fate
    }
}
