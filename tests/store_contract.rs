//! What every store promises, tried on each.
//!
//! Servers are named by environment variables, as locations: `KTAPE_TEST_S3=s3://bucket/prefix?endpoint=...`, the same over
//! TLS and in a bucket with object lock, and `KTAPE_TEST_AZURE=az://container/prefix?endpoint=...&account=...`, with their
//! credentials beside them, as `.ci/object-stores` sets them. Each test works below a prefix of its own. Without them
//! these tests say that they did not run.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up fails it")]

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::thread;

use ktape::store::{
    self, Fault, FaultyStore, Key, LocalStore, LockOutcome, MemoryStore, Operation, Store, StoreErrorKind,
};

use crate::not_run::not_run;

/// Environment variables that name servers.
const SERVERS: &[&str] = &["KTAPE_TEST_S3", "KTAPE_TEST_S3_TLS", "KTAPE_TEST_S3_LOCKED", "KTAPE_TEST_AZURE"];

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

/// Runs one promise against every store.
fn on_each(promise: impl Fn(&dyn Store) + Sync) {
    let folder = tempfile::tempdir().unwrap();
    promise(&LocalStore::new(folder.path().join("not/there/yet")));
    promise(&MemoryStore::new());
    promise(&FaultyStore::new(MemoryStore::new()));
    on_each_server(|store| promise(store));
}

/// Runs it against every server that is named, at the same time, in a place that nobody has used.
fn on_each_server(promise: impl Fn(&dyn Store) + Sync) {
    let (named, lacking): (Vec<&str>, Vec<&str>) = SERVERS.iter().partition(|name| std::env::var_os(name).is_some());
    if !lacking.is_empty() {
        let test = thread::current().name().unwrap_or("a promise").to_owned();
        not_run(&format!("{test} on {} kinds of servers", lacking.len()), &lacking.join(", "));
    }
    thread::scope(|scope| {
        for location in named.into_iter().filter_map(server) {
            let promise = &promise;
            scope.spawn(move || promise(store::at(&location).unwrap().as_ref()));
        }
    });
}

/// The location that a variable names, with a prefix of its own.
pub(crate) fn server(variable: &str) -> Option<String> {
    let location = std::env::var(variable).ok()?;
    let (place, options) = location.split_once('?').unwrap_or((&location, ""));
    Some(format!("{}/{}?{options}", place.trim_end_matches('/'), store::random_hex(16).unwrap()))
}

#[test]
fn what_was_put_is_there() {
    on_each(|store| {
        store.put(&key("a/b"), b"one").unwrap();
        store.put(&key("a/b"), b"two").unwrap();
        assert_eq!(store.get(&key("a/b")).unwrap(), b"two");
        assert_eq!(store.info(&key("a/b")).unwrap().unwrap().size, 3);
    });
}

#[test]
fn what_was_not_put_is_not_there() {
    on_each(|store| {
        assert_eq!(store.get(&key("a")).unwrap_err().kind, StoreErrorKind::NotFound);
        assert_eq!(store.read(&key("a/b"), 0).err().unwrap().kind, StoreErrorKind::NotFound);
        assert!(store.info(&key("a")).unwrap().is_none());
        assert!(store.list(None).unwrap().is_empty());
        assert!(store.children(Some(&key("a"))).unwrap().is_empty());
        store.delete(&key("a")).unwrap();
    });
}

#[test]
fn put_if_absent_leaves_what_is_there() {
    on_each(|store| {
        store.put_if_absent(&key("a/b"), b"one").unwrap();
        assert_eq!(store.put_if_absent(&key("a/b"), b"two").unwrap_err().kind, StoreErrorKind::AlreadyExists);
        assert_eq!(store.get(&key("a/b")).unwrap(), b"one");
        assert_eq!(store.list(None).unwrap().len(), 1);
    });
}

#[test]
fn one_of_many_wins_put_if_absent() {
    on_each(|store| {
        let wins = thread::scope(|scope| {
            let tries: Vec<_> = (0..8_u8)
                .map(|n| scope.spawn(move || store.put_if_absent(&key("x"), &[n]).is_ok().then_some(n)))
                .collect();
            tries.into_iter().filter_map(|thread| thread.join().unwrap()).collect::<Vec<u8>>()
        });
        assert_eq!(wins.len(), 1);
        assert_eq!(store.get(&key("x")).unwrap(), wins);
    });
}

