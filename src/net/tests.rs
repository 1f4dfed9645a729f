//! One connection against a scripted peer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{InitProducerIdRequest, ListGroupsRequest};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use super::{Connection, ConnectionError, DialError, Opening, Poison};
use crate::model::{Classify, ErrorClass};
use crate::security::Security;

const PATIENCE: Duration = Duration::from_millis(600);

/// Listens, and lets `script` deal with the first connection.
pub(super) async fn peer<F, Script>(script: F) -> String
where
    F: FnOnce(TcpStream) -> Script + Send + 'static,
    Script: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script(stream).await;
    });
    address
}

async fn open(address: &str) -> Result<Connection, ConnectionError> {
    Connection::open(Opening {
        address,
        client_id: "test",
        security: &Security::default(),
        patience: PATIENCE,
        frame_limit: 10_000,
    })
    .await
}

/// Key, version, correlation id of the next request, and its bytes after them.
pub(super) async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<(i16, i16, i32, Vec<u8>)> {
    let size = stream.read_i32().await.ok()?;
    let mut body = vec![0; size as usize];
    stream.read_exact(&mut body).await.ok()?;
    let number = |at: usize| i16::from_be_bytes([body[at], body[at + 1]]);
    let correlation = i32::from_be_bytes(body[4..8].try_into().unwrap());
    Some((number(0), number(2), correlation, body[8..].to_vec()))
}

pub(super) async fn answer(stream: &mut (impl AsyncWrite + Unpin), correlation: i32, body: &[u8]) {
    let mut frame = BytesMut::new();
    frame.put_i32(4 + body.len() as i32);
    frame.put_i32(correlation);
    frame.put_slice(body);
    // Who minds what it was shown before may be gone.
    if stream.write_all(&frame).await.is_ok() {
        let _ = stream.flush().await;
    }
}

/// Offers `ListGroups` v1 and `InitProducerId` v0.
pub(super) async fn greet(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let Some((key, version, correlation, _)) = request(stream).await else { return };
    assert_eq!((key, version), (18, 3));
    let mut body = BytesMut::new();
    body.put_i16(0);
    body.put_u8(3);
    for (key, least, most) in [(16, 0, 1), (22, 0, 0)] {
        body.put_i16(key);
        body.put_i16(least);
        body.put_i16(most);
        body.put_u8(0);
    }
    body.put_i32(0);
    body.put_u8(0);
    answer(stream, correlation, &body).await;
}

/// A `ListGroups` v1 answer without groups.
pub(super) fn no_groups(throttle_ms: i32) -> Vec<u8> {
    [&throttle_ms.to_be_bytes()[..], &[0, 0, 0, 0, 0, 0]].concat()
}

async fn list(connection: &Connection, patience: Duration) -> Result<usize, ConnectionError> {
    connection.call(&ListGroupsRequest::default(), patience).await.map(|answer| answer.groups.len())
}

#[tokio::test]
async fn answers_find_their_requests_in_any_order() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        let first = request(&mut stream).await.unwrap();
        let second = request(&mut stream).await.unwrap();
        let identity = [&[0; 6][..], &77_i64.to_be_bytes(), &[0, 1]].concat();
        for (key, _, correlation, _) in [second, first] {
            let body = if key == 16 { no_groups(0) } else { identity.clone() };
            answer(&mut stream, correlation, &body).await;
        }
        let _ = stream.read_u8().await;
    })
    .await;
    let connection = open(&address).await.unwrap();
    let request = InitProducerIdRequest::default();
    let (groups, identity) = tokio::join!(list(&connection, PATIENCE), connection.call(&request, PATIENCE));
    assert_eq!(groups.unwrap(), 0);
    assert_eq!(identity.unwrap().producer_id.0, 77);
}

