//! A repository in which one object is somebody else's word: opened, verified, listed, shown, read, exported, copied, and
//! looked at by prune. The first byte says which of the corpus and which layer, the second which object; `0x40` in the
//! first adds a document of a program, `0x38` picks one of these uses, as all of them take a while.

use std::io;
use std::sync::{Arc, LazyLock};

use ktape::cancel::Cancel;
use ktape::copy::{self, CopyOptions};
use ktape::export::{self, ExportOptions};
use ktape::model::{OffsetRange, Secret, Timestamp, TopicName};
use ktape::progress::Silent;
use ktape::prune::{self, PruneOptions};
use ktape::repository::format::{PartitionState, Seal};
use ktape::repository::{AbortedIndex, Repository, Secrets, Snapshot};
use ktape::show::{ShowOptions, show};
use ktape::store::{Key, MemoryStore, Store};
use ktape::verify::{VerifyOptions, verify};

use super::objects::Form;
use super::render::{Layer, Original};

static ORIGINALS: LazyLock<[Original; 3]> = LazyLock::new(|| Form::ALL.map(Original::of));
/// Segments of a partition that are read one by one.
const SEGMENTS: usize = 24;

pub(super) fn run(data: &[u8]) {
    let [how, number, bytes @ ..] = data else { return };
    let form = usize::from(how & 3) % 3;
    let layer = if how & 4 == 4 { Layer::Plain } else { Layer::Stored };
    let store = if how & 0x40 == 0x40 {
        let store = ORIGINALS[form].with(0, Layer::Plain, b"{}");
        let digest = blake3::hash(bytes).to_hex();
        let document = [bytes, b"\n{\"digest\":\"", digest.as_bytes(), b"\"}\n"].concat();
        store.put(&Key::new("tool/0.1.0-07c82d0b/tool.json").unwrap(), &document).unwrap();
        store
    } else {
        ORIGINALS[form].with(usize::from(*number), layer, bytes)
    };
    exercise(store, how >> 3 & 7);
}

/// Everything that reads, or one of it.
fn exercise(store: MemoryStore, only: u8) {
    let Ok(repository) = Repository::open_in(Arc::new(store)) else { return };
    if repository.is_encrypted() {
        let identity = Secret::new(include_str!("identity.txt").trim());
        let _ = repository.unlock(&Secrets { identities: vec![identity], passphrase: None });
    }
    let uses: [fn(&Repository); 5] = [verified, shown, restores, looked_at_by_prune, copied];
    let some = uses.iter().enumerate().filter(|(at, _)| only == 0 || usize::from(only) % uses.len() == *at);
    some.for_each(|(_, used)| used(&repository));
}

fn verified(repository: &Repository) {
    let options = VerifyOptions { threads: 1, ..VerifyOptions::default() };
    let _ = verify(repository, &options, &Silent, &Cancel::new());
}

fn shown(repository: &Repository) {
    let _ = ktape::list::list(repository);
    for number in repository.snapshots().unwrap_or_default() {
        if let Ok(snapshot) = repository.head(number) {
            read(repository, &snapshot);
        }
    }
}

fn looked_at_by_prune(repository: &Repository) {
    let _ = prune::dry_run(repository, &PruneOptions::default(), &Silent, &Cancel::new());
}

fn copied(repository: &Repository) {
    let target = Repository::init_in(Arc::new(MemoryStore::new())).unwrap();
    let (options, cancel) = (CopyOptions::default(), Cancel::new());
    let context =
        copy::Context { source: repository, target: &target, options: &options, progress: &Silent, cancel: &cancel };
    let _ = copy::copy(context);
}

fn read(repository: &Repository, snapshot: &Snapshot) {
    let _ = show(repository, snapshot, &repository.restore_states(), &ShowOptions::default());
    let _ = repository.check_complete(&snapshot.head, |_, _| true);
    let Ok(topics) = repository.topics(&snapshot.head) else { return };
    for topic in topics.take(8) {
        let Ok(topic) = topic else { continue };
        let _ = export(repository, snapshot, topic.name);
        for partition in topic.partitions.iter().take(4) {
            let _ = times(repository, partition);
            for seal in repository.seals(&partition.segments).take(SEGMENTS) {
                let Ok(seal) = seal else { break };
                let _ = segment(repository, &seal, i64::MIN);
                let _ = segment(repository, &seal, seal.base.saturating_add(1));
            }
        }
    }
}

fn export(repository: &Repository, snapshot: &Snapshot, topic: TopicName) -> Option<()> {
    let options = ExportOptions::of(topic);
    let plan = export::plan(repository, snapshot, &options).ok()?;
    let cancel = Cancel::new();
    let context = export::Context { repository, options: &options, progress: &Silent, cancel: &cancel };
    export::execute(context, &plan, &mut io::sink()).ok().map(|_| ())
}

fn times(repository: &Repository, partition: &PartitionState) -> Option<()> {
    let (segments, time) = (&partition.segments, Timestamp(1_000_004));
    let _ = repository.observed_until(segments, Timestamp(4));
    let _ = AbortedIndex::up_to(repository, segments, partition.first.saturating_add(2));
    let keep = OffsetRange { base: partition.first, next: partition.next };
    let times = repository.record_times(segments, keep).ok()?;
    let _ = times.first_later_than(time);
    let _ = times.behind(partition.first.saturating_add(1), time);
    let _ = times.before(partition.next.saturating_sub(1));
    Some(())
}

fn segment(repository: &Repository, seal: &Seal, from: i64) -> Option<()> {
    let mut reader = repository.read_segment_from(seal, from).ok()?;
    let mut before = 0;
    while let Some(owned) = reader.next().ok()? {
        assert!(reader.position() > before, "every batch takes bytes");
        before = reader.position();
        owned.batch().unwrap();
    }
    Some(())
}

fn restores(repository: &Repository) {
    let states = repository.restore_states();
    for folder in states.all().unwrap_or_default() {
        let plan = folder.plan();
        let _ = (folder.topics(), folder.done(), folder.held());
        let topics = plan.map(|plan| plan.targets).unwrap_or_default();
        for topic in topics.into_iter().take(4) {
            let Ok(Some(map)) = folder.map(&topic, 0) else { continue };
            let mut positions = ktape::model::Positions::new([0, 2, 5, i64::MAX]);
            let mut before = i64::MIN;
            for piece in map.map_while(Result::ok) {
                assert!(piece.source >= before && piece.count > 0, "pieces ascend");
                before = piece.source + piece.count;
                positions.pass(piece);
            }
            positions.finish(before);
        }
    }
    for key in repository.store().list(Some(&Key::new("restores").unwrap())).unwrap() {
        let _ = if key.key.as_str().contains("/maps/") {
            repository.check_map(&key.key)
        } else {
            repository.check_restore_document(&key.key)
        };
    }
}

/// One input for every object of every repository, in both layers: nothing is changed in it.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (form, original) in ORIGINALS.iter().enumerate() {
        for (number, (name, stored, plain)) in original.contents().enumerate() {
            let name = format!("{:?} {name}", Form::ALL[form]);
            seeds.push((name.clone(), [&[form as u8, number as u8], stored].concat()));
            let plain = if plain.is_empty() && form == 0 { stored } else { plain };
            if !plain.is_empty() {
                seeds.push((format!("{name} plain"), [&[form as u8 | 4, number as u8], plain].concat()));
            }
        }
    }
    seeds
}
