//! Certificates: what a broker wants to see of this client, in every form that Java's clients know.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use ktape::cluster::{Cluster, ClusterOptions};
use ktape::model::describe;
use ktape::properties;
use protocol_tests::secured::certificates::strange_client;
use protocol_tests::secured::{Listener, Login};
use tempfile::TempDir;

use super::{client, client_with, cluster};
use crate::kafka::{Repository, command};

const PASSWORD: &str = "stores-secret";

/// What Java writes, and the PEM that it was made of.
fn stores() -> TempDir {
    let folder = TempDir::with_prefix("ktape-stores-").unwrap();
    let plain = folder.path().join("plain.pem");
    fs::write(&plain, cluster().certificates().client("admin").unwrap().store()).unwrap();
    let authority = cluster().certificates().authority();
    let (plain, place) = (plain.display(), folder.path().display());
    cluster().desk().step(&format!("stores:{plain}:{}:{place}:{PASSWORD}", authority.display())).unwrap();
    folder
}

/// A client of the listener that insists on certificates, with these lines and nothing else about TLS.
fn with(lines: &[String]) -> PathBuf {
    let file = client(Listener::Ssl, &Login::None);
    let text = fs::read_to_string(&file).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("ssl."));
    let all: Vec<&str> = kept.chain(lines.iter().map(String::as_str)).collect();
    fs::write(&file, all.join("\n") + "\n").unwrap();
    file
}

fn dry_run(file: &Path) -> Output {
    dry_run_with(file, &[])
}

fn dry_run_with(file: &Path, variables: &[(&str, &Path)]) -> Output {
    let repository = Repository::init();
    let (place, file) = (repository.path().display().to_string(), file.display().to_string());
    let flags = ["backup", "--repository", &place, "--dry-run", "--topics", "tls-*", "--command-config", &file];
    command(&flags).envs(variables.iter().copied()).output().unwrap()
}

/// A line of properties; the lines of PEM are spelled as Java spells them.
fn line(name: &str, value: impl std::fmt::Display) -> String {
    format!("{name}={}", value.to_string().replace('\n', "\\n"))
}

