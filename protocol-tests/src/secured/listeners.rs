//! The listeners of the secured cluster, as `server.properties` spell them.

use std::fmt::Write as _;

use super::certificates::Certificates;
use super::tokens::{AUDIENCE, ISSUER, Tokens};
use super::{USERS, password};
use crate::cluster::ClusterSpec;

/// How long a session lasts on [`Listener::Reauth`], in milliseconds (`connections.max.reauth.ms`).
pub const SESSION_MS: u32 = 3_000;

/// A listener of the secured cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Neither TLS nor login: principal `User:ANONYMOUS`, who may do everything.
    Plaintext,
    /// TLS, and a client certificate is required.
    Ssl,
    /// TLS and login; bearer tokens must be signed.
    SaslSsl,
    /// Login without TLS; bearer tokens are unsigned.
    SaslPlaintext,
    /// TLS with a certificate that has expired.
    Expired,
    /// TLS with a certificate for another host.
    WrongName,
    /// As [`Self::SaslSsl`], and sessions last [`SESSION_MS`].
    Reauth,
}

/// In the order of their ports.
const FURTHER: &[(Listener, &str, &str)] = &[
    (Listener::Ssl, "SSL", "SSL"),
    (Listener::SaslSsl, "SASL_SSL", "SASL_SSL"),
    (Listener::SaslPlaintext, "SASL_PLAINTEXT", "SASL_PLAINTEXT"),
    (Listener::Expired, "EXPIRED", "SSL"),
    (Listener::WrongName, "WRONGNAME", "SSL"),
    (Listener::Reauth, "REAUTH", "SASL_SSL"),
];

const MECHANISMS: &[&str] = &["plain", "scram-sha-256", "scram-sha-512", "oauthbearer"];
const MODULES: &str = "org.apache.kafka.common.security";

impl Listener {
    /// Its place among those after PLAINTEXT.
    pub(super) fn place(self) -> Option<usize> {
        FURTHER.iter().position(|(listener, ..)| *listener == self)
    }

    /// Its `security.protocol`.
    pub fn protocol(self) -> &'static str {
        self.place().map_or("PLAINTEXT", |at| FURTHER[at].2)
    }
}

pub(super) fn configure(spec: ClusterSpec, certificates: &Certificates, tokens: &Tokens) -> ClusterSpec {
    let spec = FURTHER.iter().fold(spec, |spec, (_, name, protocol)| spec.listener(name, protocol));
    let jwks = format!("file://{}", tokens.jwks().display());
    let spec = spec
        .flag(&format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={jwks}"))
        .flag(&format!("-Dorg.apache.kafka.sasl.oauthbearer.allowed.files={}", tokens.jwks().display()))
        .property("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
        .property("super.users", "User:ANONYMOUS;User:admin")
        .property("allow.everyone.if.no.acl.found", "false")
        .property("delegation.token.secret.key", "secret-for-tests")
        .property("quota.window.num", "3")
        .property("ssl.principal.mapping.rules", "RULE:^CN=([^,]+).*$/$1/,DEFAULT")
        .property("ssl.keystore.type", "PEM")
        .property("ssl.keystore.location", &certificates.broker().display().to_string())
        .property("ssl.truststore.type", "PEM")
        .property("ssl.truststore.location", &certificates.authority().display().to_string())
        .property("listener.name.ssl.ssl.client.auth", "required")
        .property("listener.name.expired.ssl.keystore.type", "PEM")
        .property("listener.name.expired.ssl.keystore.location", &certificates.expired().display().to_string())
        .property("listener.name.wrongname.ssl.keystore.type", "PEM")
        .property("listener.name.wrongname.ssl.keystore.location", &certificates.wrong_name().display().to_string())
        .property("sasl.enabled.mechanisms", &MECHANISMS.join(",").to_uppercase());
    let spec = logins(spec, "sasl_plaintext");
    let spec = spec.property(
        "listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config",
        &format!("{MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"broker\";"),
    );
    let spec = signed_tokens(logins(spec, "sasl_ssl"), "sasl_ssl", &jwks);
    let spec = signed_tokens(logins(spec, "reauth"), "reauth", &jwks);
    MECHANISMS.iter().fold(spec, |spec, mechanism| {
        spec.property(&format!("listener.name.reauth.{mechanism}.connections.max.reauth.ms"), &SESSION_MS.to_string())
    })
}

fn logins(spec: ClusterSpec, listener: &str) -> ClusterSpec {
    let mut plain = format!("{MODULES}.plain.PlainLoginModule required");
    for user in USERS {
        let _ = write!(plain, " user_{user}=\"{}\"", password(user));
    }
    let scram = format!("{MODULES}.scram.ScramLoginModule required;");
    spec.property(&format!("listener.name.{listener}.plain.sasl.jaas.config"), &format!("{plain};"))
        .property(&format!("listener.name.{listener}.scram-sha-256.sasl.jaas.config"), &scram)
        .property(&format!("listener.name.{listener}.scram-sha-512.sasl.jaas.config"), &scram)
}

fn signed_tokens(spec: ClusterSpec, listener: &str, jwks: &str) -> ClusterSpec {
    let name = |property: &str| format!("listener.name.{listener}.oauthbearer.{property}");
    spec.property(&name("sasl.jaas.config"), &format!("{MODULES}.oauthbearer.OAuthBearerLoginModule required;"))
        .property(
            &name("sasl.server.callback.handler.class"),
            &format!("{MODULES}.oauthbearer.OAuthBearerValidatorCallbackHandler"),
        )
        .property(&name("sasl.oauthbearer.jwks.endpoint.url"), jwks)
        .property(&name("sasl.oauthbearer.expected.audience"), AUDIENCE)
        .property(&name("sasl.oauthbearer.expected.issuer"), ISSUER)
}
