//! Re-authentication in place (KIP-368): a broker may want the proof anew after some time. Before the first request
//! after 85 % of that time, the writer lets the answers under way come in, signs in again on the same connection, and
//! goes on. A connection that rests is left alone: brokers accept the proof when it wakes up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::sasl::sign_in;
use super::task::{Call, Shared, Writer};
use super::{Connection, Poison};
use crate::security::sasl::SaslSettings;

/// The part of a session that is used, as Kafka's own clients begin to renew it (class `SaslClientAuthenticator`).
const USED: f64 = 0.85;
/// Brokers refuse to be asked more often than once a second (class `KafkaChannel`).
const PAUSE: Duration = Duration::from_millis(1050);
/// Answers under way have deadlines of their own; nobody waits any more for one that takes longer.
const DRAIN: Duration = Duration::from_secs(60);

/// Who is busy otherwise may read its answer later.
const READING: Duration = Duration::from_millis(500);
/// A shorter session may end while several requests wait at a broker that reads no more than one at a time, and reads
/// none while it throttles this client.
const SHORT: Duration = Duration::from_secs(60);

/// A proof that lasts for some time.
#[derive(Debug)]
pub(super) struct Session {
    line: Connection,
    calls: mpsc::Receiver<Call>,
    settings: SaslSettings,
    patience: Duration,
    due: Option<Instant>,
    short: bool,
    renewed: Option<Instant>,
}

impl Session {
    /// A session on this connection that began at `since` and lasts for `lifetime`.
    pub(super) fn new(
        connection: &Connection,
        settings: &SaslSettings,
        patience: Duration,
        (since, lifetime): (Instant, Duration),
    ) -> Self {
        let (queue, calls) = mpsc::channel(1);
        let line = connection.with_queue(queue);
        let (due, short) = (due(since, lifetime), lifetime < SHORT);
        Self { line, calls, settings: settings.clone(), patience, due, short, renewed: None }
    }

    /// Before a request is sent: a broker that reads it after the end of the session closes the connection. So it goes
    /// alone where it may have to wait there, and behind a new proof if the old one is used up.
    pub(super) async fn before_request(&mut self, shared: &Shared, writer: &mut Writer) -> Result<(), Poison> {
        if self.due.is_some() && (self.short || shared.was_throttled()) {
            drain(shared).await?;
            shared.unmuted().await;
        }
        if self.is_due() { self.renew(shared, writer).await } else { Ok(()) }
    }

    /// Whether the next request has to wait for a new proof.
    fn is_due(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }

    /// Proves anew; requests that come meanwhile wait in their queue.
    async fn renew(&mut self, shared: &Shared, writer: &mut Writer) -> Result<(), Poison> {
        drain(shared).await?;
        if let Some(before) = self.renewed {
            sleep_until(before + PAUSE).await;
        }
        self.renewed = Some(Instant::now());
        shared.limit.narrow();
        let session = self.sign_in(shared, writer).await?;
        shared.limit.widen();
        self.short = session.is_some_and(|(_, lifetime)| lifetime < SHORT);
        self.due = session.and_then(|(since, lifetime)| due(since, lifetime));
        let lifetime_ms = session.map_or(0, |(_, lifetime)| lifetime.as_millis() as u64);
        tracing::debug!(address = self.line.address(), lifetime_ms, "signed in again on the same connection");
        Ok(())
    }

    async fn sign_in(&mut self, shared: &Shared, writer: &mut Writer) -> Result<Option<(Instant, Duration)>, Poison> {
        let mut signing = Box::pin(sign_in(&self.line, &self.settings, self.patience));
        let outcome = loop {
            tokio::select! {
                biased;
                Some(call) = self.calls.recv() => writer.send(shared, call).await?,
                outcome = &mut signing => break outcome,
            }
        };
        outcome.map_err(|error| match (shared.poison(), error) {
            (Some(reason), _) => reason,
            (None, error) => Poison::SignIn(Arc::new(error)),
        })
    }
}

/// Lets the answers under way come in.
async fn drain(shared: &Shared) -> Result<(), Poison> {
    let stuck = Poison::Stuck { api: "request before SaslHandshake", after: DRAIN };
    timeout(DRAIN, shared.drained()).await.map_err(|_| stuck)?;
    let _ = timeout(READING, shared.all_read()).await;
    Ok(())
}

fn due(since: Instant, lifetime: Duration) -> Option<Instant> {
    since.checked_add(lifetime.mul_f64(USED))
}