/// As a proxy does that has nobody behind it, and a listener that minds everything but the first request.
#[tokio::test]
async fn a_peer_that_closes_every_connection_is_not_asked_for_ever() {
    for greets in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                if greets {
                    greet(&mut stream).await;
                    request(&mut stream).await;
                }
            }
        });
        let closed = match open(&address).await {
            Ok(connection) => list(&connection, PATIENCE).await.unwrap_err(),
            Err(error) => error,
        };
        let handshake = matches!(closed, ConnectionError::Handshake { reason: Poison::Closed, .. });
        let lost = matches!(closed, ConnectionError::Lost { reason: Poison::Closed, .. });
        assert!(if greets { lost } else { handshake }, "{closed}");
        assert_eq!(accepted.load(Ordering::Relaxed), if greets { 2 } else { 1 });
    }
}

#[tokio::test]
async fn peers_that_are_not_kafka_are_called_by_what_they_say() {
    let http = peer(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n").await.unwrap();
        sleep(PATIENCE).await;
    })
    .await;
    let error = open(&http).await.unwrap_err();
    let expected =
        format!("the peer at {http} answered with \"HTTP/1.1 400 Bad Request\": this is not a Kafka listener");
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.class(), ErrorClass::Reject);

    let tls = peer(|mut stream| async move {
        stream.write_all(&[0x15, 3, 3, 0, 2, 2, 80]).await.unwrap();
        sleep(PATIENCE).await;
    })
    .await;
    assert!(matches!(open(&tls).await, Err(ConnectionError::SpeaksTls { .. })));

    let silent = peer(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    assert!(matches!(open(&silent).await, Err(ConnectionError::Handshake { reason: Poison::Stuck { .. }, .. })));

    let shut = peer(|stream| async move { drop(stream) }).await;
    assert!(matches!(open(&shut).await, Err(ConnectionError::Handshake { reason: Poison::Closed, .. })));
}

#[tokio::test]
async fn nobody_listening_is_told_with_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = open(&address).await.unwrap_err();
    assert!(matches!(&error, ConnectionError::Dial { source: DialError::Connect(_), .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("no connection to {address}"));
    assert!(!error.may_have_arrived());
}

#[tokio::test]
async fn a_broker_of_before_2_4_is_asked_again_in_version_0() {
    let address = peer(|mut stream| async move {
        let (_, version, correlation, _) = request(&mut stream).await.unwrap();
        assert_eq!(version, 3);
        answer(&mut stream, correlation, &[0, 35, 0, 0, 0, 0]).await;
        let (_, version, correlation, body) = request(&mut stream).await.unwrap();
        assert_eq!(version, 0);
        assert_eq!(body, b"\0\x04test", "header v1, empty body");
        answer(&mut stream, correlation, &[0, 0, 0, 0, 0, 1, 0, 16, 0, 0, 0, 2]).await;
        let _ = stream.read_u8().await;
    })
    .await;
    let connection = open(&address).await.unwrap();
    assert!(connection.versions().has(&<ListGroupsRequest as crate::wire::Exchange>::API, 2));
}

#[tokio::test]
async fn a_request_without_answer_ends_the_connection_for_all_who_wait() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let connection = open(&address).await.unwrap();
    let short = list(&connection, Duration::from_millis(50));
    let long = list(&connection, Duration::from_secs(60));
    let (short, long) = tokio::join!(short, long);
    let short = short.unwrap_err();
    assert!(matches!(short, ConnectionError::TimedOut { sent: true, .. }), "{short:?}");
    let long = long.unwrap_err();
    assert!(
        matches!(&long, ConnectionError::Lost { sent: true, reason: Poison::Stuck { api: "ListGroups", .. }, .. }),
        "{long:?}"
    );
    assert!(!connection.is_usable());
    let late = list(&connection, PATIENCE).await.unwrap_err();
    assert!(matches!(&late, ConnectionError::Lost { sent: false, .. }), "{late:?}");
}

