//! A repository that is worth pruning: many snapshots of a log that grew between them, in small segments.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, OnceLock};

use ktape::repository::Repository;
use ktape::store::{LocalStore, Store};
use protocol_tests::tools::{Launch, PERF_PRODUCER};

use crate::faults::{cluster, content};

/// Snapshots, each with a little more in every partition.
const SNAPSHOTS: usize = 10;

/// Digests of the plain bytes of partitions.
pub(super) type Partitions = BTreeMap<(String, i32), String>;
/// What snapshots hold, by their number.
pub(super) type Shown = BTreeMap<u64, Partitions>;

/// The repository, made once.
pub(super) struct Saved {
    /// Its objects, for copies.
    pub(super) objects: BTreeMap<String, Vec<u8>>,
    /// What its snapshots hold.
    pub(super) shown: Shown,
}

impl Saved {
    pub(super) fn get() -> &'static Self {
        static SAVED: OnceLock<Saved> = OnceLock::new();
        SAVED.get_or_init(|| {
            let cluster = cluster();
            let tools = cluster.tools();
            tools.load(&["topic:kept:4"]).unwrap();
            let size = ["--num-records", "10000000", "--throughput", "700", "--record-size", "1000"];
            let batches = ["--command-property", "batch.size=16384", "linger.ms=5"];
            let to = ["--bootstrap-server", tools.bootstrap(), "--topic", "kept"];
            let args = [&to[..], &size, &batches].concat();
            let growing = tools.start(PERF_PRODUCER, &args, &Launch::default()).unwrap();
            let repository = crate::faults::Repository::init();
            let mut grown = 0;
            while grown < SNAPSHOTS {
                let report = repository.backup(cluster.bootstrap(), &["--topics", "kept", "--json"]).exits(0).report();
                grown += usize::from(report["totals"]["new_bytes"].as_u64() > Some(0));
            }
            drop(growing);
            repository.verify().exits(0);
            let shown = shown(Arc::new(LocalStore::new(repository.path())));
            Self { objects: content(repository.path()), shown }
        })
    }
}

/// Reads every snapshot whole.
pub(super) fn shown(store: Arc<dyn Store>) -> Shown {
    let opened = Repository::open_in(store).unwrap();
    let mut shown = Shown::new();
    for number in opened.snapshots().unwrap() {
        let mut partitions = Partitions::new();
        for topic in opened.topics(&opened.head(number).unwrap().head).unwrap() {
            let topic = topic.unwrap();
            for partition in &topic.partitions {
                let mut digest = blake3::Hasher::new();
                for seal in opened.seals(&partition.segments) {
                    let mut bytes = Vec::new();
                    opened.read_plain(&seal.unwrap(), 0).unwrap().read_to_end(&mut bytes).unwrap();
                    digest.update(&bytes);
                }
                let at = (topic.name.as_str().to_owned(), partition.partition);
                partitions.insert(at, digest.finalize().to_hex().to_string());
            }
        }
        shown.insert(number, partitions);
    }
    shown
}