#[test]
fn ranges_end_with_the_object() {
    on_each(|store| {
        store.put(&key("a"), b"0123456789").unwrap();
        assert_eq!(store.get_range(&key("a"), 2, 3).unwrap(), b"234");
        assert_eq!(store.get_range(&key("a"), 8, 30).unwrap(), b"89");
        assert_eq!(store.get_range(&key("a"), 20, 3).unwrap(), b"");
        let mut rest = Vec::new();
        store.read(&key("a"), 7).unwrap().read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"789");
    });
}

#[test]
fn a_writer_shows_nothing_before_it_publishes() {
    on_each(|store| {
        let mut writer = store.create(&key("topics/a/early")).unwrap();
        writer.write(b"one ").unwrap();
        writer.write(b"two").unwrap();
        assert!(store.list(Some(&key("topics"))).unwrap().is_empty());
        assert_eq!(writer.publish(&key("topics/a/0.log")).unwrap(), key("topics/a/0.log"));
        assert_eq!(store.get(&key("topics/a/0.log")).unwrap(), b"one two");
    });
}

#[test]
fn a_writer_refuses_a_taken_name_and_a_dropped_one_leaves_nothing() {
    on_each(|store| {
        store.put(&key("topics/a"), b"old").unwrap();
        let mut writer = store.create(&key("topics/a")).unwrap();
        writer.write(b"new").unwrap();
        assert_eq!(writer.publish(&key("topics/a")).unwrap_err().kind, StoreErrorKind::AlreadyExists);
        let mut writer = store.create(&key("topics/a")).unwrap();
        writer.write(b"half").unwrap();
        drop(writer);
        assert_eq!(store.get(&key("topics/a")).unwrap(), b"old");
        assert_eq!(store.list(None).unwrap().len(), 1);
    });
}

/// Bytes that differ everywhere, more than three parts of an upload.
fn large() -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..17_000_003).map(|_| next()).collect()
}

#[test]
fn a_large_object_is_written_and_read_as_it_comes() {
    let bytes = large();
    on_each(|store| {
        let mut writer = store.create(&key("topics/early")).unwrap();
        for piece in bytes.chunks(300_007) {
            writer.write(piece).unwrap();
        }
        assert!(store.list(Some(&key("topics"))).unwrap().is_empty(), "nothing shows before it is whole");
        let name = writer.publish(&key("topics/late")).unwrap();
        assert!(["topics/early", "topics/late"].contains(&name.as_str()));
        let listed = store.list(Some(&key("topics"))).unwrap();
        assert_eq!(listed.iter().map(|info| (&info.key, info.size)).collect::<Vec<_>>(), [(&name, bytes.len() as u64)]);
        let mut read = Vec::new();
        store.read(&name, 5).unwrap().read_to_end(&mut read).unwrap();
        assert!(read == bytes[5..], "what is read is not what was written");
        assert!(store.get_range(&name, 11_000_000, 70_000).unwrap() == bytes[11_000_000..11_070_000]);
        let mut first = [0; 10];
        store.read(&name, 0).unwrap().read_exact(&mut first).unwrap();
        assert_eq!(first, bytes[..10], "a reader may stop early");
        let mut again = store.create(&name).unwrap();
        again.write(&bytes).unwrap();
        assert_eq!(again.publish(&name).unwrap_err().kind, StoreErrorKind::AlreadyExists);
        assert!(store.get(&name).unwrap() == bytes, "a name once given never means other bytes");
        let mut dropped = store.create(&key("topics/dropped")).unwrap();
        dropped.write(&bytes).unwrap();
        drop(dropped);
        assert_eq!(store.list(None).unwrap().len(), 1);
    });
}

#[test]
fn whether_objects_can_be_written_is_found_out_without_a_trace() {
    on_each(|store| {
        store.try_writing(&key("snapshots/x"), b"some bytes").unwrap();
        assert!(store.list(None).unwrap().is_empty());
        assert!(store.info(&key("snapshots/x")).unwrap().is_none());
    });
}

