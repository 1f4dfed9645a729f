//! What the broker deleted is not named by later snapshots, and goes with the older ones.

use std::collections::BTreeSet;

use protocol_tests::desk::Desk;

use super::super::{Repository, target};
use super::told::{objects, prune, reported, seals, segments, snapshots, tell};

#[test]
fn what_the_broker_deleted_goes_when_no_snapshot_names_it() {
    let cluster = target();
    let desk = Desk::open(&cluster.tools()).unwrap();
    let repository = Repository::init();
    let selection = ["--topics", "expired-*", "--exclude-groups", "*"];
    let back_up = || {
        for codec in ["none", "lz4"] {
            desk.step(&format!("bulk:expired-{codec}:3:150:900:{codec}")).unwrap();
        }
        repository.back_up(cluster, &selection)
    };
    for _ in 0..8 {
        back_up();
    }
    // The same, with what expires and what does not in common objects.
    let merged = repository.copy();
    for _ in 0..2 {
        prune(&merged, &["--keep-last", "8", "--grace", "0s"]);
    }
    assert!(segments(&merged).len() * 2 < segments(&repository).len());
    // Of 400 records in each partition; the last stands in the middle of a segment.
    for (partition, offset) in [(0, 300), (1, 350), (2, 325)] {
        for codec in ["none", "lz4"] {
            desk.step(&format!("trim:expired-{codec}:{partition}:{offset}")).unwrap();
        }
    }
    for repository in [&repository, &merged] {
        let report = repository.back_up(cluster, &selection);
        assert_eq!(report["fetched_bytes"].as_u64(), Some(0), "{report:#}");
        let (latest, all) = (snapshots(repository).into_iter().max().unwrap(), segments(repository));
        let expired: BTreeSet<String> = &objects(repository, 8) - &objects(repository, latest);
        assert_eq!(expired.len(), 2 * (6 + 7 + 6), "{expired:?}");
        let named: u64 = seals(repository, latest).iter().map(|seal| seal.length).sum();
        assert!(seals(repository, latest).iter().all(|seal| seal.next > 300), "an expired segment is named");
        let before = tell(repository, latest, &["expired-none", "expired-lz4"]);
        assert_eq!(before.exports[0].lines().count(), 100 + 50 + 75);

        // Nothing goes as long as older snapshots stay.
        prune(repository, &["--keep-last", "9", "--grace", "0s", "--merge-below", "0"]);
        assert_eq!(segments(repository), all);
        let report = prune(repository, &["--keep-last", "1", "--grace", "0s", "--merge-below", "0"]);
        assert_eq!(snapshots(repository), BTreeSet::from([latest]), "{report:#}");
        assert!(segments(repository).keys().all(|name| !expired.contains(name)), "{report:#}");
        for _ in 0..2 {
            prune(repository, &["--keep-last", "1", "--grace", "0s"]);
        }
        let (was, left): (u64, u64) = (all.values().sum(), segments(repository).values().sum());
        assert!(named <= left && left <= 2 * named && 2 * left < was, "{was} bytes, then {left}; {named} are named");
        let checked = reported(repository, "verify", &[]);
        assert_eq!((&checked["damage_total"], &checked["left_overs_total"]), (&0.into(), &0.into()), "{checked:#}");
        assert!(tell(repository, latest, &["expired-none", "expired-lz4"]) == before, "it gives something else");
    }
    let next = back_up();
    assert_eq!(
        (next["parent"].as_u64(), next["new_lineages"].as_array().map(Vec::len)),
        (Some(9), Some(0)),
        "{next:#}"
    );
}
