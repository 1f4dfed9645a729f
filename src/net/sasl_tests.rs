//! Signing in against a scripted broker.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::ListGroupsRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::tests::{answer, no_groups, peer, request};
use super::{AuthenticationError, Connection, ConnectionError, Opening, Poison};
use crate::model::{Classify, ErrorClass, Secret, describe};
use crate::security::Security;
use crate::security::sasl::{Mechanism, OAuthSource, SaslError, SaslSettings, ScramHash};
use crate::wire::ErrorCode;

const PATIENCE: Duration = Duration::from_secs(2);

fn plain() -> Mechanism {
    Mechanism::Plain { username: "alice".to_owned(), password: Secret::new("hunter2") }
}

fn scram() -> Mechanism {
    Mechanism::Scram {
        hash: ScramHash::Sha256,
        username: "alice".to_owned(),
        password: Secret::new("hunter2"),
        delegation_token: false,
    }
}

fn bearer() -> Mechanism {
    let source = OAuthSource::Unsecured { principal: "eve".to_owned(), lifetime: Duration::from_secs(600) };
    Mechanism::OAuthBearer { source, extensions: Vec::new() }
}

async fn open(address: &str, mechanism: Option<Mechanism>) -> Result<Connection, ConnectionError> {
    let security = Security { tls: None, sasl: mechanism.map(SaslSettings::new) };
    let opening =
        Opening { address, client_id: "test", security: &security, patience: PATIENCE, frame_limit: 64 << 20 };
    let opened = Connection::open(opening).await;
    if let Err(error) = &opened {
        let told = format!("{} {error:?}", describe(error));
        assert!(!told.contains("hunter2"), "{told}");
    }
    opened
}

/// Offers `ListGroups` v1, `SaslHandshake` v1 and `SaslAuthenticate` v1.
async fn greet(stream: &mut TcpStream) {
    let (_, _, correlation, _) = request(stream).await.unwrap();
    let mut body = BytesMut::new();
    body.put_i16(0);
    body.put_u8(4);
    for (key, least, most) in [(16, 0, 1), (17, 0, 1), (36, 0, 1)] {
        body.put_i16(key);
        body.put_i16(least);
        body.put_i16(most);
        body.put_u8(0);
    }
    body.put_i32(0);
    body.put_u8(0);
    answer(stream, correlation, &body).await;
}

async fn handshake(stream: &mut TcpStream, code: i16, offered: &[&str]) -> String {
    let (key, version, correlation, body) = request(stream).await.unwrap();
    assert_eq!((key, version), (17, 1));
    let mut reply = BytesMut::new();
    reply.put_i16(code);
    reply.put_i32(offered.len() as i32);
    for name in offered {
        put_text(&mut reply, name);
    }
    answer(stream, correlation, &reply).await;
    // Client id `test` stands before the mechanism.
    String::from_utf8(body[8..].to_vec()).unwrap()
}

/// What the client says next.
async fn said(stream: &mut TcpStream) -> (i32, Vec<u8>) {
    let (key, version, correlation, body) = request(stream).await.unwrap();
    assert_eq!((key, version), (36, 1));
    (correlation, body[10..].to_vec())
}

async fn reply(stream: &mut TcpStream, correlation: i32, code: i16, words: &str, bytes: &[u8], lifetime_ms: i64) {
    let mut body = BytesMut::new();
    body.put_i16(code);
    put_text(&mut body, words);
    body.put_i32(bytes.len() as i32);
    body.put_slice(bytes);
    body.put_i64(lifetime_ms);
    answer(stream, correlation, &body).await;
}

fn put_text(body: &mut BytesMut, text: &str) {
    body.put_i16(text.len() as i16);
    body.put_slice(text.as_bytes());
}

async fn list(connection: &Connection) -> Result<usize, ConnectionError> {
    connection.call(&ListGroupsRequest::default(), PATIENCE).await.map(|answer| answer.groups.len())
}

#[tokio::test]
async fn the_client_says_who_it_is_before_anything_else() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        assert_eq!(handshake(&mut stream, 0, &["PLAIN"]).await, "PLAIN");
        let (correlation, message) = said(&mut stream).await;
        assert_eq!(message, b"\0alice\0hunter2");
        reply(&mut stream, correlation, 0, "", b"", 0).await;
        let (key, _, correlation, _) = request(&mut stream).await.unwrap();
        assert_eq!(key, 16);
        answer(&mut stream, correlation, &no_groups(0)).await;
    })
    .await;
    let connection = open(&address, Some(plain())).await.unwrap();
    assert_eq!(list(&connection).await.unwrap(), 0);
}

