//! Signing in against a scripted broker.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::ListGroupsRequest;
use tokio::net::TcpStream;

use super::tests::{answer, no_groups, peer, request};
use super::{AuthenticationError, Connection, ConnectionError, Opening};
use crate::model::{Classify, ErrorClass, Secret, describe};
use crate::security::Security;
use crate::security::sasl::{Mechanism, SaslSettings};
use crate::wire::ErrorCode;

const PATIENCE: Duration = Duration::from_secs(2);

fn plain() -> Mechanism {
    Mechanism::Plain { username: "alice".to_owned(), password: Secret::new("hunter2") }
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
