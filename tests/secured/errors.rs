//! What goes wrong between a client and a secured listener: each ends within seconds, once, with an error that names the
//! cause and the property to change.

use std::path::Path;
use std::time::{Duration, Instant};

use protocol_tests::secured::certificates::strange_client;
use protocol_tests::secured::{Listener, Login};

use super::{client, cluster};
use crate::kafka::Repository;

/// Seconds that an answer may take on a machine that is busy with other tests. A broker lets a wrong password wait.
const WITHIN: Duration = Duration::from_secs(20);

/// One thing that is wrong, the file that has it, and what the error must hold.
struct Case {
    what: &'static str,
    file: std::path::PathBuf,
    says: Vec<&'static str>,
}

fn case(what: &'static str, file: std::path::PathBuf, says: &[&'static str]) -> Case {
    Case { what, file, says: says.to_vec() }
}

/// The lines of a file without those of these properties, and others instead.
fn instead(file: &Path, without: &[&str], lines: &str) -> std::path::PathBuf {
    let text = std::fs::read_to_string(file).unwrap();
    let kept = text.lines().filter(|line| !without.iter().any(|name| line.starts_with(&format!("{name}="))));
    let text = kept.collect::<Vec<_>>().join("\n");
    std::fs::write(file, format!("{text}\n{lines}\n")).unwrap();
    file.to_owned()
}

const TRUST: &[&str] = &["ssl.truststore.location"];
const JAAS: &str = "sasl.jaas.config=org.apache.kafka.common.security";

fn passwords() -> Vec<Case> {
    let wrong = |listener, login: &Login, module: &str| {
        let line = format!("{JAAS}.{module} required username=\"backup\" password=\"mistaken\";");
        instead(&client(listener, login), &["sasl.jaas.config"], &line)
    };
    let (plain, scram) = ("plain.PlainLoginModule", "scram.ScramLoginModule");
    let (ssl, plaintext) = (Listener::SaslSsl, Listener::SaslPlaintext);
    vec![
        case("PLAIN", wrong(ssl, &Login::Plain("backup"), plain), &["PLAIN", "backup", "sasl.jaas.config"]),
        case("PLAIN in the clear", wrong(plaintext, &Login::Plain("backup"), plain), &["PLAIN", "sasl.jaas.config"]),
        case("SCRAM-SHA-256", wrong(ssl, &Login::Scram256("backup"), scram), &["SCRAM-SHA-256", "sasl.jaas.config"]),
        case(
            "SCRAM-SHA-512",
            wrong(plaintext, &Login::Scram512("backup"), scram),
            &["SCRAM-SHA-512", "backup", "sasl.jaas.config"],
        ),
    ]
}

fn tokens() -> Vec<Case> {
    let with = |token: String| {
        let place = cluster().folder().join("refused.jwt");
        std::fs::write(&place, token).unwrap();
        let line = format!("sasl.oauthbearer.token.endpoint.url=file://{}", place.display());
        instead(&client(Listener::SaslSsl, &Login::OAuth("backup")), &["sasl.oauthbearer.token.endpoint.url"], &line)
    };
    let good = cluster().tokens().token("backup", Duration::from_secs(600)).unwrap();
    let (body, _) = good.rsplit_once('.').unwrap();
    let missing = instead(
        &client(Listener::SaslSsl, &Login::OAuth("backup")),
        &["sasl.oauthbearer.token.endpoint.url"],
        "sasl.oauthbearer.token.endpoint.url=file:///no/such/token",
    );
    vec![
        case(
            "a forged token",
            with(format!("{body}.Zm9yZ2Vk")),
            &["OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url"],
        ),
        case("no token", missing, &["/no/such/token", "sasl.oauthbearer.token.endpoint.url"]),
    ]
}

