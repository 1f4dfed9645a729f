//! OAUTHBEARER: where tokens come from (KIP-255, KIP-768, KIP-1139, and librdkafka's names).

use std::time::Duration;

use super::jaas::LoginModule;
use super::values::{Values, file_of};
use super::{LONG_STORY, PropertiesError, tls};
use crate::security::sasl::{Mechanism, OAuthSource, OidcSettings};
use crate::security::tls::{TlsSettings, TrustStore};
use crate::security::words;

/// The mechanism with its source of tokens and its extensions.
pub(super) fn mechanism(values: &Values<'_>, module: Option<&LoginModule>) -> Result<Mechanism, PropertiesError> {
    if let Some(module) = module.filter(|module| module.name() != "OAuthBearerLoginModule") {
        let fits = "its login module does not fit sasl.mechanism=OAUTHBEARER: OAuthBearerLoginModule is expected";
        let fits = if module.name() == "IAMLoginModule" { LONG_STORY } else { fits };
        return Err(PropertiesError::jaas(fits));
    }
    refuse(values)?;
    let none = std::collections::BTreeMap::new();
    let options = values.options(module.map_or(&none, |module| &module.options));
    Ok(Mechanism::OAuthBearer { source: source(values, &options)?, extensions: extensions(values, &options)? })
}

fn refuse(values: &Values<'_>) -> Result<(), PropertiesError> {
    for (name, fine) in [
        ("sasl.login.callback.handler.class", &HANDLERS[..]),
        ("sasl.oauthbearer.jwt.retriever.class", &RETRIEVERS[..]),
        ("sasl.oauthbearer.grant.type", &["client_credentials"][..]),
        ("sasl.oauthbearer.metadata.authentication.type", &["none"][..]),
    ] {
        if let Some(value) = values.text(name)?
            && !fine.contains(&value.rsplit('.').next().unwrap_or_default())
        {
            return Err(PropertiesError::unsupported(name, &value, LONG_STORY));
        }
    }
    if values.flag("sasl.oauthbearer.header.urlencode")? == Some(true) {
        return Err(PropertiesError::unsupported("sasl.oauthbearer.header.urlencode", "true", LONG_STORY));
    }
    Ok(())
}

fn source(values: &Values<'_>, options: &Values<'_>) -> Result<OAuthSource, PropertiesError> {
    values.one_of(&[COMMAND, ENDPOINT])?;
    if let Some(line) = values.raw(COMMAND)?.filter(|line| !line.expose().is_empty()) {
        let words = words::split(line.expose()).ok_or_else(|| {
            PropertiesError::invalid(COMMAND, "a program and its arguments are expected, with \"quotes\" around blanks")
        })?;
        return Ok(OAuthSource::Command(words));
    }
    if let Some(endpoint) = values.text(ENDPOINT)? {
        return endpoint_source(values, options, endpoint);
    }
    let handler = values.text("sasl.login.callback.handler.class")?.unwrap_or_default();
    let oidc = values.text("sasl.oauthbearer.method")?.is_some_and(|method| method.eq_ignore_ascii_case("oidc"));
    if oidc || handler.ends_with(".OAuthBearerLoginCallbackHandler") {
        let because = "tokens come from there, or from a file that it names: file:/path/to/token";
        return Err(PropertiesError::missing(ENDPOINT, because));
    }
    unsecured(values, options)
}

fn endpoint_source(
    values: &Values<'_>,
    options: &Values<'_>,
    endpoint: String,
) -> Result<OAuthSource, PropertiesError> {
    if let Some(path) = file_of(&endpoint) {
        values.notes().secret_file(&path);
        return Ok(OAuthSource::File(path));
    }
    let scheme = endpoint.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    if !matches!(scheme.as_deref(), Some("http" | "https")) {
        return Err(PropertiesError::invalid(
            ENDPOINT,
            "an address with https:// or http://, or file:/path is expected",
        ));
    }
    if endpoint.split('/').nth(2).is_some_and(|host| host.contains('@')) {
        let expected = "leave out what stands before the @: the client's id and secret have properties of their own";
        return Err(PropertiesError::invalid(ENDPOINT, expected));
    }
    let missing = |name: &str| PropertiesError::missing(name, format!("{ENDPOINT} is asked with it"));
    let client_id = match first(values, &CLIENT_ID)? {
        Some(id) => id,
        None => options.text("clientId")?.ok_or_else(|| missing(CLIENT_ID[0]))?,
    };
    let named = CLIENT_SECRET.iter().find(|name| values.has(name));
    let client_secret = match named {
        Some(name) => values.secret(name)?,
        None => options.secret("clientSecret")?,
    };
    let scope = match values.text("sasl.oauthbearer.scope")? {
        Some(scope) => Some(scope),
        None => options.text("scope")?,
    };
    let millis = |name| values.time(name, Duration::from_millis(1));
    Ok(OAuthSource::Oidc(Box::new(OidcSettings {
        endpoint,
        client_id,
        client_secret: client_secret.ok_or_else(|| missing(CLIENT_SECRET[0]))?,
        scope,
        tls: provider_tls(values, options)?,
        connect_timeout: millis("sasl.login.connect.timeout.ms")?.unwrap_or(TIMEOUT),
        read_timeout: millis("sasl.login.read.timeout.ms")?.unwrap_or(TIMEOUT),
    })))
}