#[tokio::test]
async fn a_refusal_names_mechanism_user_and_property_and_is_final() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        handshake(&mut stream, 0, &["PLAIN"]).await;
        let (correlation, _) = said(&mut stream).await;
        reply(&mut stream, correlation, 58, "Invalid password hunter2\n", b"", 0).await;
    })
    .await;
    let error = open(&address, Some(plain())).await.unwrap_err();
    assert_eq!(
        describe(&error),
        format!(
            "signing in at {address} failed: PLAIN as \"alice\" was refused (Invalid password [secret] ): check sasl.jaas.config"
        )
    );
    assert_eq!(error.class(), ErrorClass::Reject);
}

#[tokio::test]
async fn a_listener_with_other_mechanisms_or_none_is_told_apart() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        handshake(&mut stream, 33, &["GSSAPI", "SCRAM-SHA-512"]).await;
    })
    .await;
    let error = open(&address, Some(plain())).await.unwrap_err();
    assert!(describe(&error).ends_with("does not offer PLAIN but GSSAPI, SCRAM-SHA-512 (sasl.mechanism)"), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Reject);
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        handshake(&mut stream, ErrorCode::ILLEGAL_SASL_STATE.0, &[]).await;
    })
    .await;
    let error = open(&address, Some(plain())).await.unwrap_err();
    assert!(describe(&error).contains("security.protocol"), "{error:?}");
    let source = Box::new(AuthenticationError::NotSasl);
    assert_eq!(describe(&error), describe(&ConnectionError::Authentication { address, source }));
}

/// A server that answers the client's first SCRAM message with what `first` makes of it, and the last with `last`.
async fn scram_server(first: fn(&str) -> String, last: &'static str) -> ConnectionError {
    let address = peer(move |mut stream| async move {
        greet(&mut stream).await;
        assert_eq!(handshake(&mut stream, 0, &[]).await, "SCRAM-SHA-256");
        let (correlation, message) = said(&mut stream).await;
        let message = String::from_utf8(message).unwrap();
        let nonce = message.strip_prefix("n,,n=alice,r=").unwrap();
        reply(&mut stream, correlation, 0, "", first(nonce).as_bytes(), 0).await;
        if let Some((_, _, correlation, _)) = request(&mut stream).await {
            reply(&mut stream, correlation, 0, "", last.as_bytes(), 0).await;
        }
        let _ = stream.read_u8().await;
    })
    .await;
    open(&address, Some(scram())).await.unwrap_err()
}

