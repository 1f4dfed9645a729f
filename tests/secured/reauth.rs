//! Brokers that want the proof anew every few seconds, in the middle of a backup and of a restore (KIP-368).

use std::cell::Cell;

use protocol_tests::judge::{Isolation, contents};
use protocol_tests::secured::{Listener, Login};
use serde_json::Value;

use super::{client_with, cluster};
use crate::kafka::Repository;
use crate::kafka::watched::Watched;

const AGAIN: &str = "signed in again on the same connection";

fn quota(key: &str, rate: &str, client: &str) {
    cluster().desk().step(&format!("quota:{key}:{rate}:{client}")).unwrap();
}

/// Runs a verb so slowly that its sessions end meanwhile, until it has signed in again on one connection several times;
/// then lets it end at full speed.
#[track_caller]
fn slow(repository: &Repository, verb: &str, (key, rate): (&str, &str), login: &Login, flags: &[&str]) {
    let client = format!("reauth-{verb}-{}", flags.len());
    let config = client_with(Listener::Reauth, login, &format!("client.id={client}"));
    quota(key, rate, &client);
    let config = config.display().to_string();
    let mut run = Watched::start_alone(repository, verb, &[&["--command-config", &config], flags].concat());
    // Whoever does not sign in again is thrown out, and has to connect anew.
    let lost = Cell::new(false);
    let again = |event: &Value| {
        lost.set(lost.get() || event.to_string().contains("was lost"));
        event["message"] == AGAIN
    };
    if !run.wait_for(3, again) {
        let ended = run.finish();
        panic!("{verb} ended before its sessions did, {:?}:\n{}", ended.code, ended.log);
    }
    quota(key, "none", &client);
    run.finish().exits(0);
    assert!(!lost.get(), "{verb}: a connection was lost");
}

#[test]
fn sessions_are_renewed_in_the_middle_of_a_backup_and_of_a_restore() {
    cluster().desk().step("bulk:reauth-data:2:4000:1000:none").unwrap();
    let repository = Repository::init();
    let selection = ["--topics", "reauth-data", "--exclude-groups", "*", "--fetch-bytes", "64KiB"];
    slow(&repository, "backup", ("consumer_byte_rate", "60000"), &Login::Scram512("admin"), &selection);
    let flags = ["--rename", "reauth-data=reauth-back", "--replication-factor", "1"];
    slow(&repository, "restore", ("producer_byte_rate", "150000"), &Login::OAuth("admin"), &flags);
    let shown = cluster().tools().read("reauth-.*", Isolation::ReadUncommitted).unwrap();
    let shown = contents(&shown);
    for partition in 0..2 {
        let of = |topic: &str| shown.get(&(topic.to_owned(), partition));
        assert!(of("reauth-data").is_some_and(|records| records.len() == 2_000), "{partition}");
        assert_eq!(of("reauth-data"), of("reauth-back"), "{partition}");
    }
}