#[test]
fn an_empty_object_is_one() {
    on_each(|store| {
        store.create(&key("a")).unwrap().publish(&key("a")).unwrap();
        assert_eq!(store.info(&key("a")).unwrap().unwrap().size, 0);
        assert_eq!(store.get(&key("a")).unwrap(), b"");
        assert_eq!(store.get_range(&key("a"), 0, 5).unwrap(), b"");
        let mut rest = Vec::new();
        store.read(&key("a"), 0).unwrap().read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
    });
}

#[test]
fn a_store_may_be_used_and_dropped_on_a_thread_of_a_runtime() {
    for location in SERVERS.iter().filter_map(|variable| server(variable)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = store::at(&location).unwrap();
            store.put(&key("a"), b"x").unwrap();
            assert_eq!(store.get_range(&key("a"), 0, 9).unwrap(), b"x");
            drop(store);
        });
    }
}

#[test]
fn a_lock_is_free_again_when_its_owner_stopped_writing_to_it() {
    on_each_server(|store| {
        store.put(&key("locks/l"), b"{\"host\":\"dead\"}\n{\"holder\":\"0\",\"beat\":7}\n").unwrap();
        let held = store.lock(&key("locks/l"), b"me").unwrap();
        assert!(matches!(held, LockOutcome::Held(_)));
    });
}

#[test]
fn listings_are_whole_and_in_order() {
    on_each(|store| {
        for name in ["b/2", "b/1/x", "a", "b/10", "bb/1"] {
            store.put(&key(name), name.as_bytes()).unwrap();
        }
        let names = |folder: Option<&Key>| -> Vec<String> {
            store.list(folder).unwrap().into_iter().map(|info| info.key.to_string()).collect()
        };
        assert_eq!(names(None), ["a", "b/1/x", "b/10", "b/2", "bb/1"]);
        assert_eq!(names(Some(&key("b"))), ["b/1/x", "b/10", "b/2"]);
        assert_eq!(store.children(Some(&key("b"))).unwrap(), ["1", "10", "2"]);
        store.delete(&key("b/1/x")).unwrap();
        assert_eq!(names(Some(&key("b"))), ["b/10", "b/2"]);
    });
}

#[test]
fn a_lock_is_held_by_one_and_names_its_owner() {
    on_each(|store| {
        let held = store.lock(&key("locks/l"), b"me").unwrap();
        match store.lock(&key("locks/l"), b"you").unwrap() {
            LockOutcome::Taken(owner) => assert_eq!(owner, b"me"),
            LockOutcome::Held(_) => panic!("two hold it"),
        }
        drop(held);
        assert!(matches!(store.lock(&key("locks/l"), b"you").unwrap(), LockOutcome::Held(_)));
    });
}

#[test]
fn a_full_disk_and_a_torn_write_say_so_and_publish_nothing() {
    let store = FaultyStore::new(MemoryStore::new());
    store.inject(Fault::FullAfter { bytes: 5 });
    store.put(&key("a"), b"12345").unwrap();
    assert_eq!(store.put(&key("b"), b"1").unwrap_err().kind, StoreErrorKind::NoSpace);
    store.heal();
    store.inject(Fault::TornWrite { nth: 2, bytes: 1 });
    let mut writer = store.create(&key("c")).unwrap();
    writer.write(b"one").unwrap();
    assert!(writer.write(b"two").is_err());
    drop(writer);
    store.inject(Fault::Fails { operation: Operation::Read, nth: 1, with: io::ErrorKind::PermissionDenied });
    assert_eq!(store.get(&key("a")).unwrap_err().kind, StoreErrorKind::PermissionDenied);
    store.inject(Fault::LostAnswer { operation: Operation::PutIfAbsent, nth: 1 });
    assert!(store.put_if_absent(&key("d"), b"there").is_err());
    assert_eq!(store.get(&key("d")).unwrap(), b"there");
    assert_eq!(store.list(None).unwrap().len(), 2);
}

#[test]
fn a_file_where_a_folder_should_be_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("topics"), "a file").unwrap();
    let store = LocalStore::new(folder.path());
    let error = store.put(&key("topics/a"), b"x").unwrap_err();
    assert!(error.to_string().ends_with("/topics/a"), "{error}");
    assert_eq!(error.key, "topics/a");
}

#[test]
fn a_folder_that_may_not_be_written_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let result = LocalStore::new(folder.path()).put(&key("a"), b"x");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // The super-user may write anyway.
    if let Err(error) = result {
        assert_eq!(error.kind, StoreErrorKind::PermissionDenied);
    }
}
