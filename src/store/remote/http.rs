//! The way to the service: our own TLS, time limits, no redirects; and the retries of everything.
//!
//! `object_store` repeats a request after a lost connection, a time-out or an answer of 429 or 5xx, with growing pauses,
//! as [`Settings::retry`] says. Nothing above it does. Each attempt passes [`Service`], which counts and logs it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use object_store::client::{
    ClientConfigKey, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{BackoffConfig, ClientOptions, HeaderValue, RetryConfig};
use rustls::ClientConfig;

use super::fault;
use super::location::Options;
use crate::model::describe;
use crate::security::tls::{Material, TlsError, TlsSettings, TrustStore};

/// How long a connection may take to come about. That to an instance's metadata service has a shorter limit of its own.
const CONNECT: Duration = Duration::from_secs(10);
/// How long the service may be silent; the sending of one part counts as silence.
const SILENCE: Duration = Duration::from_secs(60);
/// Attempts after the first.
const RETRIES: usize = 8;
/// No new attempt is made after this time.
const RETRY_PATIENCE: Duration = Duration::from_secs(120);

/// A request that got no answer.
#[derive(Debug, Clone)]
pub(super) struct LastFailure {
    /// Whether it went to the service that hands out credentials on a cloud's machines.
    pub(super) metadata: bool,
    /// Why.
    pub(super) text: String,
}

/// Connects to services, and remembers the last failure of any attempt.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    tls: Arc<ClientConfig>,
    last_failure: Arc<Mutex<Option<LastFailure>>>,
    create_only: bool,
}

impl Settings {
    /// Reads the certificates that are trusted: a file that the location or the environment names, or the system's.
    pub(super) fn new(options: &Options, variable: &dyn Fn(&str) -> Option<String>) -> io::Result<Self> {
        let from_environment = || ["AWS_CA_BUNDLE", "SSL_CERT_FILE"].iter().find_map(|name| variable(name));
        let file = options.ca.clone().or_else(|| from_environment().map(Into::into));
        let trust = file.map(|file| TrustStore { material: Material::File(file), password: None, kind: None });
        let tls = TlsSettings { trust, ..TlsSettings::default() }.client_config();
        // Without TLS nobody asks for certificates: a host that has none can still speak plain HTTP.
        let of_environment = || ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].iter().find_map(|name| variable(name));
        let endpoint = options.endpoint.clone().or_else(of_environment);
        let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
        let tls = match tls {
            Err(_) if plain && options.ca.is_none() => nothing_trusted().map_err(io::Error::other)?,
            tls => tls.map_err(|error| io::Error::other(untrusting(&error)))?,
        };
        Ok(Self { tls, last_failure: Arc::default(), create_only: options.conditional_put.unwrap_or(true) })
    }

    /// What happened last when a request failed on its way.
    pub(super) fn last_failure(&self) -> Option<LastFailure> {
        self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When requests are repeated.
    pub(super) fn retry() -> RetryConfig {
        let backoff =
            BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(15), base: 2.0 };
        RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_PATIENCE }
    }
}

/// The same in words of this layer: there is no property of Kafka's to change here.
fn untrusting(error: &TlsError) -> String {
    let why = match error {
        TlsError::NoSystemTrust(why) => return format!("this system has no trusted certificate authorities: {why}"),
        TlsError::Store { place, fault, .. } => format!("{place}: {}", describe(fault)),
        error => describe(error),
    };
    format!("the certificates to trust cannot be read: {why}")
}

fn nothing_trusted() -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()))
}

impl HttpConnector for Settings {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // Set for the metadata service alone: elsewhere than in a cloud nobody answers there.
        let metadata = options.get_config_value(&ClientConfigKey::ConnectTimeout).as_deref() == Some("1s");
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(&self.tls))
            .user_agent(concat!("ktape/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .connect_timeout(if metadata { Duration::from_secs(1) } else { CONNECT })
            .read_timeout(SILENCE);
        let client =
            builder.build().map_err(|error| object_store::Error::Generic { store: "HTTP", source: Box::new(error) })?;
        Ok(HttpClient::new(Service { client, settings: self.clone(), metadata }))
    }
}

/// How many times one request was sent. Rides along in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts(Arc<AtomicU32>);

impl Attempts {
    /// So far.
    pub(super) fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct Service {
    client: reqwest::Client,
    settings: Settings,
    metadata: bool,
}

impl HttpService for Service {
    fn call<'service, 'future>(
        &'service self,
        mut request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'future>>
    where
        'service: 'future,
        Self: 'future,
    {
        if let Some(Attempts(count)) = request.extensions().get::<Attempts>() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if self.settings.create_only && completes_an_upload(&request) {
            // Not among the signed headers, as everything is that does not begin with `x-amz-`.
            request.headers_mut().insert("if-none-match", HeaderValue::from_static("*"));
        }
        Box::pin(self.attempt(request))
    }
}

impl Service {
    async fn attempt(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // The query may hold a signature, the headers do.
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let began = Instant::now();
        let result = self.client.call(request).await;
        let ms = began.elapsed().as_millis() as u64;
        match result {
            Ok(answer) => {
                tracing::debug!(%method, path, status = answer.status().as_u16(), ms, "store request");
                Ok(answer)
            }
            Err(error) => {
                let text = fault::chain(&error);
                tracing::debug!(%method, path, error = text, ms, "store request failed");
                let failure = LastFailure { metadata: self.metadata, text: text.clone() };
                *self.settings.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                Err(if fault::is_certificate(&text) { not_again(text) } else { error })
            }
        }
    }
}

/// A certificate that is not trusted will not be in a minute.
fn not_again(text: String) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, io::Error::other(text))
}

fn completes_an_upload(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method().as_str() == "POST" && query.split('&').any(|pair| pair.starts_with("uploadId="))
}