/// Java takes `ssl.*` from the options of the login module, librdkafka `https.ca.*`; the default is the system's trust.
fn provider_tls(values: &Values<'_>, options: &Values<'_>) -> Result<TlsSettings, PropertiesError> {
    values.one_of(&["https.ca.pem", "https.ca.location"])?;
    let mut settings = tls::settings(options)?;
    let given = match tls::inline(values, "https.ca.pem")? {
        Some(material) => Some(material),
        None => tls::ca_location(values, "https.ca.location")?,
    };
    if let Some(material) = given {
        settings.trust = Some(TrustStore { material, password: None, kind: None });
    }
    Ok(settings)
}

/// Tokens that nobody signed, for brokers in development.
fn unsecured(values: &Values<'_>, options: &Values<'_>) -> Result<OAuthSource, PropertiesError> {
    let config = values.text("sasl.oauthbearer.config")?.unwrap_or_default();
    let pairs = config.split_whitespace().filter_map(|pair| pair.split_once('='));
    let pairs: Vec<(&str, &str)> = pairs.collect();
    let find = |name: &str| pairs.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned());
    for (name, _) in &pairs {
        if !["principal", "lifeSeconds"].contains(name) && !name.starts_with("extension_") {
            return Err(PropertiesError::unsupported("sasl.oauthbearer.config", name, "principal and lifeSeconds are"));
        }
    }
    for name in options.names().filter(|name| name.starts_with("unsecuredLogin")) {
        if !UNSECURED.contains(&name) && !name.starts_with(UNSECURED_EXTENSION) {
            let instead = format!("{} and {} are", UNSECURED[0], UNSECURED[1]);
            return Err(PropertiesError::unsupported("sasl.jaas.config", name, instead));
        }
    }
    let principal = match options.text(UNSECURED[0])? {
        Some(principal) => principal,
        None => find("principal").ok_or_else(|| {
            PropertiesError::missing(ENDPOINT, format!("sasl.mechanism=OAUTHBEARER needs a token: {LONG_STORY}"))
        })?,
    };
    let seconds = match find("lifeSeconds") {
        Some(seconds) => Some(seconds.parse().map(Duration::from_secs).map_err(|_| {
            PropertiesError::invalid("sasl.oauthbearer.config", "lifeSeconds is a whole number of seconds")
        })?),
        None => options.time(UNSECURED[1], Duration::from_secs(1))?,
    };
    Ok(OAuthSource::Unsecured { principal, lifetime: seconds.unwrap_or(HOUR) })
}

/// SASL extensions (KIP-342).
fn extensions(values: &Values<'_>, options: &Values<'_>) -> Result<Vec<(String, String)>, PropertiesError> {
    let mut found = Vec::new();
    for name in options.names() {
        let extension = name.strip_prefix("extension_").or_else(|| name.strip_prefix(UNSECURED_EXTENSION));
        if let (Some(extension), Some(value)) = (extension, options.text(name)?) {
            found.push((extension.to_owned(), value));
        }
    }
    let listed = values.text("sasl.oauthbearer.extensions")?.unwrap_or_default();
    let config = values.text("sasl.oauthbearer.config")?.unwrap_or_default();
    let config = config.split_whitespace().filter_map(|pair| pair.strip_prefix("extension_"));
    for pair in listed.split(',').map(str::trim).filter(|pair| !pair.is_empty()).chain(config) {
        let expected = "name=value, with a comma between pairs, is expected";
        let pair = pair.split_once('=');
        let (name, value) = pair.ok_or_else(|| PropertiesError::invalid("sasl.oauthbearer.extensions", expected))?;
        found.push((name.to_owned(), value.to_owned()));
    }
    if found.iter().any(|(name, _)| name.eq_ignore_ascii_case("auth") || !name.bytes().all(|b| b.is_ascii_alphabetic()))
    {
        let expected = "names of extensions are letters, and `auth` is taken";
        return Err(PropertiesError::invalid("sasl.oauthbearer.extensions", expected));
    }
    Ok(found)
}

fn first(values: &Values<'_>, names: &[&str]) -> Result<Option<String>, PropertiesError> {
    for name in names {
        if let Some(text) = values.text(name)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

const ENDPOINT: &str = "sasl.oauthbearer.token.endpoint.url";
const COMMAND: &str = "ktape.oauthbearer.token.command";
const CLIENT_ID: [&str; 2] = ["sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.id"];
const CLIENT_SECRET: [&str; 2] =
    ["sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.client.secret"];
const HANDLERS: [&str; 2] = ["OAuthBearerLoginCallbackHandler", "OAuthBearerUnsecuredLoginCallbackHandler"];
const RETRIEVERS: [&str; 3] = ["DefaultJwtRetriever", "ClientCredentialsJwtRetriever", "FileJwtRetriever"];
const UNSECURED: [&str; 2] = ["unsecuredLoginStringClaim_sub", "unsecuredLoginLifetimeSeconds"];
const UNSECURED_EXTENSION: &str = "unsecuredLoginExtension_";
/// Kafka waits without end for an identity provider; a backup must not.
const TIMEOUT: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3_600);
