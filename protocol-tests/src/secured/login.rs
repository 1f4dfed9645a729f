//! `client.properties` as Java's clients take them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Listener, SecuredCluster, password};
use crate::error::{HarnessError, on};

/// As whom a client comes.
#[derive(Debug, Clone)]
pub enum Login {
    /// As nobody: neither certificate nor password.
    None,
    /// A client certificate `CN=` this user, as a PEM key store.
    Certificate(&'static str),
    /// PLAIN, with the user's password.
    Plain(&'static str),
    /// SCRAM-SHA-256, with the user's password.
    Scram256(&'static str),
    /// SCRAM-SHA-512, with the user's password.
    Scram512(&'static str),
    /// A bearer token for the user: from a file, signed and valid for an hour; on `SASL_PLAINTEXT` unsigned.
    OAuth(&'static str),
    /// A delegation token: its id and its HMAC, by SCRAM-SHA-512.
    Token(String, String),
}

const TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);
const MODULES: &str = "org.apache.kafka.common.security";

pub(super) fn properties(cluster: &SecuredCluster, listener: Listener, login: &Login) -> Result<String, HarnessError> {
    let mut lines = vec![
        format!("bootstrap.servers={}", cluster.bootstrap(listener)),
        format!("security.protocol={}", listener.protocol()),
    ];
    if listener.protocol().ends_with("SSL") {
        lines.push("ssl.truststore.type=PEM".to_owned());
        lines.push(format!("ssl.truststore.location={}", cluster.certificates().authority().display()));
    }
    lines.extend(login_lines(cluster, listener, login)?);
    Ok(lines.join("\n") + "\n")
}

fn login_lines(cluster: &SecuredCluster, listener: Listener, login: &Login) -> Result<Vec<String>, HarnessError> {
    let user_and_password = |mechanism: &str, module: &str, user: &str, password: &str, more: &str| {
        vec![
            format!("sasl.mechanism={mechanism}"),
            format!("sasl.jaas.config={MODULES}.{module} required username=\"{user}\" password=\"{password}\"{more};"),
        ]
    };
    let scram = |mechanism: &str, user: &str, password: &str, more: &str| {
        user_and_password(mechanism, "scram.ScramLoginModule", user, password, more)
    };
    Ok(match login {
        Login::None => Vec::new(),
        Login::Certificate(user) => {
            let store = cluster.certificates().client(user)?.store();
            let store = write(cluster.folder(), user, "pem", &store)?;
            vec!["ssl.keystore.type=PEM".to_owned(), format!("ssl.keystore.location={}", store.display())]
        }
        Login::Plain(user) => user_and_password("PLAIN", "plain.PlainLoginModule", user, &password(user), ""),
        Login::Scram256(user) => scram("SCRAM-SHA-256", user, &password(user), ""),
        Login::Scram512(user) => scram("SCRAM-SHA-512", user, &password(user), ""),
        Login::Token(id, hmac) => scram("SCRAM-SHA-512", id, hmac, " tokenauth=\"true\""),
        Login::OAuth(user) if listener == Listener::SaslPlaintext => vec![
            "sasl.mechanism=OAUTHBEARER".to_owned(),
            format!(
                "sasl.jaas.config={MODULES}.oauthbearer.OAuthBearerLoginModule required \
                 unsecuredLoginStringClaim_sub=\"{user}\";"
            ),
        ],
        Login::OAuth(user) => {
            let token = write(cluster.folder(), user, "jwt", &cluster.tokens().token(user, TOKEN_LIFETIME)?)?;
            vec![
                "sasl.mechanism=OAUTHBEARER".to_owned(),
                format!("sasl.jaas.config={MODULES}.oauthbearer.OAuthBearerLoginModule required;"),
                format!("sasl.login.callback.handler.class={MODULES}.oauthbearer.OAuthBearerLoginCallbackHandler"),
                format!("sasl.oauthbearer.token.endpoint.url=file://{}", token.display()),
            ]
        }
    })
}

/// A new file that only its owner can read.
pub(super) fn write(folder: &Path, name: &str, kind: &str, text: &str) -> Result<PathBuf, HarnessError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let path = folder.join(format!("{name}-{}.{kind}", NEXT.fetch_add(1, Ordering::Relaxed)));
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&path).map_err(on("create", &path))?;
    file.write_all(text.as_bytes()).map_err(on("write", &path))?;
    Ok(path)
}
