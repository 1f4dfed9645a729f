//! A cloneable handle on one connection: request in, answer out.
//!
//! Any number of requests may be under way; the broker answers in order. Dropping a call's future is safe: a request
//! not yet begun is never sent, the answer of one that was is thrown away. A request that gets no answer in time ends
//! the connection, since no later one could get its answer either.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::ApiVersionsRequest;
use kafka_protocol::protocol::StrBytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::sasl::{offered, sign_in};
use super::session::Session;
use super::task::{Answer, Call, Reply, Shared, Stage, run};
use super::transport::Transport;
use super::{ConnectionError, Poison, dial, tls};
use crate::security::Security;
use crate::security::tls::{TlsClient, TlsError};
use crate::wire::{BrokerVersions, ErrorCode, Exchange, WireError, request};

/// How to open a connection.
#[derive(Debug, Clone)]
pub struct Opening<'a> {
    /// `host:port`.
    pub address: &'a str,
    /// Name of this client.
    pub client_id: &'a str,
    /// How it is encrypted, and who this client is.
    pub security: &'a Security,
    /// Time for the connection with its encryption, and again for its first answer.
    pub patience: Duration,
    /// Largest answer accepted, in bytes.
    pub frame_limit: usize,
}

/// A connection; clones share the socket, which is closed with the last of them.
#[derive(Debug, Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Call>,
    peer: Arc<Peer>,
}

#[derive(Debug)]
struct Peer {
    address: String,
    client_id: String,
    versions: BrokerVersions,
    correlation: AtomicI32,
    nobody: Option<Nobody>,
}

/// How a connection was opened on which nobody signed in, and how long it took at most.
pub(super) type Nobody = Box<(Security, Duration)>;

/// Requests that may stand in the queue before callers wait.
const QUEUE: usize = 64;

impl Connection {
    /// Connects, asks for the broker's versions, and says who this client is.
    pub async fn open(opening: Opening<'_>) -> Result<Self, ConnectionError> {
        let nobody = opening.security.sasl.is_none().then(|| Box::new((opening.security.clone(), opening.patience)));
        let (connection, session) = Self::greet(&opening, nobody).await?;
        if let Some(settings) = &opening.security.sasl
            && let Some(proof) = sign_in(&connection, settings, opening.patience).await?
        {
            let _ = session.send(Session::new(&connection, settings, opening.patience, proof));
        }
        connection.shared.begin();
        Ok(connection)
    }

    /// Connects and asks for the broker's versions; also where to announce a session that has to be renewed. `nobody` is
    /// how to ask for the broker's mechanisms if it closes the connection at the first request after that.
    pub(super) async fn greet(
        opening: &Opening<'_>,
        nobody: Option<Nobody>,
    ) -> Result<(Self, oneshot::Sender<Session>), ConnectionError> {
        let (transport, tls) = transport(opening).await?;
        let shared = Arc::new(Shared::new(opening.frame_limit));
        let (queue, calls) = mpsc::channel(QUEUE);
        let (session, coming) = oneshot::channel();
        tokio::spawn(run(Arc::clone(&shared), transport, calls, coming));
        let peer = |versions, correlation, nobody| Peer {
            address: opening.address.to_owned(),
            client_id: opening.client_id.to_owned(),
            versions,
            correlation: AtomicI32::new(correlation),
            nobody,
        };
        // Every broker answers the first request, whoever asks.
        let nameless = Self { shared, queue, peer: Arc::new(peer(BrokerVersions::default(), 0, None)) };
        let versions = nameless.ask_versions(opening.patience).await;
        let versions = versions.map_err(|error| handshake_error(error, tls.as_ref()))?;
        let next = nameless.peer.correlation.load(Ordering::Relaxed);
        Ok((Self { peer: Arc::new(peer(versions, next, nobody)), ..nameless }, session))
    }

    /// The same connection by another way to its task.
    pub(super) fn with_queue(&self, queue: mpsc::Sender<Call>) -> Self {
        Self { queue, ..self.clone() }
    }

    /// What the broker offers.
    pub fn versions(&self) -> &BrokerVersions {
        &self.peer.versions
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.peer.address
    }

    /// Name of this client.
    pub fn client_id(&self) -> &str {
        &self.peer.client_id
    }

    /// Whether requests can still be made on it.
    pub fn is_usable(&self) -> bool {
        self.shared.poison().is_none()
    }

