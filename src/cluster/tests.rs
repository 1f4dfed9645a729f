//! A cluster of scripted brokers that speak a few old versions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Cluster, ClusterError, ClusterOptions, ErrorCode, OffsetSpec, Policy};
use crate::model::{Classify, ErrorClass, TopicName, TopicPartition};

const METADATA: i16 = 3;
const LIST_OFFSETS: i16 = 2;
const VERSIONS: i16 = 18;

/// What a scripted broker does; shared with the test, which changes it as it goes.
#[derive(Default)]
struct Script {
    /// `host:port` that each broker advertises.
    advertised: Vec<(i32, String)>,
    /// Node id of the only partition's leader.
    leader: i32,
    /// Requests seen: (node, key).
    seen: Vec<(i32, i16)>,
    /// Close the connection once this many more requests were answered.
    close_after: Option<usize>,
}

type Shared = Arc<Mutex<Script>>;

async fn broker(node: i32, script: &Shared) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let script = Arc::clone(script);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(node, stream, Arc::clone(&script)));
        }
    });
    address
}

async fn serve(node: i32, mut stream: TcpStream, script: Shared) {
    while let Ok(size) = stream.read_i32().await {
        let mut request = vec![0; size as usize];
        stream.read_exact(&mut request).await.unwrap();
        let key = i16::from_be_bytes([request[0], request[1]]);
        let mut body = BytesMut::new();
        let close = {
            let mut script = script.lock().unwrap();
            script.seen.push((node, key));
            match key {
                VERSIONS => versions(&mut body),
                METADATA => metadata(&mut body, &script),
                _ => offset(&mut body, if script.leader == node { 0 } else { 6 }),
            }
            let left = script.close_after.map(|left| left.saturating_sub(1));
            script.close_after = left.filter(|left| *left > 0);
            left == Some(0)
        };
        let mut frame = BytesMut::new();
        frame.put_i32(4 + body.len() as i32);
        frame.put_slice(&request[4..8]);
        frame.put_slice(&body);
        stream.write_all(&frame).await.unwrap();
        if close {
            return;
        }
    }
}

fn text(body: &mut BytesMut, text: &str) {
    body.put_i16(text.len() as i16);
    body.put_slice(text.as_bytes());
}

fn versions(body: &mut BytesMut) {
    body.put_i16(0);
    body.put_u8(3);
    for (key, most) in [(METADATA, 4), (LIST_OFFSETS, 2)] {
        body.put_i16(key);
        body.put_i16(0);
        body.put_i16(most);
        body.put_u8(0);
    }
    body.put_i32(0);
    body.put_u8(0);
}

/// Metadata v4 with one topic of one partition.
fn metadata(body: &mut BytesMut, script: &Script) {
    body.put_i32(0);
    body.put_i32(script.advertised.len() as i32);
    for (node, address) in &script.advertised {
        let (host, port) = address.rsplit_once(':').unwrap();
        body.put_i32(*node);
        text(body, host);
        body.put_i32(port.parse().unwrap());
        body.put_i16(-1);
    }
    text(body, "the-cluster");
    body.put_i32(1);
    body.put_i32(1);
    body.put_i16(0);
    text(body, "alpha");
    body.put_u8(0);
    body.put_i32(1);
    body.put_i16(0);
    body.put_i32(0);
    body.put_i32(script.leader);
    for _ in 0..2 {
        body.put_i32(1);
        body.put_i32(script.leader);
    }
}

/// `ListOffsets` v2 for that partition.
fn offset(body: &mut BytesMut, error: i16) {
    body.put_i32(0);
    body.put_i32(1);
    text(body, "alpha");
    body.put_i32(1);
    body.put_i32(0);
    body.put_i16(error);
    body.put_i64(-1);
    body.put_i64(if error == 0 { 42 } else { -1 });
}

fn options(bootstrap: &str) -> ClusterOptions {
    let retry = Policy {
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(20),
        budget: Duration::from_secs(3),
        ..Policy::default()
    };
    let patience = Duration::from_secs(2);
    ClusterOptions { retry, request_timeout: patience, connect_timeout: patience, ..ClusterOptions::new([bootstrap]) }
}

fn alpha() -> TopicPartition {
    TopicPartition::new(TopicName::new("alpha").unwrap(), 0)
}

async fn end_of_alpha(cluster: &Cluster) -> Result<i64, ClusterError> {
    let mut answers = cluster.list_offsets(&[alpha()], OffsetSpec::HighWatermark).await?;
    answers.pop().unwrap().1.map(|found| found.offset)
}

fn count(script: &Shared, node: i32, key: i16) -> usize {
    script.lock().unwrap().seen.iter().filter(|seen| **seen == (node, key)).count()
}

