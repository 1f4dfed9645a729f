//! The client credentials grant (RFC 6749, section 4.4; KIP-768): an identity provider is asked for a token.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::token::LARGEST;
use super::{OAuthError, Token};
use crate::model::{Secret, describe};
use crate::security::sasl::{OidcSettings, clean};

/// What went wrong with an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    /// It cannot be asked with these settings.
    #[error("{0}")]
    Settings(String),
    /// It cannot be reached, or breaks off.
    #[error("{0}")]
    Unreachable(String),
    /// Its certificate is not trusted, or it speaks no TLS.
    #[error("{0} (https.ca.location, or ssl.truststore.location in sasl.jaas.config)")]
    Tls(String),
    /// It refuses.
    #[error("it answers {status}{}", said(.words))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its own words.
        words: String,
    },
    /// Its answer is none.
    #[error("its answer {0}")]
    Nonsense(&'static str),
}

impl ProviderFault {
    /// Whether it may answer another time. Kafka does not try again after the same answers (class `HttpJwtRetriever`).
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { status, .. } => *status >= 500 || [408, 425, 429].contains(status),
            Self::Settings(_) | Self::Tls(_) | Self::Nonsense(_) => false,
        }
    }
}

/// Asks for a token.
pub(super) async fn ask(settings: &OidcSettings) -> Result<Token, OAuthError> {
    let endpoint = settings.endpoint.clone();
    let token = request(settings).await;
    token.map_err(|fault| match fault {
        Fault::Provider(fault) => OAuthError::Provider { endpoint, fault },
        Fault::Token(error) => error,
    })
}

enum Fault {
    Provider(ProviderFault),
    Token(OAuthError),
}

impl From<ProviderFault> for Fault {
    fn from(fault: ProviderFault) -> Self {
        Self::Provider(fault)
    }
}

async fn request(settings: &OidcSettings) -> Result<Token, Fault> {
    let client = client(settings).await?;
    let asked = client
        .post(&settings.endpoint)
        .header(AUTHORIZATION, credentials(&settings.client_id, &settings.client_secret)?)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json")
        .body(body(settings.scope.as_deref()))
        .send()
        .await;
    let mut answer = asked.map_err(unreachable)?;
    let status = answer.status();
    let text = text(&mut answer).await?;
    if status != StatusCode::OK {
        let words = clean(&refusal(&text), &[&settings.client_secret]);
        return Err(ProviderFault::Refused { status: status.as_u16(), words }.into());
    }
    token(&text, &settings.endpoint)
}

/// A client for one question: files with certificates are read anew each time.
async fn client(settings: &OidcSettings) -> Result<Client, ProviderFault> {
    let wrong = |error: &dyn Error| ProviderFault::Settings(describe(error));
    let encrypted = settings.endpoint.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    let tls = if encrypted {
        let tls = settings.tls.clone();
        let read = tokio::task::spawn_blocking(move || tls.client_config()).await.map_err(|error| wrong(&error))?;
        (*read.map_err(|error| wrong(&error))?).clone()
    } else {
        trust_nobody().map_err(|error| wrong(&error))?
    };
    Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.connect_timeout.saturating_add(settings.read_timeout).min(LONGEST))
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| wrong(&error))
}

/// For an address without encryption, which needs no certificates.
fn trust_nobody() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// However patient the settings are.
const LONGEST: Duration = Duration::from_secs(600);

fn credentials(id: &str, secret: &Secret) -> Result<HeaderValue, ProviderFault> {
    let pair = Zeroizing::new(format!("{id}:{}", secret.expose()));
    let header = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut header = HeaderValue::from_str(&header)
        .map_err(|_| ProviderFault::Settings("client id and secret cannot be written".to_owned()))?;
    header.set_sensitive(true);
    Ok(header)
}

const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];

fn body(scope: Option<&str>) -> String {
    let mut form = "grant_type=client_credentials".to_owned();
    if let Some(scope) = scope.map(str::trim).filter(|scope| !scope.is_empty()) {
        form.push_str("&scope=");
        for byte in scope.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => form.push(char::from(byte)),
                b' ' => form.push('+'),
                byte => form.extend(['%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
            }
        }
    }
    form
}

/// The whole answer, unless it is larger than any can be.
async fn text(answer: &mut Response) -> Result<Zeroizing<String>, ProviderFault> {
    let mut bytes = Zeroizing::new(Vec::new());
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > LARGEST * 2 {
            return Err(ProviderFault::Nonsense("is larger than any with a token"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

fn token(text: &str, endpoint: &str) -> Result<Token, Fault> {
    let nonsense = |what| Fault::Provider(ProviderFault::Nonsense(what));
    let answer: serde_json::Value = serde_json::from_str(text).map_err(|_| nonsense("is not JSON"))?;
    let value = answer.get("access_token").and_then(serde_json::Value::as_str);
    let value = value.ok_or_else(|| nonsense("has no access_token"))?;
    let mut token = Token::parse(value, endpoint).map_err(Fault::Token)?;
    let seconds = answer.get("expires_in").and_then(serde_json::Value::as_f64);
    let lifetime = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let promised = lifetime.and_then(|lifetime| SystemTime::now().checked_add(lifetime));
    token.expires = token.expires.into_iter().chain(promised).min();
    Ok(token)
}

/// What an error answer says (RFC 6749, section 5.2), or its beginning.
fn refusal(text: &str) -> String {
    let answer: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let field = |name: &str| answer.get(name).and_then(serde_json::Value::as_str);
    let said: Vec<&str> = [field("error"), field("error_description")].into_iter().flatten().collect();
    said.join(": ")
}

fn said(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(" ({words})") }
}

/// The address stands beside it already.
#[allow(clippy::needless_pass_by_value, reason = "used as a function of an error")]
fn unreachable(error: reqwest::Error) -> ProviderFault {
    let error = error.without_url();
    let text = describe(&error);
    if about_tls(&error) { ProviderFault::Tls(text) } else { ProviderFault::Unreachable(text) }
}

/// Whether rustls stands anywhere below: an I/O error does not call what it wraps its source.
fn about_tls(error: &(dyn Error + 'static)) -> bool {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>()
        || wrapped.is_some_and(|inner| about_tls(inner))
        || error.source().is_some_and(about_tls)
}