    /// Asks, in the highest version both sides speak.
    pub async fn call<R: Exchange>(&self, body: &R, patience: Duration) -> Result<R::Answer, ConnectionError> {
        let version = self.versions().pick(&R::API).map_err(|source| self.wire_error(R::API.name, source))?;
        self.call_in(body, version, patience).await
    }

    /// Asks in a version that was picked before.
    pub async fn call_in<R: Exchange>(
        &self,
        body: &R,
        version: i16,
        patience: Duration,
    ) -> Result<R::Answer, ConnectionError> {
        let api = R::API.name;
        let correlation = self.next_correlation();
        let frame = request::encode(body, version, correlation, self.client_id())
            .map_err(|source| self.wire_error(api, source))?;
        let frame = self.exchange(api, correlation, vec![frame], patience).await?;
        let answer = request::decode::<R>(&frame, version).map_err(|source| self.wire_error(api, source))?;
        self.throttle(R::throttle(&answer));
        Ok(answer)
    }

    /// Sends a whole request in pieces and gives back the frame that answers it.
    pub async fn exchange(
        &self,
        api: &'static str,
        correlation: i32,
        pieces: Vec<Bytes>,
        patience: Duration,
    ) -> Result<Answer, ConnectionError> {
        let began = Instant::now();
        let stage = GiveUp(Arc::new(Stage::default()));
        let (reply, answer) = oneshot::channel();
        let call = Call { correlation, pieces: pieces.into(), stage: Arc::clone(&stage.0), reply };
        let answered = tokio::select! {
            biased;
            answered = self.ask(call, answer) => answered,
            () = self.deadline(&stage.0, began, patience) => return Err(self.too_late(api, &stage.0, patience)),
        };
        tracing::debug!(api, correlation, elapsed_ms = began.elapsed().as_millis() as u64, "request ended");
        let address = self.address().to_owned();
        match answered {
            Ok(frame) => Ok(frame),
            Err((Poison::Closed, sent)) if !self.shared.has_answered() => Err(self.shut_out(api, sent).await),
            Err((reason, sent)) => Err(ConnectionError::Lost { address, api, sent, reason }),
        }
    }

    /// A broker closes the connection at the first request if it wants to know first who this is, and does not say so:
    /// a second connection asks.
    async fn shut_out(&self, api: &'static str, sent: bool) -> ConnectionError {
        let address = self.address().to_owned();
        if let Some((security, patience)) = self.peer.nobody.as_deref()
            && let Some(mechanisms) = offered(&address, self.client_id(), security, *patience).await
        {
            let protocol = if security.tls.is_some() { "SASL_SSL" } else { "SASL_PLAINTEXT" };
            return ConnectionError::WantsSasl { address, mechanisms, protocol };
        }
        ConnectionError::Lost { address, api, sent, reason: Poison::Closed }
    }

    /// An id for the next request.
    pub fn next_correlation(&self) -> i32 {
        self.peer.correlation.fetch_add(1, Ordering::Relaxed)
    }

    /// Leaves the broker alone for so many milliseconds.
    pub fn throttle(&self, milliseconds: i32) {
        if let Ok(milliseconds @ 1..) = u64::try_from(milliseconds) {
            let pause = Duration::from_millis(milliseconds).min(LONGEST_THROTTLE);
            tracing::debug!(address = self.address(), ?pause, "throttled by the broker");
            self.shared.mute(Instant::now() + pause);
        }
    }

    /// Names this connection in an error about bytes.
    pub fn wire_error(&self, api: &'static str, source: WireError) -> ConnectionError {
        ConnectionError::Wire { address: self.address().to_owned(), api, source }
    }

    async fn ask(&self, call: Call, answer: oneshot::Receiver<Reply>) -> Reply {
        let reason = || self.shared.poison().unwrap_or(Poison::GivenUp);
        if self.queue.send(call).await.is_err() {
            return Err((reason(), false));
        }
        // The task answers every call it took; one it never saw goes down with the queue.
        answer.await.unwrap_or_else(|_| Err((reason(), false)))
    }

    /// The time allowed; it does not run while the broker wants to be left alone.
    async fn deadline(&self, stage: &Stage, began: Instant, patience: Duration) {
        let mut end = began + patience;
        loop {
            sleep_until(end).await;
            match self.shared.muted_until() {
                Some(until) if stage.is_queued() => end = until + patience,
                _ => return,
            }
        }
    }

