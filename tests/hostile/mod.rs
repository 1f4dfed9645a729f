//! Bytes that mean us no good, in every decoder that a network or a disk feeds: the committed corpus, every seed, and
//! both of them spoiled at random. `protocol-tests/fuzz` runs the same bodies under libFuzzer.

mod seeds;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ktape::cancel::Cancel;
use ktape::progress::Silent;
use ktape::repository::Repository;
use ktape::store::{Key, MemoryStore, Store};
use ktape::verify::{VerifyOptions, verify};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use targets::{Form, TARGETS, objects, target};

/// A body that takes longer than this hangs, also on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-tests/corpus").join(name)
}

/// Committed inputs of a target, with their names.
fn committed(name: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(files) = fs::read_dir(corpus(name)) else { return Vec::new() };
    let files = files.map(|file| file.unwrap().path());
    let mut inputs: Vec<_> = files
        .map(|file| (file.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&file).unwrap()))
        .collect();
    inputs.sort();
    inputs
}

fn inputs(name: &str) -> Vec<(String, Vec<u8>)> {
    let mut inputs = committed(name);
    inputs.extend(seeds::of(name));
    inputs
}

/// Runs a body and says which input it was, should it panic.
fn replay(name: &str, input: &str, bytes: &[u8]) {
    struct Named<'a>(&'a str, &'a str, &'a [u8]);
    impl Drop for Named<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let file = std::env::temp_dir().join(format!("hostile-{}-{}", self.0, std::process::id()));
                let _ = fs::write(&file, self.2);
                println!("target {}, input {:?}, written to {}", self.0, self.1, file.display());
            }
        }
    }
    let named = Named(name, input, bytes);
    let begun = Instant::now();
    target(name)(bytes);
    let took = begun.elapsed();
    assert!(took < PATIENCE, "{name}, {input}: {took:?}");
    drop(named);
}

#[test]
fn the_corpus_and_all_seeds_are_survived() {
    let (mut count, mut size) = (0, 0);
    for (name, _) in TARGETS {
        let mut inputs = inputs(name);
        assert!(!inputs.is_empty(), "nothing for {name}");
        if name == "repository" {
            // A seed changes nothing: they are all the same three repositories.
            let mut number = 0;
            inputs.retain(|(input, _)| {
                number += usize::from(input.starts_with(|c: char| c.is_ascii_uppercase()));
                !input.starts_with(|c: char| c.is_ascii_uppercase()) || number % 20 == 1
            });
        }
        for (input, bytes) in &inputs {
            replay(name, input, bytes);
        }
        count += inputs.len();
        size += committed(name).iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    }
    println!("{count} inputs, {size} bytes of them committed");
    assert!(size < 1 << 20, "the corpus is to stay small");
}

/// They were written once, and the formats must go on being read as they were.
#[test]
fn the_repositories_of_the_corpus_are_sound() {
    for form in Form::ALL {
        let store = MemoryStore::new();
        for (name, bytes) in objects(form) {
            store.put(&Key::new(name).unwrap(), &bytes).unwrap();
        }
        let repository = Repository::open_in(Arc::new(store)).unwrap();
        let report = verify(&repository, &VerifyOptions::default(), &Silent, &Cancel::new()).unwrap();
        assert!(report.is_sound(), "{form:?}: {:?}", report.damage);
        assert_eq!(report.snapshots, [1, 2], "{form:?}");
        assert!(report.segments > 20, "{form:?}: {} segments", report.segments);
    }
}

/// For `.ci/fuzz`, which begins with the seeds.
#[test]
fn seeds_are_written_out_where_somebody_asks() {
    let folder = std::env::var_os("KTAPE_SEEDS").map(PathBuf::from);
    let scratch = tempfile::tempdir().unwrap();
    let folder = folder.as_deref().unwrap_or(scratch.path());
    for (name, _) in TARGETS {
        let seeds = seeds::of(name);
        fs::create_dir_all(folder.join(name)).unwrap();
        for (number, (_, mut bytes)) in seeds.clone().into_iter().enumerate() {
            // One use each: all of them take too long for a fuzzer.
            if name == "repository" {
                bytes[0] |= (number as u8 % 5 + 1) << 3;
            }
            fs::write(folder.join(name).join(format!("seed-{number:04}")), bytes).unwrap();
        }
        assert_eq!(fs::read_dir(folder.join(name)).unwrap().count(), seeds.len());
    }
}