#[test]
fn a_backup_and_a_restore_go_through_mutual_tls() {
    cluster().desk().step("bulk:tls-mutual:2:600:4000:zstd").unwrap();
    let file = client_with(Listener::Ssl, &Login::Certificate("admin"), "client.id=tls-mutual");
    let file = file.display().to_string();
    let repository = Repository::init();
    let run = |verb: &str, flags: &[&str]| {
        let output = repository.run(verb, &[&["--command-config", &file, "--exclude-groups", "*"], flags].concat());
        assert_eq!(output.status.code(), Some(0), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run("backup", &["--topics", "tls-mutual"]);
    run("restore", &["--topics", "tls-mutual", "--rename", "tls-mutual=tls-restored"]);
    run("verify", &["--against-cluster", "--topics", "tls-mutual"]);
}

#[test]
fn stores_of_java_open_the_listener_whatever_they_are_called() {
    cluster().desk().step("topic:tls-seen:1").unwrap();
    let folder = stores();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    fs::copy(at("identity.p12"), at("misnamed.jks")).unwrap();
    let trust = |name: &str| vec![line("ssl.truststore.location", at(name)), line("ssl.truststore.password", PASSWORD)];
    let authority = fs::read_to_string(cluster().certificates().authority()).unwrap();
    let pkcs12 = |name: &str| vec![line("ssl.keystore.location", at(name)), line("ssl.keystore.password", PASSWORD)];
    let cases = [
        ("PKCS12", [trust("trust.p12"), pkcs12("identity.p12")].concat()),
        (
            "TLS 1.2",
            [trust("trust.p12"), pkcs12("identity.p12"), vec![line("ssl.enabled.protocols", "TLSv1.2")]].concat(),
        ),
        ("JKS to trust", [trust("trust.jks"), pkcs12("identity.p12")].concat()),
        ("misnamed", [trust("trust.jks"), pkcs12("misnamed.jks"), vec![line("ssl.keystore.type", "JKS")]].concat()),
        ("encrypted key", {
            let key = [line("ssl.keystore.location", at("identity.pem")), line("ssl.key.password", PASSWORD)];
            [trust("trust.p12"), vec![line("ssl.keystore.type", "PEM")], key.to_vec()].concat()
        }),
        ("all inside", {
            let (key, chain) = text("identity.pem").split_once("-----BEGIN CERTIFICATE").map_or_else(
                || panic!("no certificate"),
                |(key, chain)| (key.to_owned(), format!("-----BEGIN CERTIFICATE{chain}")),
            );
            vec![
                line("ssl.truststore.type", "PEM"),
                line("ssl.truststore.certificates", &authority),
                line("ssl.keystore.type", "PEM"),
                line("ssl.keystore.certificate.chain", chain),
                line("ssl.keystore.key", key),
                line("ssl.key.password", PASSWORD),
            ]
        }),
    ];
    for (what, lines) in cases {
        let output = dry_run(&with(&lines));
        let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{what}: {told}");
        assert!(said.contains("tls-seen"), "{what}: {said}");
        assert!(!format!("{said}{told}").contains(PASSWORD), "{what}");
    }
}

#[test]
fn stores_that_do_not_open_say_which_property_and_what_to_do() {
    let folder = stores();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let trust = [line("ssl.truststore.location", at("trust.p12")), line("ssl.truststore.password", PASSWORD)];
    let jks = [line("ssl.keystore.location", at("identity.jks")), line("ssl.keystore.password", PASSWORD)];
    let wrong = [line("ssl.keystore.location", at("identity.p12")), line("ssl.keystore.password", "mistaken")];
    let none = [line("ssl.keystore.location", at("identity.pem"))];
    let no_pem = [line("ssl.truststore.location", at("plain.pem.missing"))];
    let cases: [(&str, Vec<String>, &[&str]); 4] = [
        ("JKS", [&trust[..], &jks].concat(), &["ssl.keystore.location", "keytool -importkeystore", "PKCS12"]),
        ("wrong password", [&trust[..], &wrong].concat(), &["ssl.keystore.password", "identity.p12"]),
        ("no key password", [&trust[..], &none].concat(), &["ssl.key.password", "identity.pem"]),
        ("no file", no_pem.to_vec(), &["ssl.truststore.location", "plain.pem.missing"]),
    ];
    for (what, lines, says) in cases {
        let output = dry_run(&with(&lines));
        let told = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(0), "{what}: {told}");
        assert!(says.iter().all(|word| told.contains(word)), "{what}: {told}");
        assert!(!told.contains(PASSWORD) && !told.contains("mistaken"), "{what}: {told}");
    }
}

#[test]
fn without_a_trust_store_the_authorities_of_the_system_count() {
    cluster().desk().step("topic:tls-system:1").unwrap();
    let identity = cluster().folder().join("tls-system.pem");
    fs::write(&identity, cluster().certificates().client("admin").unwrap().store()).unwrap();
    let file = with(&[line("ssl.keystore.location", identity.display())]);
    for (authority, expected) in
        [(cluster().certificates().authority(), 0), (cluster().certificates().other_authority(), 1)]
    {
        let output = dry_run_with(&file, &[("SSL_CERT_FILE", &authority)]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(expected), "{told}");
        assert!(expected == 0 || told.contains("ssl.truststore.location"), "{told}");
    }
}

/// A certificate is read anew for each connection: one that a renewal job replaced is shown from the next one on.
#[test]
fn a_renewed_certificate_is_shown_by_the_next_connection() {
    let folder = TempDir::with_prefix("ktape-renewed-").unwrap();
    let store = folder.path().join("identity.pem");
    let good = cluster().certificates().client("admin").unwrap().store();
    fs::write(&store, &good).unwrap();
    let authority = cluster().certificates().authority();
    let lines = [line("ssl.truststore.location", authority.display()), line("ssl.keystore.location", store.display())];
    let settings = properties::read(&with(&lines)).unwrap();
    let options = ClusterOptions { security: settings.security, ..ClusterOptions::new(settings.bootstrap) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = Cluster::connect(options).await.unwrap();
        let node = *cluster.metadata().await.unwrap().brokers.keys().next().unwrap();
        cluster.data_connection(node).await.unwrap();
        fs::write(&store, strange_client("admin").unwrap().store()).unwrap();
        let error = cluster.data_connection(node).await.unwrap_err();
        assert!(describe(&error).contains("CN=admin"), "{error:?}");
        fs::write(&store, good).unwrap();
        cluster.data_connection(node).await.unwrap();
    });
}
