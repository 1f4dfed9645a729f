//! A restore that is killed while a request is under way, which the broker carries out all the same.

use protocol_tests::fake::{Action, FakeSpec, Release, key};

use super::kept::killed_at;
use super::restored::backed_up;
use super::round_trip::{committed, expected, same, seeded};

#[test]
fn a_restore_killed_anywhere_is_whole_and_once() {
    let source = seeded(Release::V4_2);
    let repository = backed_up(&source);
    // The first CreateTopics only asks whether they could be made.
    let points =
        [(key::CREATE_TOPICS, 2), (key::PRODUCE, 3), (key::OFFSET_COMMIT, 1), (key::INCREMENTAL_ALTER_CONFIGS, 1)];
    for (api, nth) in points {
        let repository = repository.copy();
        let target = FakeSpec::new(3).seed(8).start().unwrap();
        killed_at(&repository, &target, &[], (api, nth, Action::Lose));
        let report = repository.report(0, "restore", &target, &[]);
        assert_eq!((report["resumed"].as_bool(), report["was_finished"].as_bool()), (Some(true), Some(false)), "{api}");
        same(&source, &target);
        assert_eq!(committed(&target), expected(), "{api}");
        let topics = report["topics"].as_array().unwrap();
        assert!(topics.iter().all(|topic| topic["created"] == true), "{api}: {topics:?}");
        let again = repository.report(0, "restore", &target, &[]);
        assert_eq!((again["was_finished"].as_bool(), &again["topics"]), (Some(true), &report["topics"]));
    }
}
