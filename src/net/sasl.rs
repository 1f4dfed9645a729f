//! Signing in on a connection: `SaslHandshake`, then `SaslAuthenticate` until the mechanism is content (KIP-43, KIP-152).

use std::pin::Pin;
use std::time::Duration;

use kafka_protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest};
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use super::{AuthenticationError, Connection, ConnectionError, Opening, Poison};
use crate::model::Secret;
use crate::security::Security;
use crate::security::sasl::{Client, Mechanism, SaslError, SaslSettings, Step, clean};
use crate::wire::ErrorCode;

/// Answers of the broker before an exchange counts as endless; SCRAM has two.
const ROUNDS: usize = 4;

/// Proves who this client is, within `patience`. Gives back how long the broker lets it be so, from the moment of the
/// last message on (KIP-368); `None`: as long as the connection lives.
pub(super) async fn sign_in(
    line: &Connection,
    settings: &SaslSettings,
    patience: Duration,
) -> Result<Option<(Instant, Duration)>, ConnectionError> {
    let signing = Signing { line, settings, token: token(line, settings).await?, end: Instant::now() + patience };
    signing.handshake().await?;
    let outcome = signing.exchange().await;
    if outcome.is_err() {
        // It may have been revoked; the next attempt asks for another.
        settings.tokens.forget().await;
    }
    outcome
}

async fn token(line: &Connection, settings: &SaslSettings) -> Result<Option<Secret>, ConnectionError> {
    let Mechanism::OAuthBearer { source, .. } = &settings.mechanism else { return Ok(None) };
    let token = settings.tokens.get(source).await;
    token.map(Some).map_err(|error| refused(line, AuthenticationError::Token(error)))
}

struct Signing<'a> {
    line: &'a Connection,
    settings: &'a SaslSettings,
    token: Option<Secret>,
    end: Instant,
}

impl Signing<'_> {
    /// Names the mechanism.
    async fn handshake(&self) -> Result<(), ConnectionError> {
        let mechanism = self.settings.mechanism.name();
        let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(mechanism));
        let answer = self.line.call(&request, self.left()).await?;
        let words = |text: &StrBytes| clean(text, &[]);
        let error = match ErrorCode::failure(answer.error_code) {
            None => return Ok(()),
            Some(ErrorCode::UNSUPPORTED_SASL_MECHANISM) => {
                let offered = answer.mechanisms.iter().take(MOST_NAMED).map(words).collect();
                AuthenticationError::NotOffered { mechanism, offered }
            }
            Some(ErrorCode::ILLEGAL_SASL_STATE) => AuthenticationError::NotSasl,
            Some(code) => self.refusal(code, None),
        };
        Err(refused(self.line, error))
    }

    async fn exchange(&self) -> Result<Option<(Instant, Duration)>, ConnectionError> {
        let wrong = |error| refused(self.line, self.fault(error));
        let mut client = Client::new(&self.settings.mechanism, self.token.as_ref()).map_err(wrong)?;
        let mut message = client.first();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let answer = self.say(&message).await?;
            let step;
            (client, step) = respond(client, answer.auth_bytes).await.ok_or_else(|| self.given_up())?;
            match step.map_err(wrong)? {
                Step::Send(next) => message = next,
                Step::Done => return Ok(lifetime(answer.session_lifetime_ms).map(|lifetime| (began, lifetime))),
            }
        }
        Err(wrong(SaslError::Endless))
    }

    async fn say(&self, message: &[u8]) -> Result<SaslAuthenticateResponse, ConnectionError> {
        let request = SaslAuthenticateRequest::default().with_auth_bytes(message.to_vec().into());
        let answer = self.line.call(&request, self.left()).await?;
        match ErrorCode::failure(answer.error_code) {
            None => Ok(answer),
            Some(code) => Err(refused(self.line, self.refusal(code, answer.error_message.as_deref()))),
        }
    }

    fn refusal(&self, code: ErrorCode, words: Option<&str>) -> AuthenticationError {
        let password = match &self.settings.mechanism {
            Mechanism::Plain { password, .. } | Mechanism::Scram { password, .. } => Some(password),
            Mechanism::OAuthBearer { .. } => self.token.as_ref(),
        };
        let secrets: Vec<&Secret> = password.into_iter().collect();
        AuthenticationError::Refused {
            mechanism: self.settings.mechanism.name(),
            user: self.settings.mechanism.user().map(str::to_owned),
            code,
            words: words.map(|words| clean(words, &secrets)).filter(|words| !words.is_empty()),
        }
    }

    fn fault(&self, source: SaslError) -> AuthenticationError {
        AuthenticationError::Exchange {
            mechanism: self.settings.mechanism.name(),
            user: self.settings.mechanism.user().map(str::to_owned),
            source,
        }
    }

    fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    fn given_up(&self) -> ConnectionError {
        let address = self.line.address().to_owned();
        ConnectionError::Lost { address, api: "SaslAuthenticate", sent: true, reason: Poison::GivenUp }
    }
}

/// Mechanisms of a listener that are named in an error.
const MOST_NAMED: usize = 16;
/// Large enough for a list of mechanisms.
const SMALL: usize = 1 << 20;

/// The mechanisms of a listener that wants SASL; `None` if it wants none, or does not say.
pub(super) fn offered<'a>(
    address: &'a str,
    client_id: &'a str,
    security: &'a Security,
    patience: Duration,
) -> Pin<Box<dyn Future<Output = Option<Vec<String>>> + Send + 'a>> {
    Box::pin(async move {
        let opening = Opening { address, client_id, security, patience, frame_limit: SMALL };
        // A peer that closes this one, too, is not asked on a third.
        let (line, _session) = Connection::greet(&opening, None).await.ok()?;
        let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str("PLAIN"));
        let answer = line.call(&request, patience).await.ok()?;
        let agrees = [ErrorCode::NONE, ErrorCode::UNSUPPORTED_SASL_MECHANISM].contains(&ErrorCode(answer.error_code));
        let names = answer.mechanisms.iter().take(MOST_NAMED).map(|name| clean(name, &[])).collect();
        agrees.then_some(names)
    })
}

/// The next message. SCRAM computes for milliseconds, or up to a second if the broker wants it; others go on meanwhile.
async fn respond(mut client: Client, challenge: bytes::Bytes) -> Option<(Client, Result<Step, SaslError>)> {
    let computed = tokio::task::spawn_blocking(move || {
        let step = client.respond(&challenge);
        (client, step)
    });
    computed.await.ok()
}

fn lifetime(milliseconds: i64) -> Option<Duration> {
    u64::try_from(milliseconds).ok().filter(|milliseconds| *milliseconds > 0).map(Duration::from_millis)
}

fn refused(line: &Connection, source: AuthenticationError) -> ConnectionError {
    ConnectionError::Authentication { address: line.address().to_owned(), source: Box::new(source) }
}