/// A way to spoil an input.
#[derive(Debug, Clone)]
enum Spoil {
    Set(Index, u8),
    Flip(Index, u8),
    Number(Index, i64, usize),
    Cut(Index),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    Splice(Index, Index, Index),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let extreme = prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        Just(-1),
        Just(0),
        Just(i64::from(i32::MAX)),
        Just(i64::from(i32::MIN)),
        any::<i64>()
    ];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Spoil::Set(at, byte)),
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        (any::<Index>(), extreme, prop_oneof![Just(2_usize), Just(4), Just(8), Just(0)])
            .prop_map(|(at, number, width)| Spoil::Number(at, number, width)),
        any::<Index>().prop_map(Spoil::Cut),
        (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Spoil::Remove(at, count)),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Spoil::Insert(at, bytes)),
        (any::<Index>(), any::<Index>(), any::<Index>()).prop_map(|(other, from, at)| Spoil::Splice(other, from, at)),
    ]
}

/// The input after that; `all` are its siblings.
fn spoiled(mut bytes: Vec<u8>, how: &Spoil, all: &[(String, Vec<u8>)]) -> Vec<u8> {
    if bytes.is_empty() {
        return bytes;
    }
    let length = bytes.len();
    match how {
        Spoil::Set(at, byte) => bytes[at.index(length)] = *byte,
        Spoil::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Spoil::Number(at, number, 0) => return with_digits(bytes, *at, *number),
        Spoil::Number(at, number, width) => {
            let at = at.index(length);
            for (place, byte) in bytes[at..].iter_mut().zip(&number.to_be_bytes()[8 - width..]) {
                *place = *byte;
            }
        }
        Spoil::Cut(at) => bytes.truncate(at.index(length)),
        Spoil::Remove(at, count) => drop(bytes.drain(at.index(length)..length.min(at.index(length) + count))),
        Spoil::Insert(at, more) => drop(bytes.splice(at.index(length)..at.index(length), more.iter().copied())),
        Spoil::Splice(other, from, at) => {
            let other = &all[other.index(all.len())].1;
            bytes.truncate(at.index(length));
            bytes.extend(&other[from.index(other.len() + 1).min(other.len())..]);
        }
    }
    bytes
}

/// Another number where digits stand, as in JSON.
fn with_digits(bytes: Vec<u8>, at: Index, number: i64) -> Vec<u8> {
    let numbers: Vec<usize> =
        (1..bytes.len()).filter(|at| bytes[*at].is_ascii_digit() && !bytes[at - 1].is_ascii_alphanumeric()).collect();
    if numbers.is_empty() {
        return bytes;
    }
    let from = numbers[at.index(numbers.len())];
    let to = (from..bytes.len()).find(|at| !bytes[*at].is_ascii_digit()).unwrap_or(bytes.len());
    [&bytes[..from], number.to_string().as_bytes(), &bytes[to..]].concat()
}

/// So many inputs, each spoiled one to three times. The same every time; `KTAPE_HOSTILE=20` goes on twenty times as far.
fn survives_spoiling(name: &str, cases: u32) {
    let times = std::env::var("KTAPE_HOSTILE").map_or(1, |times| times.parse().expect("a number"));
    let (all, cases) = (inputs(name), cases * times);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let ways = (any::<Index>(), prop::collection::vec(spoil(), 1..4));
    let survived = runner.run(&ways, |(input, ways)| {
        let (input, bytes) = &all[input.index(all.len())];
        let bytes = ways.iter().fold(bytes.clone(), |bytes, way| spoiled(bytes, way, &all));
        replay(name, input, &bytes);
        Ok(())
    });
    assert!(survived.is_ok(), "{name}: {}", survived.unwrap_err());
}

#[test]
fn spoiled_answers_are_survived() {
    survives_spoiling("answers", 6_000);
}

#[test]
fn spoiled_batches_are_survived() {
    survives_spoiling("batches", 1_500);
}

#[test]
fn spoiled_conversations_are_survived() {
    survives_spoiling("cluster", 300);
}

#[test]
fn spoiled_streams_are_survived() {
    survives_spoiling("decompress", 1_500);
}

#[test]
fn spoiled_properties_are_survived() {
    survives_spoiling("properties", 1_000);
}

#[test]
fn spoiled_repositories_are_survived() {
    survives_spoiling("repository", 120);
}

#[test]
fn spoiled_secrets_are_survived() {
    survives_spoiling("secrets", 300);
}

#[test]
fn spoiled_stores_are_survived() {
    survives_spoiling("stores", 150);
}