/// Two brokers, the first of which leads.
async fn two_brokers() -> (Shared, Cluster) {
    let script = Shared::default();
    let first = broker(1, &script).await;
    let second = broker(2, &script).await;
    {
        let mut script = script.lock().unwrap();
        script.advertised = vec![(1, first.clone()), (2, second)];
        script.leader = 1;
    }
    let cluster = Cluster::connect(options(&first)).await.unwrap();
    (script, cluster)
}

#[tokio::test]
async fn a_leader_that_moved_is_found_again() {
    let (script, cluster) = two_brokers().await;
    assert_eq!(cluster.cluster_id(), "the-cluster");
    assert_eq!(end_of_alpha(&cluster).await.unwrap(), 42);
    script.lock().unwrap().leader = 2;
    let before = cluster.metadata().await.unwrap().generation;
    assert_eq!(end_of_alpha(&cluster).await.unwrap(), 42);
    assert_eq!(cluster.metadata().await.unwrap().generation, before + 1);
    assert_eq!(count(&script, 2, LIST_OFFSETS), 1);
}

#[tokio::test]
async fn a_generation_is_read_once_however_many_ask_for_it() {
    let (script, cluster) = two_brokers().await;
    let stale = cluster.metadata().await.unwrap();
    let before = count(&script, 1, METADATA) + count(&script, 2, METADATA);
    let (a, b, c) = tokio::join!(cluster.refresh(&stale), cluster.refresh(&stale), cluster.refresh(&stale));
    let generations: Vec<u64> = [a, b, c].into_iter().map(|metadata| metadata.unwrap().generation).collect();
    assert_eq!(generations, [stale.generation + 1; 3]);
    assert_eq!(count(&script, 1, METADATA) + count(&script, 2, METADATA), before + 1);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_opened_again_without_a_word() {
    let (script, cluster) = two_brokers().await;
    assert_eq!(end_of_alpha(&cluster).await.unwrap(), 42);
    script.lock().unwrap().close_after = Some(1);
    assert_eq!(end_of_alpha(&cluster).await.unwrap(), 42);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(end_of_alpha(&cluster).await.unwrap(), 42);
}

#[tokio::test]
async fn an_advertised_address_that_does_not_answer_is_named_and_can_be_overridden() {
    let script = Shared::default();
    let reachable = broker(1, &script).await;
    let vacant = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    {
        let mut script = script.lock().unwrap();
        script.advertised = vec![(1, vacant.clone())];
        script.leader = 1;
    }
    let error = Cluster::connect(options(&reachable)).await.unwrap_err();
    assert_eq!(error.to_string(), format!("broker 1 advertises {vacant}, which does not answer from here"));

    let overridden = ClusterOptions { broker_address: HashMap::from([(1, reachable.clone())]), ..options(&reachable) };
    let cluster = Cluster::connect(overridden).await.unwrap();
    assert_eq!(end_of_alpha(&cluster).await.unwrap(), 42);
    assert_eq!(cluster.data_connection(1).await.unwrap().node_id(), 1);

    let wrong = ClusterOptions { broker_address: HashMap::from([(1, vacant.clone())]), ..options(&reachable) };
    let error = Cluster::connect(wrong).await.unwrap_err();
    assert_eq!(error.to_string(), format!("broker 1 does not answer at {vacant}, the address given for it"));
}

#[tokio::test]
async fn bootstrap_tries_every_address_and_tells_about_each() {
    let script = Shared::default();
    let reachable = broker(1, &script).await;
    {
        let mut script = script.lock().unwrap();
        script.advertised = vec![(1, reachable.clone())];
        script.leader = 1;
    }
    let vacant = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let mut both = options(&vacant);
    both.bootstrap.push(reachable);
    assert!(Cluster::connect(both).await.is_ok());

    let error = Cluster::connect(options("no-port")).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Reject);
    let expected =
        "no bootstrap server answered: no connection to no-port: this is not an address of the form HOST:PORT";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn partitions_that_do_not_exist_and_offers_that_are_missing_are_told() {
    let (script, cluster) = two_brokers().await;
    let beta = TopicPartition::new(TopicName::new("beta").unwrap(), 0);
    let answers = cluster.list_offsets(&[beta.clone(), alpha()], OffsetSpec::LastStable).await.unwrap();
    let beta = answers.iter().find(|(partition, _)| *partition == beta).unwrap();
    let error = beta.1.as_ref().unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION), "the budget is shorter than the wait");
    assert!(answers.iter().any(|(partition, found)| *partition == alpha() && found.is_ok()));

    script.lock().unwrap().leader = -1;
    let stale = cluster.metadata().await.unwrap();
    cluster.refresh(&stale).await.unwrap();
    assert!(matches!(end_of_alpha(&cluster).await, Err(ClusterError::NoLeader(_))));

    let error = cluster.init_producer_id().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Reject);
    assert!(format!("{error:?}").contains("no version"), "{error:?}");
    assert!(!cluster.features().producer_ids);
    assert_eq!(cluster.epoch_ends(vec![]).await.len(), 0);
}