fn certificates() -> Vec<Case> {
    let backup = Login::Scram256("backup");
    let trust = |path: &Path| format!("ssl.truststore.location={}", path.display());
    let other = trust(&cluster().certificates().other_authority());
    let strange = cluster().folder().join("strange.pem");
    std::fs::write(&strange, strange_client("backup").unwrap().store()).unwrap();
    let shown = |identity: &Path| format!("ssl.keystore.location={}", identity.display());
    let expired = cluster().folder().join("expired-client.pem");
    std::fs::write(&expired, cluster().certificates().expired_client("backup").unwrap().store()).unwrap();
    let without = || client(Listener::Ssl, &Login::None);
    let wrong_name = client(Listener::WrongName, &Login::None);
    let name = ["127.0.0.1", "elsewhere.example", "ssl.endpoint.identification.algorithm"];
    vec![
        case("wrong CA", instead(&client(Listener::SaslSsl, &backup), TRUST, &other), &["ssl.truststore.location"]),
        case("expired", client(Listener::Expired, &Login::None), &["expired"]),
        case("wrong host name", wrong_name, &name),
        case("no client certificate", without(), &["ssl.keystore.location"]),
        case("a stranger's certificate", instead(&without(), &[], &shown(&strange)), &["ssl.keystore.location"]),
        case("an expired client", instead(&without(), &[], &shown(&expired)), &["ssl.keystore.location", "CN=backup"]),
        case("no trust store", instead(&without(), TRUST, "ssl.truststore.location=/no/such.pem"), &["/no/such.pem"]),
    ]
}

fn protocols() -> Vec<Case> {
    let spoken = |listener, login: &Login, protocol: &str| {
        instead(&client(listener, login), &["security.protocol"], &format!("security.protocol={protocol}"))
    };
    let (nobody, backup) = (Login::None, Login::Scram256("backup"));
    let protocol = "security.protocol";
    vec![
        case("plain text to TLS", spoken(Listener::Ssl, &nobody, "PLAINTEXT"), &["TLS", protocol]),
        case("plain text to SASL_SSL", spoken(Listener::SaslSsl, &nobody, "PLAINTEXT"), &["TLS", protocol]),
        case("SASL_PLAINTEXT to SASL_SSL", spoken(Listener::SaslSsl, &backup, "SASL_PLAINTEXT"), &["TLS", protocol]),
        case("TLS to plain text", spoken(Listener::Plaintext, &nobody, "SSL"), &["TLS", protocol]),
        case("TLS to SASL_PLAINTEXT", spoken(Listener::SaslPlaintext, &backup, "SASL_SSL"), &["TLS", protocol]),
        case("no SASL", spoken(Listener::SaslPlaintext, &nobody, "PLAINTEXT"), &["SASL", protocol]),
        case("no SASL over TLS", spoken(Listener::SaslSsl, &nobody, "SSL"), &["SASL", protocol]),
        case("SASL where there is none", spoken(Listener::Plaintext, &backup, "SASL_PLAINTEXT"), &["SASL", protocol]),
    ]
}

fn check(cases: &[Case]) {
    let repository = Repository::init();
    let mut wrong = Vec::new();
    for Case { what, file, says } in cases {
        let begun = Instant::now();
        let output = repository.run("backup", &["--dry-run", "--command-config", &file.display().to_string()]);
        let took = begun.elapsed();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let missing: Vec<_> = says.iter().filter(|word| !text.contains(**word)).collect();
        let hint = text.lines().any(|line| line.starts_with("hint: "));
        // Hints name it, the general ones do not.
        let hint = hint && !text.contains("run the same command again");
        if output.status.code() != Some(1) || took > WITHIN || !missing.is_empty() || !hint {
            wrong.push(format!("{what}: {:?} after {took:?}, not said: {missing:?}\n{text}", output.status));
        }
        for secret in ["mistaken", "-secret", "BEGIN"] {
            assert!(!text.contains(secret), "{what}: {text}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_password_names_the_user_and_the_property() {
    check(&passwords());
}

#[test]
fn a_token_that_is_refused_names_where_it_came_from() {
    check(&tokens());
}

#[test]
fn a_certificate_that_does_not_fit_is_named_with_its_property() {
    check(&certificates());
}

#[test]
fn the_wrong_protocol_is_named_with_the_one_to_set() {
    check(&protocols());
}