    fn too_late(&self, api: &'static str, stage: &Stage, after: Duration) -> ConnectionError {
        let sent = !stage.give_up();
        if sent {
            self.shared.end(&Poison::Stuck { api, after });
        }
        ConnectionError::TimedOut { address: self.address().to_owned(), api, after, sent }
    }

    /// Version 3 first; brokers that do not know it answer in the layout of v0 with error 35 (KIP-511).
    async fn ask_versions(&self, patience: Duration) -> Result<BrokerVersions, ConnectionError> {
        match self.ask_versions_in(3, patience).await? {
            Some(versions) => Ok(versions),
            None => self.ask_versions_in(0, patience).await?.ok_or_else(|| {
                self.wire_error(VERSIONS, WireError::Decode("the broker refuses ApiVersions v0".to_owned()))
            }),
        }
    }

    async fn ask_versions_in(
        &self,
        version: i16,
        patience: Duration,
    ) -> Result<Option<BrokerVersions>, ConnectionError> {
        let wrong = |source| self.wire_error(VERSIONS, source);
        let mut body = ApiVersionsRequest::default();
        if version >= 3 {
            body = body
                .with_client_software_name(StrBytes::from_static_str("ktape"))
                .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        }
        let correlation = self.next_correlation();
        let frame = request::encode(&body, version, correlation, self.client_id()).map_err(wrong)?;
        let frame = self.exchange(VERSIONS, correlation, vec![frame], patience).await?;
        let refused = frame.get(4..6) == Some(&ErrorCode::UNSUPPORTED_VERSION.0.to_be_bytes());
        if refused {
            return Ok(None);
        }
        let answer = request::decode::<ApiVersionsRequest>(&frame, version).map_err(wrong)?;
        if let Some(code) = ErrorCode::failure(answer.error_code) {
            return Err(wrong(WireError::Decode(format!("the broker answers {code}"))));
        }
        let announced = answer.api_keys.iter().map(|api| (api.api_key, api.min_version, api.max_version));
        Ok(Some(BrokerVersions::new(announced)))
    }
}

/// A connected socket, encrypted if that is wanted.
async fn transport(opening: &Opening<'_>) -> Result<(Transport, Option<TlsClient>), ConnectionError> {
    let began = Instant::now();
    let address = || opening.address.to_owned();
    let stream = dial::dial(opening.address, opening.patience)
        .await
        .map_err(|source| ConnectionError::Dial { address: address(), source })?;
    let Some(settings) = &opening.security.tls else { return Ok((Transport::Plain(stream), None)) };
    let secured = tls::secure(stream, opening.address, settings, began, opening.patience).await;
    let (secured, client) =
        secured.map_err(|source| ConnectionError::Tls { address: address(), source: Box::new(source) })?;
    Ok((Transport::Tls(Box::new(secured)), Some(client)))
}

const VERSIONS: &str = "ApiVersions";
/// A broker that asks for more is not believed.
const LONGEST_THROTTLE: Duration = Duration::from_secs(300);

/// A peer that does not speak Kafka shows it in the first answer; one that minds this client's certificate, too.
fn handshake_error(error: ConnectionError, tls: Option<&TlsClient>) -> ConnectionError {
    if let (Some(client), ConnectionError::Lost { address, reason, .. }) = (tls, &error)
        && let Some(source) = end_of_tls(client, reason)
    {
        return ConnectionError::Tls { address: address.clone(), source: Box::new(source) };
    }
    match error {
        ConnectionError::Lost { address, reason: Poison::Greeting(greeting), .. } => {
            ConnectionError::NotKafka { address, greeting }
        }
        ConnectionError::Lost { address, reason: Poison::Tls, .. } => ConnectionError::SpeaksTls { address },
        ConnectionError::Lost { address, reason, .. } => ConnectionError::Handshake { address, reason },
        ConnectionError::TimedOut { address, api, after, .. } => {
            ConnectionError::Handshake { address, reason: Poison::Stuck { api, after } }
        }
        other => other,
    }
}

fn end_of_tls(client: &TlsClient, reason: &Poison) -> Option<TlsError> {
    match reason {
        Poison::Closed => client.explain_end(None),
        Poison::Io(error) => client.explain_end(Some(error)),
        _ => None,
    }
}

/// A call whose future is dropped before it was begun is not sent.
struct GiveUp(Arc<Stage>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.give_up();
    }
}