#[tokio::test]
async fn a_closed_connection_tells_who_waits_and_who_comes_later() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        let _ = request(&mut stream).await;
    })
    .await;
    let connection = open(&address).await.unwrap();
    let lost = list(&connection, PATIENCE).await.unwrap_err();
    assert!(matches!(&lost, ConnectionError::Lost { sent: true, reason: Poison::Closed, .. }), "{lost:?}");
    assert!(lost.class().is_retriable());
    let late = list(&connection, PATIENCE).await.unwrap_err();
    assert!(matches!(&late, ConnectionError::Lost { sent: false, .. }), "{late:?}");
}

#[tokio::test]
async fn frames_that_are_too_large_or_belong_to_nobody_end_the_connection() {
    for (bytes, oversize) in [([0, 1, 0, 0, 0, 0, 0, 0], true), ([0, 0, 0, 4, 0, 0, 0x30, 0], false)] {
        let address = peer(move |mut stream| async move {
            greet(&mut stream).await;
            let _ = request(&mut stream).await;
            stream.write_all(&bytes).await.unwrap();
            let _ = stream.read_u8().await;
        })
        .await;
        let connection = open(&address).await.unwrap();
        let error = list(&connection, PATIENCE).await.unwrap_err();
        let ConnectionError::Lost { reason, sent: true, .. } = &error else { panic!("{error:?}") };
        match reason {
            Poison::Oversize { size: 65_536, limit: 10_000 } => assert!(oversize),
            Poison::Correlation(0x3000) => assert!(!oversize),
            other => panic!("{other:?}"),
        }
        assert_eq!(error.class(), ErrorClass::Corrupt);
    }
}

#[tokio::test]
async fn a_call_given_up_in_the_queue_is_never_sent_and_throttling_is_honoured() {
    let address = peer(|mut stream| async move {
        greet(&mut stream).await;
        let (_, _, correlation, _) = request(&mut stream).await.unwrap();
        answer(&mut stream, correlation, &no_groups(300)).await;
        // The next request to come is the third one made.
        let (key, _, correlation, _) = request(&mut stream).await.unwrap();
        assert_eq!(key, 16);
        answer(&mut stream, correlation, &no_groups(0)).await;
        assert!(request(&mut stream).await.is_none());
    })
    .await;
    let connection = open(&address).await.unwrap();
    list(&connection, PATIENCE).await.unwrap();
    let began = Instant::now();
    let unwanted = InitProducerIdRequest::default();
    let given_up = tokio::time::timeout(Duration::from_millis(50), connection.call(&unwanted, PATIENCE));
    assert!(given_up.await.is_err(), "the connection is muted");
    // The time allowed is shorter than the silence asked for: it does not run meanwhile.
    list(&connection, Duration::from_millis(150)).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(250));
}

#[tokio::test]
async fn large_frames_come_whole_and_their_memory_is_used_again() {
    let size = 200_000;
    let address = peer(move |mut stream| async move {
        greet(&mut stream).await;
        while let Some((_, _, correlation, _)) = request(&mut stream).await {
            let body: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
            answer(&mut stream, correlation, &body).await;
        }
    })
    .await;
    let opening = Opening {
        address: &address,
        client_id: "test",
        security: &Security::default(),
        patience: PATIENCE,
        frame_limit: 1 << 20,
    };
    let connection = Connection::open(opening).await.unwrap();
    let mut places = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let correlation = connection.next_correlation();
        let mut frame = BytesMut::new();
        for number in [8, 0] {
            frame.put_i32(number);
        }
        frame.put_i32(correlation);
        let pieces: Vec<Bytes> = vec![frame.split_to(5).freeze(), frame.freeze()];
        let answer = connection.exchange("Test", correlation, pieces, Duration::from_secs(5)).await.unwrap();
        assert_eq!(answer.len(), size + 4);
        assert!(answer[4..].iter().enumerate().all(|(index, byte)| *byte == (index % 251) as u8));
        places.insert(answer.as_ptr() as usize);
    }
    assert!(places.len() <= 4, "{} different buffers", places.len());
}
