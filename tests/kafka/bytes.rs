//! What is stored of a partition, and what its replicas have, byte for byte.

use std::fs;
use std::path::PathBuf;

use protocol_tests::Cluster;

use super::Repository;

/// The segments of a replica, one after the other.
pub fn log_of(cluster: &Cluster, broker: usize, topic: &str, partition: i32) -> Vec<u8> {
    let folder = cluster.replica_folder(broker, topic, partition);
    let mut log: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    log.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    log.sort();
    log.iter().flat_map(|file| fs::read(file).unwrap()).collect()
}

/// What the newest snapshot, or one by number, names of a partition.
pub fn stored(repository: &Repository, snapshot: Option<u64>, topic: &str, partition: i32) -> Vec<u8> {
    let opened = ktape::repository::Repository::open(&repository.path().display().to_string()).unwrap();
    let snapshot = snapshot.map_or_else(|| opened.latest().unwrap().unwrap(), |number| opened.head(number).unwrap());
    let topics = opened.topics(&snapshot.head).unwrap().map(Result::unwrap);
    let found = topics.into_iter().find(|found| found.name.as_str() == topic).expect("the snapshot holds the topic");
    let state = &found.partitions[partition as usize];
    let seals = opened.seals(&state.segments).map(Result::unwrap);
    seals.flat_map(|seal| fs::read(repository.path().join(seal.object)).unwrap()).collect()
}

/// The newest snapshot holds all that a replica has, and nothing else.
#[track_caller]
pub fn assert_verbatim(cluster: &Cluster, broker: usize, repository: &Repository, topic: &str, partition: i32) {
    let (log, kept) = (log_of(cluster, broker, topic, partition), stored(repository, None, topic, partition));
    assert!(!log.is_empty() && log == kept, "{topic}-{partition}: {} bytes of {}", kept.len(), log.len());
}
