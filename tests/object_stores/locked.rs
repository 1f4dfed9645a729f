//! A bucket that keeps every version and lets nobody delete: nothing of a backup's needs more.

use ktape::model::describe;
use ktape::store::{self, Key, LockOutcome, RemoteStore, Store, StoreErrorKind};

use crate::not_run::not_run;
use crate::store_contract::server;

/// The locked bucket, as the user who may read, write and list there, and nothing else.
pub(crate) fn appender() -> Option<(String, String, String)> {
    let location = server("KTAPE_TEST_S3_LOCKED")?;
    let user = std::env::var("KTAPE_TEST_S3_APPENDER").ok()?;
    let (key, secret) = user.split_once(':')?;
    Some((location, key.to_owned(), secret.to_owned()))
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

#[test]
fn all_but_deleting_works_where_nobody_may_delete() {
    let Some((location, id, secret)) = appender() else {
        return not_run("a user who may not delete", "KTAPE_TEST_S3_LOCKED and KTAPE_TEST_S3_APPENDER");
    };
    let store = RemoteStore::connect(&location, &move |name| match name {
        "AWS_ACCESS_KEY_ID" => Some(id.clone()),
        "AWS_SECRET_ACCESS_KEY" => Some(secret.clone()),
        _ => None,
    });
    let store = store.unwrap_or_else(|error| panic!("{}", describe(&error)));
    store.put_if_absent(&key("snapshots/1"), b"one").unwrap();
    assert!(store.put_if_absent(&key("snapshots/1"), b"two").unwrap_err().is_already_exists());
    let large = vec![7; 12 << 20];
    let mut writer = store.create(&key("topics/early")).unwrap();
    writer.write(&large).unwrap();
    let name = writer.publish(&key("topics/late")).unwrap();
    assert!(store.get(&name).unwrap() == large);
    let mut dropped = store.create(&key("topics/dropped")).unwrap();
    dropped.write(&large).unwrap();
    drop(dropped);
    for _ in 0..2 {
        assert!(matches!(store.lock(&key("locks/l"), b"me").unwrap(), LockOutcome::Held(_)));
    }
    let error = store.delete(&name).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::PermissionDenied, "{}", describe(&error));
    assert_eq!(store.list(None).unwrap().len(), 3);
}

#[test]
fn what_is_deleted_from_a_locked_bucket_is_gone_for_us_and_breaks_nothing() {
    let Some(location) = server("KTAPE_TEST_S3_LOCKED") else {
        return not_run("a bucket with object lock", "KTAPE_TEST_S3_LOCKED");
    };
    let store = store::at(&location).unwrap();
    let name = key("snapshots/1");
    store.put_if_absent(&name, b"one").unwrap();
    // A marker goes on top; the version below stays for as long as the lock says.
    store.delete(&name).unwrap();
    assert!(store.info(&name).unwrap().is_none());
    assert!(store.list(None).unwrap().is_empty());
    store.put_if_absent(&name, b"two").unwrap();
    assert!(store.put_if_absent(&name, b"six").unwrap_err().is_already_exists());
    assert_eq!(store.get(&name).unwrap(), b"two");
}
