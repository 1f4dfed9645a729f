//! A whole conversation: a broker on the loopback device that answers one request of [`Cluster`] with whatever the bytes
//! say. The first byte chooses the request, the second caps the versions that are offered; bit 7 of the first leaves even
//! the greeting to the bytes. Then come answers, each behind its length (two bytes).

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use ktape::cluster::{Cluster, ClusterOptions, ConfigScope, FetchLimits, FetchPartition, OffsetSpec, Policy};
use ktape::model::{GroupId, TopicId, TopicName, TopicPartition};
use ktape::wire::Cursor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Requests larger than this are none of ktape's.
const REQUEST_MAX: usize = 1 << 20;
const API_VERSIONS: i16 = 18;
const METADATA: i16 = 3;
/// Key, lowest and highest version offered of everything that is asked for. Metadata is answered in v12.
const OFFERED: [(i16, i16, i16); 31] = [
    (0, 3, 13),
    (1, 4, 17),
    (2, 1, 10),
    (METADATA, 12, 12),
    (8, 2, 9),
    (9, 2, 9),
    (10, 0, 6),
    (15, 0, 6),
    (16, 0, 5),
    (API_VERSIONS, 0, 3),
    (19, 2, 7),
    (20, 1, 6),
    (21, 0, 2),
    (22, 0, 5),
    (23, 0, 4),
    (27, 1, 1),
    (29, 1, 3),
    (30, 1, 3),
    (32, 1, 4),
    (35, 1, 4),
    (42, 0, 2),
    (44, 0, 1),
    (47, 0, 0),
    (48, 0, 1),
    (50, 0, 0),
    (55, 1, 2),
    (60, 0, 2),
    (61, 0, 0),
    (65, 0, 0),
    (66, 0, 2),
    (69, 0, 1),
];

/// A runtime and a listener; every thread has its own.
struct Place {
    runtime: Runtime,
    listener: Arc<TcpListener>,
    port: u16,
}

thread_local! {
    static PLACE: RefCell<Place> = RefCell::new(Place::new());
}

impl Place {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let first = 21_000 + (std::process::id() % 8_000) as u16;
        let bound = (first..first + 2_000).find_map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).ok());
        let listener = bound.expect("a port");
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let listener = runtime.block_on(async { TcpListener::from_std(listener).unwrap() });
        Self { runtime, listener: Arc::new(listener), port }
    }
}

pub(super) fn run(data: &[u8]) {
    let [how, cap, answers @ ..] = data else { return };
    let script = Script { canned: how & 0x80 == 0, cap: *cap, answers: cut(answers) };
    PLACE.with_borrow(|place| place.runtime.block_on(converse(place, script, how & 0x7f)));
}

fn cut(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (answer, rest) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes(*length))));
        answers.push(answer.to_vec());
        bytes = rest;
    }
    answers.reverse();
    answers
}

async fn converse(place: &Place, script: Script, request: u8) {
    let over = Arc::new(Notify::new());
    let server = tokio::spawn(serve(Arc::clone(&place.listener), place.port, script, Arc::clone(&over)));
    let options = ClusterOptions {
        request_timeout: Duration::from_secs(2),
        connect_timeout: Duration::from_secs(2),
        retry: Policy {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(1),
            ..Policy::once()
        },
        ..ClusterOptions::new([format!("127.0.0.1:{}", place.port)])
    };
    let asking = async {
        if let Ok(cluster) = Cluster::connect(options).await {
            ask(&cluster, request).await;
        }
    };
    tokio::select! {
        () = asking => {}
        // Whoever asks again has read all answers.
        () = over.notified() => {}
        // A broker may ask to be left alone for minutes.
        () = tokio::time::sleep(Duration::from_millis(200)) => {}
    }
    server.abort();
}

async fn ask(cluster: &Cluster, request: u8) {
    let topic = TopicName::new("orders").unwrap();
    let one = [TopicPartition { topic: topic.clone(), partition: 0 }];
    let groups = [GroupId::new("billing")];
    match request % 24 {
        0 => drop(cluster.list_groups().await),
        1 => drop(cluster.describe_groups(&groups).await),
        2 => drop(cluster.fetch_groups(&groups).await),
        3 => drop(cluster.fetch_group_offsets(&groups[0]).await),
        4 => drop(cluster.list_offsets(&one, OffsetSpec::LastStable).await),
        5 => drop(cluster.describe_topic_configs(&[topic]).await),
        6 => drop(cluster.describe_broker_configs(1).await),
        7 => drop(cluster.describe_acls().await),
        8 => drop(cluster.describe_quotas().await),
        9 => drop(cluster.describe_scram_users().await),
        10 => drop(cluster.list_transactions(&[]).await),
        11 => drop(cluster.describe_producers(&one).await),
        12 => drop(cluster.epoch_ends(vec![(one[0].clone(), 3)]).await),
        13 => drop(cluster.log_sizes(&one).await),
        14 => drop(cluster.topic_rights(&[topic]).await),
        15 => drop(cluster.cluster_operations().await),
        16 => drop(cluster.read_clock().await),
        17 => drop(cluster.survey().await),
        18 => drop(cluster.init_producer_id().await),
        19 => drop(cluster.list_config_scopes().await),
        20 => drop(cluster.describe_scopes(vec![ConfigScope::Group(groups[0].clone())]).await),
        21 => drop(cluster.group_operations(&groups).await),
        22 => drop(cluster.delete_topics(&[topic]).await),
        _ => fetch(cluster, topic).await,
    }
}

