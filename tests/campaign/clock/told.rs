//! What was wrong by a wrong clock once.

use protocol_tests::clock::Clock;
use protocol_tests::fake::{FakeSpec, Record};

use super::jumps::{self, DECADE};
use crate::kafka::Repository;
use crate::kafka::watched::{Ended, Watched};

fn run(clock: &Clock, ahead: i64, repository: &Repository, verb: &str, flags: &[&str]) -> Ended {
    clock.set(ahead).unwrap();
    Watched::start_by(Some(clock), repository, verb, flags).finish()
}

/// The brokers delete by their own clocks, which are right.
#[test]
fn retention_is_held_by_a_restore_whose_clock_is_behind() {
    if !jumps::are_possible() {
        return;
    }
    let (clock, repository) = (Clock::make(false).unwrap(), Repository::init());
    let [source, target] = [1, 2].map(|seed| FakeSpec::new(1).seed(seed).start().unwrap());
    source.create_topic("orders", 1, &[("retention.ms", "604800000")]);
    let long_ago = source.with(|state| state.now()) - 10 * 86_400_000;
    source.produce("orders", 0, vec![Record::new("key", "value", long_ago)]);
    run(&clock, 0, &repository, "backup", &["-b", &source.bootstrap()]).exits(0);
    let ended = run(&clock, -DECADE, &repository, "restore", &["-b", &target.bootstrap()]).exits(0);
    assert_eq!(ended.list("held").len(), 1, "{:#}", ended.report);
}

#[test]
fn a_snapshot_from_the_future_is_not_young_enough_for_a_check() {
    if !jumps::are_possible() {
        return;
    }
    let (clock, repository) = (Clock::make(true).unwrap(), Repository::init());
    let source = FakeSpec::new(1).start().unwrap();
    source.create_topic("orders", 1, &[]);
    run(&clock, DECADE, &repository, "backup", &["-b", &source.bootstrap()]).exits(0);
    let check = ["--max-age", "26h"];
    run(&clock, DECADE, &repository, "check", &check).exits(0);
    let ended = run(&clock, 0, &repository, "check", &check).exits(3);
    let problems = ended.list("problems");
    assert!(problems[0]["detail"].as_str().unwrap().contains("after now"), "{problems:?}");
    run(&clock, 0, &repository, "backup", &["-b", &source.bootstrap()]).exits(0);
    run(&clock, 0, &repository, "check", &check).exits(0);
}
