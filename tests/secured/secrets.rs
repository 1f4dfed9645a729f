//! Secrets are planted wherever a person can put one, ktape works and fails with them on a real cluster and logs all it
//! can, and then everything it wrote is searched: standard output and error, the repository, what restores write down,
//! and the process list.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol_tests::secured::{Listener, Login};
use tempfile::TempDir;

use super::{client, cluster};
use crate::kafka::{Repository, command};

/// Who may do everything.
const USER: &str = "admin";
/// The password of that user in the fixture.
const PASSWORD: &str = "admin-secret";
const JAAS: &str = "sasl.jaas.config=org.apache.kafka.common.security";

/// What may be seen nowhere, in every form in which it travels.
struct Planted {
    secrets: Vec<(String, String)>,
    written: Vec<(String, Vec<u8>)>,
    folder: TempDir,
}

impl Planted {
    fn new() -> Self {
        Self { secrets: Vec::new(), written: Vec::new(), folder: TempDir::with_prefix("ktape-planted-").unwrap() }
    }

    fn plant(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= 8, "{what} is too short to be searched for");
        self.secrets.push((what.to_owned(), secret.to_owned()));
        self.secrets.push((format!("{what} in base64"), STANDARD.encode(secret)));
    }

    /// A file that only its owner can read.
    fn file(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.folder.path().join(name);
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        path
    }

    /// Runs a verb that logs all it can, watched in the process list, and keeps what it wrote.
    fn run(&mut self, what: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Option<i32> {
        let mut child = command(arguments)
            .args(["-vvv", "--json"])
            .envs(variables.iter().copied())
            .env("RUST_BACKTRACE", "full")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.written.push((format!("{what}: process list"), command_line(&child)));
        let mut log = child.stderr.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            log.read_to_end(&mut text).unwrap();
            text
        });
        let output = child.wait_with_output().unwrap();
        self.written.push((format!("{what}: standard output"), output.stdout));
        self.written.push((format!("{what}: standard error"), reader.join().unwrap()));
        output.status.code()
    }

    /// Every file below a folder counts as written.
    fn look_into(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.look_into(&path);
            } else {
                self.written.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }

    /// What is seen where.
    fn found(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (place, bytes) in &self.written {
            for (what, secret) in &self.secrets {
                if bytes.windows(secret.len()).any(|window| window == secret.as_bytes()) {
                    found.push(format!("{what} is in {place}"));
                }
            }
        }
        found
    }

    /// Nothing is seen anywhere.
    fn search(&self) {
        let bytes: usize = self.written.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(self.secrets.len() > 1 && bytes > 1_000, "nothing was searched");
        let found = self.found();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    /// The end of what the run before wrote on standard error.
    fn last(&self) -> String {
        let (_, text) = self.written.last().unwrap();
        let text = String::from_utf8_lossy(text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }
}

/// As `ps` shows it, once the program has been put in the child's place.
fn command_line(child: &Child) -> Vec<u8> {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        let line = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
        if line.windows(4).any(|window| window == b"-vvv") || std::time::Instant::now() > deadline {
            assert!(!line.is_empty(), "the process list was not read");
            return line;
        }
    }
}

/// An identity provider that gives everybody the token, until the test ends.
fn provider(token: String) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = format!("http://{}/token", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, &token);
        }
    });
    address
}

fn answer(stream: TcpStream, token: &str) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length])?;
    let body = format!("{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\",\"expires_in\":600}}");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    reader.into_inner().write_all(format!("{head}{body}").as_bytes())
}

/// The lines of a working file without its login.
fn base(listener: Listener) -> String {
    fs::read_to_string(client(listener, &Login::None)).unwrap()
}

