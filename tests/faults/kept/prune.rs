//! Pruning and merging.

use std::collections::BTreeSet;

use super::saved::{Saved, shown};
use super::spot::Spot;
use super::struck::{Struck, count_requests, strike};
use super::{kills, lossy, row, run_all};
use crate::faults::kill::Random;
use crate::faults::run;

/// Snapshots that pruning keeps.
const KEPT: usize = 4;
/// What pruning is asked to do: everything that it can, at once.
fn prune(place: &str) -> Vec<String> {
    let kept = KEPT.to_string();
    let flags = ["--keep-last", &kept, "--grace", "0s", "--merge-below", "4MiB", "--confirm", "--json"];
    ["prune", "--repository", place].into_iter().chain(flags).map(str::to_owned).collect()
}

#[test]
fn pruning_a_folder_may_be_killed() {
    prune_killed(&Spot::folder());
}

#[test]
fn pruning_a_bucket_may_be_killed() {
    if let Some(spot) = Spot::bucket("kill -9 of pruning on S3") {
        prune_killed(&spot);
    }
}

#[test]
fn pruning_a_bucket_over_a_flaky_way_loses_nothing() {
    if let Some(spot) = Spot::bucket("failing requests of pruning on S3") {
        prune_over_a_flaky_way(&spot);
    }
}

fn prune_killed(spot: &Spot) {
    let saved = Saved::get();
    let mut random = Random::new();
    println!("{} kills in {}, KTAPE_TEST_SEED={}", kills(), spot.location(), random.seed);
    let mut killed = 0;
    let mut requests = None;
    while killed < kills() {
        let place = spot.filled_with(&saved.objects);
        let command = prune(&place.location());
        let requests = *requests.get_or_insert_with(|| {
            // What there is to do when nothing happens.
            let count = count_requests(&command);
            assert_kept(&place, saved, true);
            count
        });
        let place = spot.filled_with(&saved.objects);
        let command = prune(&place.location());
        for _ in 0..=random.below(row(spot)) {
            let nth = 1 + random.below(requests);
            if strike(&command, nth, &mut random) == Struck::Killed {
                killed += 1;
            }
            assert_kept(&place, saved, false);
        }
        run_all(&command).exits(0);
        assert_kept(&place, saved, true);
    }
    println!("{killed} kills, {} requests each at most", requests.unwrap_or(0));
}

/// Every now and then a request or its answer is lost; from some point on nothing is allowed any more. The same command
/// over a way that is whole goes on.
fn prune_over_a_flaky_way(spot: &Spot) {
    let saved = Saved::get();
    let mut random = Random::new();
    println!("{} times in {}, KTAPE_TEST_SEED={}", kills(), spot.location(), random.seed);
    let place = spot.filled_with(&saved.objects);
    let (way, flaky) = place.behind_a_flaky_way(lossy(random.below(u64::MAX), u64::MAX));
    run_all(&prune(&way)).exits(0);
    assert_kept(&place, saved, true);
    for _ in 0..kills() {
        let place = spot.filled_with(&saved.objects);
        let end = 1 + random.below(flaky.requests());
        let (way, _) = place.behind_a_flaky_way(lossy(random.below(u64::MAX), end));
        let ended = run_all(&prune(&way));
        assert!(matches!(ended.code, Some(0 | 1 | 3)), "{ended:?}");
        assert_kept(&place, saved, false);
        run_all(&prune(&place.location())).exits(0);
        assert_kept(&place, saved, true);
    }
}

/// `verify` passes; every snapshot that is there holds what it held, and those that are kept are there, and no others
/// once it is `done`.
fn assert_kept(place: &Spot, saved: &Saved, done: bool) {
    run(&["verify", "--json", "--repository", &place.location()]).exits(0);
    let there = shown(place.store());
    let expected: BTreeSet<u64> = saved.shown.keys().rev().take(KEPT).copied().collect();
    for (number, partitions) in &there {
        assert_eq!(Some(partitions), saved.shown.get(number), "snapshot {number} lost something");
    }
    let numbers: BTreeSet<u64> = there.keys().copied().collect();
    assert!(numbers.is_superset(&expected), "{numbers:?} are left of {expected:?}");
    assert!(!done || numbers == expected, "{numbers:?} are left, not {expected:?}");
}
