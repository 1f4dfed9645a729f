//! What servers say while somebody signs in, tokens, and the texts of keys. The first byte chooses; `NONCE` stands for
//! the one that the client made, and a zero byte between messages.

use ktape::cluster::ClusterOptions;
use ktape::model::{Patterns, Secret, Timestamp, TopicFilter, TopicName};
use ktape::repository::{PublicKey, SigningKey};
use ktape::security::oauth::Token;
use ktape::security::sasl::{Client, Mechanism, OAuthSource, ScramHash, Step, clean};
use ktape::store::Key;

pub(super) fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    match kind % 6 {
        0 => scram(ScramHash::Sha256, bytes),
        1 => scram(ScramHash::Sha512, bytes),
        2 => bearer(bytes),
        3 => token(&text),
        4 => keys(&text),
        _ => names(&text),
    }
}

fn scram(hash: ScramHash, bytes: &[u8]) {
    let password = Secret::new("hunter2");
    let mechanism = Mechanism::Scram { hash, username: "user".to_owned(), password, delegation_token: false };
    let mut client = Client::new(&mechanism, None).unwrap();
    let first = client.first();
    let nonce = std::str::from_utf8(&first).unwrap().rsplit_once("r=").unwrap().1.to_owned();
    for challenge in bytes.split(|byte| *byte == 0).take(4) {
        let challenge = String::from_utf8_lossy(challenge).replace("NONCE", &nonce);
        // A million rounds are allowed, and would only hold up the others.
        if challenge.rsplit_once("i=").is_some_and(|(_, count)| count.len() > 4) {
            return;
        }
        match client.respond(challenge.as_bytes()) {
            Ok(Step::Send(said)) => assert!(!String::from_utf8_lossy(&said).contains("hunter2")),
            Ok(Step::Done) => panic!("a server that does not know the password was believed"),
            Err(error) => {
                assert!(!error.to_string().contains("hunter2"), "{error}");
                return;
            }
        }
    }
}

fn bearer(bytes: &[u8]) {
    let source = OAuthSource::File("/nowhere".into());
    let mechanism = Mechanism::OAuthBearer { source, extensions: Vec::new() };
    let mut client = Client::new(&mechanism, Some(&Secret::new("hunter2"))).unwrap();
    client.first();
    for (number, challenge) in bytes.split(|byte| *byte == 0).take(4).enumerate() {
        match client.respond(challenge) {
            Ok(Step::Done) => {
                assert!(number == 0 && challenge.is_empty(), "a refusal cannot turn into a success");
                return;
            }
            Ok(Step::Send(said)) => assert_eq!(said.as_slice(), [1]),
            Err(_) => return,
        }
    }
}

fn token(text: &str) {
    if let Ok(token) = Token::parse(text, "the test") {
        let legal = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
        assert!(token.value.expose().chars().all(legal));
        assert!(format!("{token:?}").len() < 200, "a token is not shown");
    }
    let shown = clean(text, &[&Secret::new("hunter2")]);
    assert!(!shown.contains("hunter2") && !shown.chars().any(char::is_control), "{shown:?}");
}

fn keys(text: &str) {
    if let Ok(key) = PublicKey::parse(text) {
        assert_eq!(PublicKey::parse(&key.to_string()), Ok(key));
    }
    // What is encrypted takes seconds to open, by intent.
    let _ = SigningKey::parse(text, None);
}

fn names(text: &str) {
    let lines: Vec<&str> = text.lines().take(8).collect();
    if let Ok(patterns) = Patterns::new(&lines) {
        patterns.matches("orders-1");
    }
    if let Ok(filter) = TopicFilter::new(&lines, &["*a*b*c*d*"]) {
        filter.takes("orders-1", 3);
    }
    for line in lines {
        if let Some(time) = Timestamp::parse(line) {
            let _ = time.to_string();
        }
        if let Ok(name) = TopicName::new(line) {
            assert!(!name.as_str().contains('/') && ![".", ".."].contains(&name.as_str()));
        }
        if let Ok(key) = Key::new(line) {
            assert!(key.as_str().split('/').all(|part| !part.is_empty() && part != "." && part != ".."), "{key}");
        }
        let _ = ktape::store::shown(line);
        let _ = line.parse::<ktape::verify::Part>();
        let _ = ClusterOptions::new([line]);
    }
}
