//! Copying.

use super::saved::{Saved, shown};
use super::spot::Spot;
use super::struck::{Struck, count_requests, strike};
use super::{kills, lossy, row, run_all};
use crate::faults::kill::Random;
use crate::faults::run;

fn copy(from: &str, to: &str) -> Vec<String> {
    ["copy", "--repository", from, "--to", to, "--json"].map(str::to_owned).into()
}

#[test]
fn copying_into_a_folder_may_be_killed() {
    copy_killed(&Spot::folder());
}

#[test]
fn copying_into_a_bucket_may_be_killed() {
    if let Some(spot) = Spot::bucket("kill -9 of copying to S3") {
        copy_killed(&spot);
    }
}

#[test]
fn copying_into_a_bucket_over_a_flaky_way_loses_nothing() {
    if let Some(spot) = Spot::bucket("failing requests of copying to S3") {
        copy_over_a_flaky_way(&spot);
    }
}

fn copy_killed(spot: &Spot) {
    let saved = Saved::get();
    let from = Spot::folder().filled_with(&saved.objects);
    let mut random = Random::new();
    println!("{} kills in {}, KTAPE_TEST_SEED={}", kills(), spot.location(), random.seed);
    let to = spot.empty_repository();
    let requests = count_requests(&copy(&from.location(), &to.location()));
    assert_copied(&to, saved, true);
    let mut killed = 0;
    while killed < kills() {
        let to = spot.empty_repository();
        let command = copy(&from.location(), &to.location());
        for _ in 0..=random.below(row(spot)) {
            let nth = 1 + random.below(requests);
            if strike(&command, nth, &mut random) == Struck::Killed {
                killed += 1;
            }
            assert_copied(&to, saved, false);
        }
        run_all(&command).exits(0);
        assert_copied(&to, saved, true);
    }
    println!("{killed} kills, {requests} requests each at most");
}

fn copy_over_a_flaky_way(spot: &Spot) {
    let saved = Saved::get();
    let from = Spot::folder().filled_with(&saved.objects);
    let mut random = Random::new();
    println!("{} times in {}, KTAPE_TEST_SEED={}", kills(), spot.location(), random.seed);
    let to = spot.empty_repository();
    let (way, flaky) = to.behind_a_flaky_way(lossy(random.below(u64::MAX), u64::MAX));
    run_all(&copy(&from.location(), &way)).exits(0);
    assert_copied(&to, saved, true);
    for _ in 0..kills() {
        let to = spot.empty_repository();
        let end = 1 + random.below(flaky.requests());
        let (way, _) = to.behind_a_flaky_way(lossy(random.below(u64::MAX), end));
        let ended = run_all(&copy(&from.location(), &way));
        assert!(matches!(ended.code, Some(0 | 1 | 3)), "{ended:?}");
        assert_copied(&to, saved, false);
        run_all(&copy(&from.location(), &to.location())).exits(0);
        assert_copied(&to, saved, true);
    }
}

/// `verify` passes; every snapshot that is there holds what the original holds, and all are there once it is `done`.
fn assert_copied(to: &Spot, saved: &Saved, done: bool) {
    run(&["verify", "--json", "--repository", &to.location()]).exits(0);
    let there = shown(to.store());
    for (number, partitions) in &there {
        assert_eq!(Some(partitions), saved.shown.get(number), "the copy of snapshot {number} is another one");
    }
    assert!(!done || there.len() == saved.shown.len(), "only {:?} were copied", there.keys());
}