async fn fetch(cluster: &Cluster, topic: TopicName) {
    let Ok(connection) = cluster.data_connection(1).await else { return };
    let part = FetchPartition {
        topic,
        topic_id: TopicId([7; 16]),
        partition: 0,
        leader_epoch: 5,
        offset: 10,
        last_epoch: 5,
        max_bytes: 1 << 20,
    };
    let limits = FetchLimits { max_wait: Duration::from_millis(1), min_bytes: 1, max_bytes: 1 << 20 };
    drop(connection.fetch_committed(&[part], limits).await);
}

/// What the broker says.
struct Script {
    canned: bool,
    cap: u8,
    /// The next one last.
    answers: Vec<Vec<u8>>,
}

/// All connections at once, until it is aborted.
async fn serve(listener: Arc<TcpListener>, port: u16, mut script: Script, over: Arc<Notify>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                connections.spawn(next(stream));
            }
            asked = connections.join_next(), if !connections.is_empty() => {
                // Connections end; the others go on.
                let Some(Ok(Some((mut stream, (key, version, correlation))))) = asked else { continue };
                let Some(answer) = script.answer(key, version, port) else { return over.notify_one() };
                let length = (answer.len() as i32 + 4).to_be_bytes();
                let frame = [&length, &correlation[..], &answer].concat();
                if stream.write_all(&frame).await.is_ok() {
                    connections.spawn(next(stream));
                }
            }
        }
    }
}

/// The next request, and the connection that it came from.
async fn next(mut stream: TcpStream) -> Option<(TcpStream, (i16, i16, [u8; 4]))> {
    let request = request(&mut stream).await?;
    Some((stream, request))
}

async fn request(stream: &mut TcpStream) -> Option<(i16, i16, [u8; 4])> {
    let size = stream.read_i32().await.ok()?;
    let size = usize::try_from(size).ok().filter(|size| (8..REQUEST_MAX).contains(size))?;
    let mut frame = vec![0; size];
    stream.read_exact(&mut frame).await.ok()?;
    let mut cursor = Cursor::new(&frame);
    Some((cursor.i16().ok()?, cursor.i16().ok()?, frame[4..8].try_into().ok()?))
}

impl Script {
    fn answer(&mut self, key: i16, version: i16, port: u16) -> Option<Vec<u8>> {
        match key {
            API_VERSIONS if self.canned => Some(self.versions(version)),
            METADATA if self.canned => Some(metadata(port)),
            _ => self.answers.pop(),
        }
    }

    fn versions(&self, version: i16) -> Vec<u8> {
        let mut body = vec![0, 0];
        if version >= 3 {
            body.push(OFFERED.len() as u8 + 1);
        } else {
            body.extend((OFFERED.len() as i32).to_be_bytes());
        }
        for (key, least, most) in OFFERED {
            let most = most.min(least.max(i16::from(self.cap)));
            for number in [key, least, most] {
                body.extend(number.to_be_bytes());
            }
            if version >= 3 {
                body.push(0);
            }
        }
        body.extend([0; 4]);
        if version >= 3 {
            body.push(0);
        }
        body
    }
}

/// One broker, one topic with one partition, in v12.
fn metadata(port: u16) -> Vec<u8> {
    let mut body = vec![0, 0, 0, 0, 0]; // no tags, no throttling
    body.extend([2, 0, 0, 0, 1, 10]);
    body.extend(b"127.0.0.1");
    body.extend(i32::from(port).to_be_bytes());
    body.extend([0, 0, 2, b'c', 0, 0, 0, 1]); // no rack, cluster `c`, controller 1
    body.extend([2, 0, 0, 7]);
    body.extend(b"orders");
    body.extend([7; 16]);
    body.extend([0, 2]);
    body.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5]); // partition 0, leader 1, epoch 5
    body.extend([2, 0, 0, 0, 1, 2, 0, 0, 0, 1, 1, 0]);
    body.extend([0x80, 0, 0, 0, 0, 0]);
    body
}
