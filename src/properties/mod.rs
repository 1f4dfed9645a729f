//! The `client.properties` that people already have: Java's syntax, the names of Kafka's Java clients and of librdkafka,
//! and what they mean for a connection.
//!
//! What one of those clients would do and ktape cannot is an error that names the property; what has no meaning here
//! (how to produce, how to consume) is passed over; a name that no client has is a warning. Values are secrets until
//! their property says otherwise. No network is known here; files are read only where a value refers to one.

mod error;
mod files;
mod jaas;
#[cfg(test)]
mod java_tests;
mod known;
mod notes;
mod oauth;
mod references;
mod sasl;
mod syntax;
#[cfg(test)]
mod tests;
mod tls;
mod values;
mod warning;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use notes::Notes;
use references::{References, Variables};
use values::Values;

pub use error::PropertiesError;
pub use warning::Warning;

use crate::model::Secret;
use crate::security::Security;

/// What a file of properties says about connections.
#[derive(Debug, Default)]
pub struct ClientSettings {
    /// How connections are secured.
    pub security: Security,
    /// `bootstrap.servers`, each `host:port`.
    pub bootstrap: Vec<String>,
    /// `client.id`.
    pub client_id: Option<String>,
    /// `request.timeout.ms`.
    pub request_timeout: Option<Duration>,
    /// `socket.connection.setup.timeout.ms`.
    pub connect_timeout: Option<Duration>,
    /// What a person should know about the file.
    pub warnings: Vec<Warning>,
}

/// Reads a file of properties, and what it refers to.
pub fn read(path: &Path) -> Result<ClientSettings, PropertiesError> {
    let bytes = files::read(path, files::PROPERTIES_MAX)?;
    let notes = Notes::default();
    let entries = entries(&bytes, &notes)?;
    if entries.iter().any(|(name, value)| is_secret(name) && !is_elsewhere(value)) {
        notes.secret_file(path);
    }
    settings(&entries, &|name| std::env::var(name).ok(), notes)
}

/// The last value of every name.
fn entries(bytes: &[u8], notes: &Notes) -> Result<BTreeMap<String, Secret>, PropertiesError> {
    let mut entries = BTreeMap::new();
    let parsed = syntax::parse_latin1(bytes).map_err(|bad| PropertiesError::Escape { line: bad.0 })?;
    for syntax::Entry { name, value, line, encoded } in parsed {
        if !known::is_known(&name) {
            let shown = Some(&name).filter(|name| known::looks_like_a_name(name));
            let meant = shown.and_then(|name| known::meant(name));
            notes.warn(Warning::Unknown { line, name: shown.cloned(), meant });
            continue;
        }
        if encoded {
            notes.warn(Warning::Encoding { line, name: name.clone() });
        }
        if entries.contains_key(&name) {
            notes.warn(Warning::Repeated { line, name: name.clone() });
        }
        entries.insert(name, value);
    }
    Ok(entries)
}

fn settings(
    entries: &BTreeMap<String, Secret>,
    variables: Variables<'_>,
    notes: Notes,
) -> Result<ClientSettings, PropertiesError> {
    let references = References::new(entries, variables, &notes);
    let values = Values::new(entries, &references, &notes);
    let millis = |name| values.time(name, Duration::from_millis(1));
    let settings = ClientSettings {
        security: security(&values)?,
        bootstrap: bootstrap(&values)?,
        client_id: values.text("client.id")?,
        request_timeout: match millis("request.timeout.ms")? {
            Some(time) => Some(time),
            None => millis("socket.timeout.ms")?,
        },
        connect_timeout: millis("socket.connection.setup.timeout.ms")?,
        warnings: Vec::new(),
    };
    Ok(ClientSettings { warnings: notes.into_warnings(), ..settings })
}

fn security(values: &Values<'_>) -> Result<Security, PropertiesError> {
    const NAME: &str = "security.protocol";
    let protocol = values.text(NAME)?;
    let (with_tls, with_sasl) = match protocol.as_deref().map(str::to_ascii_uppercase).as_deref() {
        None | Some("PLAINTEXT") => (false, false),
        Some("SSL") => (true, false),
        Some("SASL_PLAINTEXT") => (false, true),
        Some("SASL_SSL") => (true, true),
        Some(_) => {
            let instead = "PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL are possible";
            return Err(PropertiesError::unsupported(NAME, &protocol.unwrap_or_default(), instead));
        }
    };
    let shown = protocol.as_deref().unwrap_or("PLAINTEXT, its default");
    let idle = |names: &[&'static str], because: String| {
        if let Some(name) = names.iter().find(|name| values.has(name)) {
            values.notes().warn(Warning::Idle { name, because });
        }
    };
    if !with_tls {
        idle(&OF_TLS, format!("{NAME} is {shown}; SSL and SASL_SSL speak TLS"));
    }
    if !with_sasl {
        idle(&OF_SASL, format!("{NAME} is {shown}; SASL_SSL and SASL_PLAINTEXT log in"));
    }
    Ok(Security {
        tls: with_tls.then(|| tls::settings(values)).transpose()?,
        sasl: with_sasl.then(|| sasl::settings(values)).transpose()?,
    })
}

/// `host:port`, perhaps behind `PROTOCOL://`; librdkafka has a default for the port.
fn bootstrap(values: &Values<'_>) -> Result<Vec<String>, PropertiesError> {
    let mut servers = Vec::new();
    for name in ["bootstrap.servers", "metadata.broker.list"] {
        let listed = values.text(name)?.unwrap_or_default();
        for server in listed.split(',').map(str::trim).filter(|server| !server.is_empty()) {
            let server = server.split_once("://").map_or(server, |(_, server)| server);
            let has_port = server
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
            match (has_port, server.contains(':')) {
                (true, _) => servers.push(server.to_owned()),
                (false, false) => servers.push(format!("{server}:9092")),
                (false, true) => return Err(PropertiesError::invalid(name, "HOST:PORT,HOST:PORT... is expected")),
            }
        }
    }
    Ok(servers)
}

/// Whether the value of a property is a secret.
fn is_secret(name: &str) -> bool {
    const SECRETS: [&str; 3] = ["sasl.jaas.config", "ssl.keystore.key", "ssl.key.pem"];
    SECRETS.contains(&name) || name.ends_with(".password") || name.ends_with(".secret")
}

/// Whether the secret itself stands somewhere else.
fn is_elsewhere(value: &Secret) -> bool {
    value.expose().is_empty() || value.expose().contains("${") || values::file_of(value.expose()).is_some()
}

const OF_TLS: [&str; 8] = [
    "ssl.truststore.location",
    "ssl.truststore.certificates",
    "ssl.keystore.location",
    "ssl.keystore.key",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.key.location",
];
const OF_SASL: [&str; 4] = ["sasl.jaas.config", "sasl.username", "sasl.mechanism", "sasl.mechanisms"];
const LONG_STORY: &str = "a token comes from sasl.oauthbearer.token.endpoint.url (https://..., or file:/path to one), or \
                          from a program that prints one: ktape.oauthbearer.token.command=/path/to/program";