#[tokio::test]
async fn servers_that_do_not_know_the_password_are_not_trusted() {
    let fault = |error: ConnectionError| match error {
        ConnectionError::Authentication { source, .. } => match *source {
            AuthenticationError::Exchange { source, .. } => source,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let good = |nonce: &str| format!("r={nonce}abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    let signature = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    assert_eq!(fault(scram_server(good, signature).await), SaslError::ServerSignature);
    assert_eq!(fault(scram_server(good, "e=other-error").await), SaslError::Server("other-error".to_owned()));
    let empty = fault(scram_server(good, "").await);
    assert!(matches!(empty, SaslError::Malformed { .. }), "success without a signature: {empty:?}");
    let nonce = |_: &str| "r=mine,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096".to_owned();
    assert_eq!(fault(scram_server(nonce, signature).await), SaslError::Nonce);
    let began = Instant::now();
    let absurd = |nonce: &str| format!("r={nonce}abc,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2147483647");
    assert!(matches!(fault(scram_server(absurd, signature).await), SaslError::Iterations { given: 2_147_483_647, .. }));
    assert!(began.elapsed() < Duration::from_secs(1));
    let large = |nonce: &str| format!("r={nonce}{},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "a".repeat(100_000));
    assert!(matches!(fault(scram_server(large, signature).await), SaslError::Oversize { .. }));
}

#[tokio::test]
async fn a_refusal_of_a_token_is_confirmed_and_an_endless_challenge_is_not_followed() {
    for ends in [true, false] {
        let address = peer(move |mut stream| async move {
            greet(&mut stream).await;
            handshake(&mut stream, 0, &[]).await;
            let (correlation, _) = said(&mut stream).await;
            reply(&mut stream, correlation, 0, "", b"{\"status\":\"invalid_token\"}", 0).await;
            let (correlation, message) = said(&mut stream).await;
            assert_eq!(message, [1]);
            let code = if ends { 58 } else { 0 };
            reply(&mut stream, correlation, code, "{\"status\":\"invalid_token\"}", b"more", 0).await;
            assert!(request(&mut stream).await.is_none(), "nothing more is said");
        })
        .await;
        let error = open(&address, Some(bearer())).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Reject, "{error:?}");
        assert!(!ends || describe(&error).contains("invalid_token"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_may_cut_the_exchange_anywhere() {
    for keeps in 0..3 {
        let address = peer(move |mut stream| async move {
            greet(&mut stream).await;
            if keeps > 0 {
                handshake(&mut stream, 0, &[]).await;
            }
            let _ = request(&mut stream).await;
            if keeps > 1 {
                stream.write_all(&[0, 0, 0, 20, 0, 0]).await.unwrap();
            }
        })
        .await;
        let error = open(&address, Some(plain())).await.unwrap_err();
        let api = if keeps > 0 { "SaslAuthenticate" } else { "SaslHandshake" };
        assert!(
            matches!(&error, ConnectionError::Lost { reason: Poison::Closed, api: lost, .. } if *lost == api),
            "{keeps}: {error:?}"
        );
    }
}

#[tokio::test]
async fn answers_are_small_and_in_time_until_the_client_is_known() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        handshake(&mut stream, 0, &[]).await;
        let _ = request(&mut stream).await;
        // Far below the limit of a connection that is open.
        stream.write_all(&(2_i32 << 20).to_be_bytes()).await.unwrap();
        let _ = stream.read_u8().await;
    })
    .await;
    let error = open(&address, Some(plain())).await.unwrap_err();
    assert!(matches!(&error, ConnectionError::Lost { reason: Poison::Oversize { .. }, .. }), "{error:?}");
    let silent = peer(|mut stream| async move {
        greet(&mut stream).await;
        handshake(&mut stream, 0, &[]).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let began = Instant::now();
    let error = open(&silent, Some(plain())).await.unwrap_err();
    assert!(matches!(&error, ConnectionError::TimedOut { api: "SaslAuthenticate", .. }), "{error:?}");
    assert!(began.elapsed() < PATIENCE * 2);
    let garbage = peer(|mut stream| async move {
        greet(&mut stream).await;
        let (_, _, correlation, _) = request(&mut stream).await.unwrap();
        answer(&mut stream, correlation, &[0, 0, 0x7f, 0xff, 0xff, 0xff]).await;
        let _ = stream.read_u8().await;
    })
    .await;
    assert_eq!(open(&garbage, Some(plain())).await.unwrap_err().class(), ErrorClass::Corrupt);
}

#[tokio::test]
async fn a_listener_that_wants_sasl_is_told_from_a_broker_that_dies() {
    for wants in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            greet(&mut stream).await;
            let _ = request(&mut stream).await;
            drop(stream);
            let (mut stream, _) = listener.accept().await.unwrap();
            greet(&mut stream).await;
            let (code, names) = if wants { (33, &["SCRAM-SHA-512"][..]) } else { (34, &[][..]) };
            handshake(&mut stream, code, names).await;
        });
        let connection = open(&address, None).await.unwrap();
        let error = list(&connection).await.unwrap_err();
        if wants {
            let expected = format!(
                "the listener at {address} wants SASL (SCRAM-SHA-512): set security.protocol to SASL_PLAINTEXT"
            );
            assert_eq!(describe(&error), expected);
            assert_eq!(error.class(), ErrorClass::Reject);
        } else {
            assert!(matches!(&error, ConnectionError::Lost { reason: Poison::Closed, .. }), "{error:?}");
            assert!(error.class().is_retriable());
        }
    }
}

/// Lets the client sign in for so many milliseconds.
async fn admit(stream: &mut TcpStream, lifetime_ms: i64) {
    handshake(stream, 0, &[]).await;
    let (correlation, message) = said(stream).await;
    assert_eq!(message, b"\0alice\0hunter2");
    reply(stream, correlation, 0, "", b"", lifetime_ms).await;
}

async fn groups(stream: &mut TcpStream) -> i32 {
    let (key, _, correlation, _) = request(stream).await.unwrap();
    assert_eq!(key, 16, "nothing but what was asked");
    correlation
}

#[tokio::test]
async fn before_a_session_ends_answers_come_in_and_requests_wait() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        admit(&mut stream, 400).await;
        let first = groups(&mut stream).await;
        // The session is used up; the second request stands behind the first one's answer.
        let early = tokio::time::timeout(Duration::from_millis(500), stream.read_u8()).await;
        assert!(early.is_err(), "nothing is sent while an answer is under way");
        answer(&mut stream, first, &no_groups(0)).await;
        admit(&mut stream, 3_600_000).await;
        for _ in 0..3 {
            let next = groups(&mut stream).await;
            answer(&mut stream, next, &no_groups(0)).await;
        }
        let _ = stream.read_u8().await;
    })
    .await;
    let connection = open(&address, Some(plain())).await.unwrap();
    let late = async {
        sleep(Duration::from_millis(380)).await;
        list(&connection).await
    };
    let (first, second) = tokio::join!(list(&connection), late);
    first.unwrap();
    second.unwrap();
    // The new session is long.
    list(&connection).await.unwrap();
    list(&connection).await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_not_renewed_ends_the_connection_with_its_cause() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        admit(&mut stream, 50).await;
        handshake(&mut stream, 0, &[]).await;
        let (correlation, _) = said(&mut stream).await;
        reply(&mut stream, correlation, 58, "the user was deleted", b"", 0).await;
        let _ = stream.read_u8().await;
    })
    .await;
    let connection = open(&address, Some(plain())).await.unwrap();
    sleep(Duration::from_millis(60)).await;
    let (one, two) = tokio::join!(list(&connection), list(&connection));
    for error in [one.unwrap_err(), two.unwrap_err()] {
        assert!(matches!(&error, ConnectionError::Lost { sent: false, reason: Poison::SignIn(_), .. }), "{error:?}");
        assert!(describe(&error).contains("the user was deleted"), "{}", describe(&error));
        assert_eq!(error.class(), ErrorClass::Reject);
    }
    assert!(!connection.is_usable());
}