/// A way to log in: what is written in the file of properties, and variables.
struct Way {
    what: &'static str,
    properties: String,
    variables: Vec<(&'static str, String)>,
}

fn ways(planted: &mut Planted) -> Vec<Way> {
    let way = |what, properties| Way { what, properties, variables: Vec::new() };
    let tls = base(Listener::SaslSsl);
    planted.plant("the password", PASSWORD);
    planted.plant("the password as PLAIN sends it", &format!("\0{USER}\0{PASSWORD}"));
    let plain = format!("{JAAS}.plain.PlainLoginModule required username=\"{USER}\" password=");
    let scram = format!("{JAAS}.scram.ScramLoginModule required username=\"{USER}\" password=");
    let file = planted.file("password", &format!("{PASSWORD}\n"));

    let (id, hmac) = cluster().delegation_token(USER).unwrap();
    planted.plant("the delegation token", &hmac);

    let identity = cluster().certificates().client(USER).unwrap();
    for line in identity.key.lines().filter(|line| !line.starts_with('-')) {
        planted.plant("the private key", line);
    }
    let inline = |pem: &str| pem.trim().replace('\n', " \\\n ");

    let token = cluster().tokens().token(USER, Duration::from_secs(600)).unwrap();
    planted.plant("the bearer token", token.rsplit('.').next().unwrap());
    let token_file = planted.file("token", &token);
    let oauth = format!("{tls}sasl.mechanism=OAUTHBEARER\n");
    let client_secret = "planted-client-secret";
    planted.plant("the client's secret", client_secret);
    planted.plant("the client's id and secret", &format!("ktape:{client_secret}"));
    let endpoint = provider(token);

    vec![
        way("PLAIN", format!("{tls}sasl.mechanism=PLAIN\n{plain}\"{PASSWORD}\";\n")),
        Way {
            what: "a variable",
            properties: format!("{tls}sasl.mechanism=SCRAM-SHA-256\n{scram}\"${{env:PLANTED}}\";\n"),
            variables: vec![("PLANTED", PASSWORD.to_owned())],
        },
        way("a file", format!("{tls}sasl.mechanism=SCRAM-SHA-512\n{scram}\"file:{}\";\n", file.display())),
        way("a delegation token", {
            let scram = scram.replace(USER, &id);
            format!("{tls}sasl.mechanism=SCRAM-SHA-512\n{scram}\"{hmac}\" tokenauth=true;\n")
        }),
        way(
            "keys in the file",
            format!(
                "{}ssl.keystore.type=PEM\nssl.keystore.key={}\nssl.keystore.certificate.chain={}\n",
                base(Listener::Ssl),
                inline(&identity.key),
                inline(&identity.certificate)
            ),
        ),
        way("a command", format!("{oauth}ktape.oauthbearer.token.command=/bin/cat {}\n", token_file.display())),
        way(
            "an identity provider",
            format!(
                "{oauth}sasl.oauthbearer.token.endpoint.url={endpoint}\n{JAAS}.oauthbearer.OAuthBearerLoginModule \
                 required clientId=\"ktape\" clientSecret=\"{client_secret}\";\n"
            ),
        ),
    ]
}

#[test]
fn the_search_finds_what_is_there() {
    let mut planted = Planted::new();
    planted.plant("it", "planted-wrong");
    planted.run("a flag", &["list", "--repository", "/no/such/planted-wrong"], &[]);
    let found = planted.found().join("\n");
    for place in ["process list", "standard output", "standard error"] {
        assert!(found.contains(place), "{place}: {found}");
    }
    planted.written = vec![("a log".to_owned(), format!("Basic {}", STANDARD.encode("planted-wrong")).into_bytes())];
    assert_eq!(planted.found(), ["it in base64 is in a log"]);
}

#[test]
fn what_works_shows_no_secret() {
    cluster().desk().step("topic:secrets-a:1").unwrap();
    let mut planted = Planted::new();
    for (number, way) in ways(&mut planted).into_iter().enumerate() {
        let repository = Repository::init();
        let place = repository.path().display().to_string();
        let file = planted.file(&format!("{number}.properties"), &way.properties).display().to_string();
        let variables: Vec<_> = way.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let shared =
            ["--repository", &place, "--command-config", &file, "--topics", "secrets-a", "--exclude-groups", "*"];
        let metrics = planted.folder.path().join("metrics.prom").display().to_string();
        for verb in [&["backup", "--metrics-file", &metrics][..], &["check"], &["verify", "--against-cluster"]] {
            let code = planted.run(way.what, &[verb, &shared].concat(), &variables);
            assert_eq!(code, Some(0), "{}: {verb:?}\n{}", way.what, planted.last());
        }
        if number == 0 {
            let state = planted.folder.path().join("state").display().to_string();
            let more = ["--rename", "secrets-a=secrets-b", "--state", &state];
            let code = planted.run("restore", &[&["restore"], &shared[..], &more].concat(), &variables);
            assert_eq!(code, Some(0), "{}", planted.last());
            planted.look_into(Path::new(&state));
        }
        planted.written.push((metrics.clone(), fs::read(&metrics).unwrap()));
        planted.look_into(&repository.path());
    }
    planted.search();
}

#[test]
fn what_fails_shows_no_secret() {
    let mut planted = Planted::new();
    let identity = cluster().certificates().client(USER).unwrap();
    for line in identity.key.lines().filter(|line| !line.starts_with('-')) {
        planted.plant("the private key", line);
    }
    for secret in ["planted-wrong", "planted-client", "planted-store"] {
        planted.plant(secret, secret);
    }
    let (tls, mtls) = (base(Listener::SaslSsl), base(Listener::Ssl));
    let plain = format!("{tls}sasl.mechanism=PLAIN\n{JAAS}.plain.PlainLoginModule required ");
    let oauth = format!("{tls}sasl.mechanism=OAUTHBEARER\n");
    let oidc = |endpoint: &str| {
        format!(
            "{oauth}sasl.oauthbearer.token.endpoint.url={endpoint}\n{JAAS}.oauthbearer.OAuthBearerLoginModule required \
             clientId=\"ktape\" clientSecret=\"planted-client\";\n"
        )
    };
    let store = planted.file("store.pem", &identity.store().replace("PRIVATE KEY-----", "PUBLIC KEY-----"));
    let cases = [
        ("a wrong password", format!("{plain}username=\"{USER}\" password=\"planted-wrong\";\n"), 1),
        (
            "a wrong password by SCRAM",
            {
                format!(
                    "{tls}sasl.mechanism=SCRAM-SHA-256\n{JAAS}.scram.ScramLoginModule required username=\"{USER}\" \
                 password=\"planted-wrong\";\n"
                )
            },
            1,
        ),
        ("a quote that does not end", format!("{plain}username=\"{USER}\" password=\"planted-wrong;\n"), 2),
        ("no semicolon", format!("{plain}username=\"{USER}\" password=\"planted-wrong\"\n"), 2),
        ("a slash", format!("{plain}username=\"{USER}\" password=planted-wrong/planted-wrong;\n"), 2),
        ("no equals sign", format!("{plain}username=\"{USER}\" password planted-wrong;\n"), 2),
        (
            "lines that are torn off",
            format!("{plain}\n username=\"{USER}\"\n planted-wrong;\n password=planted-wrong;\n"),
            2,
        ),
        (
            "the wrong property",
            format!("{plain}password=\"planted-wrong\";\nsasl.client.callback.handler.class=x.Y\n"),
            2,
        ),
        ("a key without backslashes", format!("{mtls}ssl.keystore.key={}\n", identity.key), 2),
        ("a key without a certificate", format!("{mtls}ssl.keystore.key={}\n", identity.key.replace('\n', "\\\n")), 2),
        (
            "a store that holds no key",
            { format!("{mtls}ssl.keystore.location={}\nssl.key.password=planted-store\n", store.display()) },
            1,
        ),
        (
            "a store of another kind",
            {
                let place = planted.file("store", "planted-store planted-store");
                format!("{mtls}ssl.keystore.location={}\nssl.keystore.password=planted-store\n", place.display())
            },
            1,
        ),
        ("a provider that is not there", oidc("http://127.0.0.1:1/token"), 1),
        ("a provider that is none", oidc(&format!("https://{}/token", cluster().bootstrap(Listener::Plaintext))), 1),
        (
            "a token that is none",
            {
                format!(
                    "{oauth}sasl.oauthbearer.token.endpoint.url=file://{}\n",
                    planted.file("t", "planted-wrong.").display()
                )
            },
            1,
        ),
        (
            "a command that prints and fails",
            {
                let script = planted.file("fails.sh", "echo planted-wrong; echo planted-wrong >&2; exit 1\n");
                format!("{oauth}ktape.oauthbearer.token.command=/bin/sh {}\n", script.display())
            },
            1,
        ),
    ];
    let repository = Repository::init();
    let place = repository.path().display().to_string();
    for (number, (what, properties, expected)) in cases.into_iter().enumerate() {
        let file = planted.file(&format!("{number}.properties"), &properties).display().to_string();
        // What may be tried again is tried again within this time.
        let shared = ["backup", "--repository", &place, "--command-config", &file, "--request-timeout", "2s"];
        let code = planted.run(what, &shared, &[]);
        assert_eq!(code, Some(expected), "{what}\n{}", planted.last());
        if let Ok(settings) = ktape::properties::read(Path::new(&file)) {
            // What a panic would print of it.
            planted.written.push((format!("{what}: Debug"), format!("{settings:?} {settings:#?}").into_bytes()));
        }
    }
    planted.look_into(&repository.path());
    planted.search();
}
