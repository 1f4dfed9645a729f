//! Signing in at a real broker, by every mechanism, with the files that Kafka's own tools take.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol_tests::judge::{Isolation, contents};
use protocol_tests::secured::{Listener, Login};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{client, client_with, cluster};
use crate::kafka::Repository;

const HOUR: Duration = Duration::from_secs(3_600);
/// No retry may hide behind it.
const SECONDS: Duration = Duration::from_secs(15);

fn run(repository: &Repository, verb: &str, config: &Path, flags: &[&str]) -> Output {
    let config = config.display().to_string();
    repository.run(verb, &[&["--command-config", &config], flags].concat())
}

#[track_caller]
fn succeeds(repository: &Repository, verb: &str, config: &Path, flags: &[&str]) {
    let output = run(repository, verb, config, flags);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a backup that must fail, soon, and gives what it says.
#[track_caller]
fn refused(config: &Path) -> String {
    let repository = Repository::init();
    let began = Instant::now();
    let output = run(&repository, "backup", config, &["--topics", "sasl-*"]);
    assert!(began.elapsed() < SECONDS, "{:?}", began.elapsed());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn every_mechanism_backs_up_and_restores() {
    let tools = cluster().tools();
    cluster().desk().step("bulk:sasl-data:2:300:200:zstd").unwrap();
    cluster().desk().step("commit:sasl-group:sasl-data:0:7").unwrap();
    let (id, hmac) = cluster().delegation_token("admin").unwrap();
    let logins = [
        ("plain", Login::Plain("admin")),
        ("scram256", Login::Scram256("admin")),
        ("scram512", Login::Scram512("admin")),
        ("oauth", Login::OAuth("admin")),
        ("token", Login::Token(id, hmac)),
    ];
    let places = [("tls", Listener::SaslSsl), ("clear", Listener::SaslPlaintext)];
    let repository = Repository::init();
    let selection = ["--topics", "sasl-data", "--groups", "sasl-group"];
    for (word, login) in &logins {
        for (place, listener) in places {
            let config = client(listener, login);
            succeeds(&repository, "backup", &config, &selection);
            let rename = format!("sasl-data=sasl-back-{word}-{place}");
            succeeds(&repository, "restore", &config, &["--rename", &rename, "--replication-factor", "1"]);
        }
    }
    let shown = tools.read("sasl-(data|back-.*)", Isolation::ReadUncommitted).unwrap();
    let shown = contents(&shown);
    assert_eq!(shown.len(), 2 * (1 + logins.len() * places.len()));
    for ((topic, partition), records) in &shown {
        assert_eq!(Some(records), shown.get(&("sasl-data".to_owned(), *partition)), "{topic}-{partition}");
    }
    assert_eq!(shown.values().map(Vec::len).sum::<usize>() / 11, 300);
}

#[test]
fn wrong_passwords_and_tokens_are_refused_within_seconds_by_name() {
    let text = |login| fs::read_to_string(client(Listener::SaslPlaintext, &login)).unwrap();
    let wrong = |login, right: &str, wrong: &str| {
        let text = text(login);
        assert!(text.contains(right), "{text}");
        let path = client(Listener::SaslPlaintext, &Login::None);
        fs::write(&path, text.replace(right, wrong)).unwrap();
        refused(&path)
    };
    for (login, mechanism) in [
        (Login::Plain("admin"), "PLAIN"),
        (Login::Scram256("admin"), "SCRAM-SHA-256"),
        (Login::Scram512("admin"), "SCRAM-SHA-512"),
    ] {
        let said = wrong(login, "admin-secret", "hunter2");
        assert!(said.contains(&format!("{mechanism} as \"admin\" was refused")), "{said}");
        assert!(said.contains("sasl.jaas.config") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_token_that_somebody_else_signed_is_refused_in_the_brokers_words() {
    let token = cluster().tokens().token("admin", HOUR).unwrap();
    let (signed, _) = token.rsplit_once('.').unwrap();
    let path = cluster().folder().join("sasl-tampered.jwt");
    fs::write(&path, format!("{signed}.{}", "A".repeat(86))).unwrap();
    let line = format!("sasl.oauthbearer.token.endpoint.url=file://{}", path.display());
    let said = refused(&client_with(Listener::SaslSsl, &Login::OAuth("admin"), &line));
    assert!(said.contains("OAUTHBEARER was refused") && said.contains("invalid_token"), "{said}");
    assert!(!said.contains(signed), "{said}");

    let old = cluster().tokens().token("admin", Duration::ZERO).unwrap();
    fs::write(&path, old).unwrap();
    let said = refused(&client_with(Listener::SaslSsl, &Login::OAuth("admin"), &line));
    assert!(said.contains("sasl-tampered.jwt has expired"), "{said}");
}

#[test]
fn a_listener_that_wants_sasl_or_does_not_is_told_with_the_property() {
    let bare = client(Listener::SaslPlaintext, &Login::None);
    let text = fs::read_to_string(&bare).unwrap();
    fs::write(&bare, text.replace("SASL_PLAINTEXT", "PLAINTEXT")).unwrap();
    let said = refused(&bare);
    assert!(said.contains("wants SASL (") && said.contains("set security.protocol to SASL_PLAINTEXT"), "{said}");

    let line = format!("bootstrap.servers={}", cluster().bootstrap(Listener::Plaintext));
    let said = refused(&client_with(Listener::SaslPlaintext, &Login::Plain("admin"), &line));
    assert!(said.contains("does not use SASL") && said.contains("security.protocol"), "{said}");
}

#[test]
fn tokens_come_from_a_command_or_an_identity_provider() {
    cluster().desk().step("bulk:sasl-tokens:1:10:100:none").unwrap();
    let repository = Repository::init();
    let token = cluster().tokens().token("admin", HOUR).unwrap();
    let path = cluster().folder().join("sasl-command.jwt");
    fs::write(&path, &token).unwrap();
    let mechanism = "sasl.mechanism=OAUTHBEARER\n";
    let command = format!("{mechanism}ktape.oauthbearer.token.command=/bin/cat {}", path.display());
    let config = client_with(Listener::SaslSsl, &Login::None, &command);
    succeeds(&repository, "backup", &config, &["--topics", "sasl-tokens"]);

    let (port, provider) = identity_provider(token);
    let lines = format!(
        "{mechanism}sasl.oauthbearer.token.endpoint.url=https://localhost:{port}/token\n\
         sasl.oauthbearer.client.credentials.client.id=ktape\n\
         sasl.oauthbearer.client.credentials.client.secret=hunter2\n\
         https.ca.location={}\nsasl.oauthbearer.scope=kafka",
        cluster().certificates().authority().display()
    );
    let config = client_with(Listener::SaslSsl, &Login::None, &lines);
    succeeds(&repository, "backup", &config, &["--topics", "sasl-tokens"]);
    let asked = provider.join().unwrap();
    assert!(asked.starts_with("POST /token HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("Basic a3RhcGU6aHVudGVyMg==") && asked.ends_with("&scope=kafka"), "{asked}");

    let wrong = client_with(Listener::SaslSsl, &Login::None, &lines.replace(&format!(":{port}/"), ":1/"));
    let said = refused_later(&wrong);
    assert!(said.contains("gives no token") && said.contains("sasl.oauthbearer.token.endpoint.url"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

/// A provider that does not answer now may do so soon: it is asked several times.
fn refused_later(config: &Path) -> String {
    let output = run(&Repository::init(), "backup", config, &["--topics", "sasl-*", "--dry-run"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Gives one token over HTTPS, and what it was asked.
fn identity_provider(token: String) -> (u16, std::thread::JoinHandle<String>) {
    let store = fs::read(cluster().certificates().broker()).unwrap();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&store).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(&store).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = rustls::ServerConnection::new(config).unwrap();
        let mut stream = BufReader::new(rustls::StreamOwned::new(connection, stream));
        let (mut asked, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            let lower = line.to_lowercase();
            length = lower.strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
            asked += &line;
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        let answer =
            serde_json::json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 }).to_string();
        let stream = stream.get_mut();
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}", answer.len())
            .unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        asked + &String::from_utf8(body).unwrap()
    });
    (port, thread)
}
