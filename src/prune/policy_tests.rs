use proptest::prelude::*;

use super::*;

fn at(text: &str) -> i64 {
    Timestamp::parse(text).unwrap().0
}

fn dated(times: &[i64]) -> Vec<Dated> {
    let numbers = 1..;
    let dated =
        numbers.zip(times).map(|(sequence, taken)| Dated { sequence, taken: Timestamp(*taken), complete: true });
    dated.collect()
}

/// Numbers of the snapshots that stay.
fn kept(policy: Policy, snapshots: &[Dated]) -> Vec<u64> {
    let reasons = policy.reasons(snapshots);
    let kept = snapshots.iter().zip(reasons).filter(|(_, reasons)| !reasons.is_empty());
    kept.map(|(one, _)| one.sequence).collect()
}

#[test]
fn without_a_rule_all_stay() {
    let snapshots = dated(&[1, 2, 3]);
    assert_eq!(kept(Policy::default(), &snapshots), [1, 2, 3]);
    assert!(Policy::default().reasons(&[]).is_empty());
}

#[test]
fn of_each_day_the_newest_stays() {
    let times = ["2026-11-20T23:59:59Z", "2026-11-22T01:00:00Z", "2026-11-22T23:00:00Z", "2026-11-23T00:00:00Z"];
    let snapshots = dated(&times.map(at));
    assert_eq!(kept(Policy { daily: 1, ..Policy::default() }, &snapshots), [4]);
    assert_eq!(kept(Policy { daily: 2, ..Policy::default() }, &snapshots), [3, 4]);
    assert_eq!(
        kept(Policy { daily: 3, ..Policy::default() }, &snapshots),
        [1, 3, 4],
        "a day without one does not count"
    );
    assert_eq!(kept(Policy { last: 2, daily: 3, ..Policy::default() }, &snapshots), [1, 3, 4]);
}

#[test]
fn weeks_begin_on_monday_and_months_on_the_first() {
    // 2026-11-22 is a Sunday.
    let snapshots = dated(&["2026-11-16T00:00:00Z", "2026-11-22T23:59:59Z", "2026-11-23T00:00:00Z"].map(at));
    assert_eq!(kept(Policy { weekly: 2, ..Policy::default() }, &snapshots), [2, 3]);
    let snapshots = dated(&["2026-10-01T00:00:00Z", "2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z"].map(at));
    assert_eq!(kept(Policy { monthly: 12, ..Policy::default() }, &snapshots), [2, 3]);
}

#[test]
fn within_counts_from_the_newest_not_from_today() {
    let hour = 3_600_000;
    let snapshots = dated(&[0, hour, 2 * hour, 3 * hour]);
    let within = Some(Duration::from_secs(2 * 3600));
    assert_eq!(kept(Policy { within, ..Policy::default() }, &snapshots), [2, 3, 4]);
}

#[test]
fn the_newest_complete_one_stays() {
    let mut snapshots = dated(&[1, 2, 3, 4]);
    snapshots[2].complete = false;
    snapshots[3].complete = false;
    assert_eq!(kept(Policy { last: 1, ..Policy::default() }, &snapshots), [2, 4]);
}

fn policies() -> impl Strategy<Value = Policy> {
    let count = || 0_u32..6;
    let within = proptest::option::of(0_u64..400 * 86_400);
    (count(), count(), count(), count(), count(), within).prop_map(|(last, hourly, daily, weekly, monthly, within)| {
        Policy { last, hourly, daily, weekly, monthly, within: within.map(Duration::from_secs) }
    })
}

fn some_snapshots() -> impl Strategy<Value = Vec<Dated>> {
    let one = (-1_i64..40_000_000_000, any::<bool>());
    proptest::collection::vec(one, 0..60).prop_map(|mut ones| {
        ones.sort_unstable();
        let dated =
            (1..).zip(ones).map(|(sequence, (taken, complete))| Dated { sequence, taken: Timestamp(taken), complete });
        dated.collect()
    })
}

proptest! {
    #[test]
    fn rules_keep_what_they_promise(policy in policies(), snapshots in some_snapshots()) {
        let reasons = policy.reasons(&snapshots);
        prop_assert_eq!(reasons.len(), snapshots.len());
        let Some(newest) = snapshots.last() else { return Ok(()) };
        prop_assert!(reasons.last().is_some_and(|reasons| reasons.contains(&KeepReason::Newest)));
        let complete = snapshots.iter().rposition(|one| one.complete);
        prop_assert!(complete.is_none_or(|at| !reasons[at].is_empty()));
        for (reason, wanted, length) in [(KeepReason::Hourly, policy.hourly, HOUR), (KeepReason::Daily, policy.daily, DAY)] {
            let kept: Vec<i64> = (0..reasons.len()).filter(|at| reasons[*at].contains(&reason)).map(|at| snapshots[at].taken.0).collect();
            let buckets: BTreeSet<i64> = snapshots.iter().map(|one| one.taken.0.div_euclid(length)).collect();
            prop_assert_eq!(kept.len(), buckets.len().min(wanted as usize), "one of each, as many as were asked for");
            let newest: Vec<i64> = buckets.iter().rev().take(kept.len()).copied().collect();
            prop_assert!(kept.iter().rev().map(|time| time.div_euclid(length)).eq(newest));
        }
        for (one, reasons) in snapshots.iter().zip(&reasons) {
            let young = policy.within.is_some_and(|within| newest.taken.0 - one.taken.0 <= within.as_millis() as i64);
            prop_assert_eq!(young, reasons.contains(&KeepReason::Within));
        }
    }

    #[test]
    fn a_wider_rule_keeps_no_less(policy in policies(), snapshots in some_snapshots()) {
        prop_assume!(!policy.is_empty());
        let wider = Policy { last: policy.last + 1, hourly: policy.hourly + 1, daily: policy.daily + 2, ..policy };
        let (less, more) = (kept(policy, &snapshots), kept(wider, &snapshots));
        prop_assert!(less.iter().all(|one| more.contains(one)));
    }

    #[test]
    fn pruning_again_changes_nothing(policy in policies(), snapshots in some_snapshots()) {
        let once = kept(policy, &snapshots);
        let left: Vec<Dated> = snapshots.iter().filter(|one| once.contains(&one.sequence)).copied().collect();
        prop_assert_eq!(kept(policy, &left), once);
    }
}