#[tokio::test]
async fn a_broker_that_wants_proof_all_the_time_gets_it_once_a_second() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        admit(&mut stream, 1).await;
        for lifetime in [1, -5] {
            admit(&mut stream, lifetime).await;
            let next = groups(&mut stream).await;
            answer(&mut stream, next, &no_groups(0)).await;
        }
        // A session without end is not renewed.
        for _ in 0..2 {
            let next = groups(&mut stream).await;
            answer(&mut stream, next, &no_groups(0)).await;
        }
        let _ = stream.read_u8().await;
    })
    .await;
    let connection = open(&address, Some(plain())).await.unwrap();
    let began = Instant::now();
    for _ in 0..4 {
        sleep(Duration::from_millis(5)).await;
        list(&connection).await.unwrap();
    }
    assert!(began.elapsed() >= Duration::from_secs(1) && began.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn frames_are_small_while_a_session_is_renewed_and_large_again_after_it() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        admit(&mut stream, 50).await;
        admit(&mut stream, 1_200).await;
        let first = groups(&mut stream).await;
        let topics = vec![0; 3 << 20];
        answer(&mut stream, first, &topics).await;
        let _ = request(&mut stream).await;
        stream.write_all(&(3_i32 << 20).to_be_bytes()).await.unwrap();
        let _ = stream.read_u8().await;
    })
    .await;
    let connection = open(&address, Some(plain())).await.unwrap();
    sleep(Duration::from_millis(60)).await;
    let error = list(&connection).await.unwrap_err();
    assert!(matches!(&error, ConnectionError::Wire { .. }), "it came whole: {error:?}");
    sleep(Duration::from_millis(1_050)).await;
    let error = list(&connection).await.unwrap_err();
    assert!(matches!(&error, ConnectionError::Lost { reason: Poison::Oversize { .. }, .. }), "{error:?}");
}

#[tokio::test]
async fn in_a_short_session_requests_go_one_by_one() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        admit(&mut stream, 5_000).await;
        for _ in 0..3 {
            let next = groups(&mut stream).await;
            let early = tokio::time::timeout(Duration::from_millis(100), stream.read_u8()).await;
            assert!(early.is_err(), "one more was sent");
            // The pause that this answer asks for is known before the next request goes out.
            answer(&mut stream, next, &no_groups(200)).await;
            let early = tokio::time::timeout(Duration::from_millis(150), stream.read_u8()).await;
            assert!(early.is_err(), "it was sent into a pause");
        }
        let _ = stream.read_u8().await;
    })
    .await;
    let connection = open(&address, Some(plain())).await.unwrap();
    let (one, two, three) = tokio::join!(list(&connection), list(&connection), list(&connection));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
}
