//! Restores in this process, with limits that the command line does not offer and little patience.

use std::time::Duration;

use ktape::cancel::Cancel;
use ktape::cluster::{Cluster, ClusterOptions};
use ktape::progress::Silent;
use ktape::repository;
use ktape::restore::{self, Context, RestoreError, RestoreOptions, RestoreReport};
use protocol_tests::fake::groups::partition_of;
use protocol_tests::fake::{Action, Change, Fake, FakeSpec, Fault, Record, key};

use super::Repository;
use super::positions::{named, standing, undo};
use super::restored::{DAY, backed_up, empty, records};
use super::round_trip::same;

/// How long a request is tried again.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a partition may make no progress.
const STALL: Duration = Duration::from_secs(5);
/// Far more than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);
/// More than there will be.
const ALWAYS: usize = 1_000_000;
/// An error that passes, it is said.
const NOT_ENOUGH_REPLICAS: i16 = 19;

fn on_cluster<T>(fake: &Fake, work: impl AsyncFnOnce(&Cluster) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut options = ClusterOptions::new(fake.bootstrap().split(','));
    options.retry = options.retry.within(PATIENCE);
    runtime.block_on(async {
        let cluster = Cluster::connect(options).await.unwrap();
        tokio::time::timeout(DEADLINE, work(&cluster)).await.expect("it ends")
    })
}

fn opened(repository: &Repository) -> repository::Repository {
    repository::Repository::open(&repository.0.path().join("repository").display().to_string()).unwrap()
}

fn restore(repository: &Repository, target: &Fake, options: &RestoreOptions) -> Result<RestoreReport, RestoreError> {
    let (repository, cancel) = (opened(repository), Cancel::new());
    on_cluster(target, async |cluster| {
        let context = Context { cluster, repository: &repository, options, progress: &Silent, cancel: &cancel };
        restore::restore(context).await
    })
}

fn impatient() -> RestoreOptions {
    RestoreOptions { stall_timeout: STALL, ..RestoreOptions::default() }
}

/// One topic; each partition has so many batches of so many records.
fn source(batches: usize, records_of_partitions: &[i64]) -> Fake {
    let source = empty();
    source.create_topic("orders", records_of_partitions.len(), &[("retention.ms", "-1")]);
    for (partition, count) in (0..).zip(records_of_partitions) {
        for _ in 0..batches {
            source.produce("orders", partition, records(*count));
        }
    }
    source
}

fn asked(fake: &Fake, api: i16) -> usize {
    fake.requests().iter().filter(|request| request.api == api).count()
}

#[test]
fn a_request_holds_one_batch_or_no_more_than_it_may() {
    let source = source(8, &[10; 6]);
    let (size, batches) = (source.log_bytes("orders", 0).len() / 8, 6 * 8);
    let repository = backed_up(&source);
    for request_bytes in [1, 2 * size - 1, 2 * size] {
        let target = empty();
        restore(&repository.copy(), &target, &RestoreOptions { request_bytes, ..impatient() }).unwrap();
        same(&source, &target);
        let requests = asked(&target, key::PRODUCE);
        if request_bytes < 2 * size {
            assert_eq!(requests, batches, "{request_bytes}");
        } else {
            assert!((batches / 2..=batches).contains(&requests), "{requests}");
        }
    }
}

#[test]
fn answers_about_many_partitions_are_told_apart() {
    let source = source(20, &[1, 2, 3, 4, 5]);
    let (repository, target) = (backed_up(&source), empty());
    restore(&repository, &target, &impatient()).unwrap();
    same(&source, &target);
    assert!(asked(&target, key::PRODUCE) < 100, "some request was about several");
}

/// And within one run: nobody has to repeat the command.
#[test]
fn leaders_that_move_are_found_again() {
    let source = source(10, &[10; 3]);
    let (repository, target) = (backed_up(&source), FakeSpec::new(3).seed(8).start().unwrap());
    target.fault(Fault::on(key::PRODUCE, 4, Action::Pass).before(Change::MoveAll(1)).before(Change::MoveAll(2)));
    restore(&repository, &target, &RestoreOptions { replication_factor: Some(3), ..impatient() }).unwrap();
    same(&source, &target);
}

#[test]
fn a_partition_whose_leader_takes_nothing_is_given_up_in_time() {
    let source = source(1, &[10]);
    let (repository, target) = (backed_up(&source), empty());
    target.fault(Fault::on(key::PRODUCE, 1, Action::Refuse(NOT_ENOUGH_REPLICAS)).times(ALWAYS));
    let options = RestoreOptions { stall_timeout: PATIENCE, ..impatient() };
    let stopped = restore(&repository, &target, &options).unwrap_err().to_string();
    assert!(stopped.contains("orders-0") && stopped.contains("no progress for"), "{stopped}");
}

/// What may succeed later is not written down as refused.
#[test]
fn a_commit_that_fails_for_now_is_made_by_the_next_run() {
    let source = source(1, &[10]);
    source.commit("reader", "orders", 0, 4, "");
    let (repository, target) = (backed_up(&source), empty());
    let home = partition_of("reader", 4) as i32;
    target.fault(Fault::on(key::OFFSET_COMMIT, 1, Action::Pass).before(Change::Load(home)));
    let stopped = restore(&repository, &target, &impatient());
    assert!(matches!(stopped, Err(RestoreError::Commit { .. })), "{stopped:?}");
    target.heal();
    let report = restore(&repository, &target, &impatient()).unwrap();
    assert!(report.is_complete() && report.resumed, "{report:#?}");
    assert_eq!(standing(&target), named(&[("reader", 4)]));
}

#[test]
fn what_groups_had_is_saved_although_a_broker_does_not_list_them() {
    let source = source(1, &[10]);
    source.commit("reader", "orders", 0, 4, "");
    let (repository, target) = (backed_up(&source), FakeSpec::new(3).seed(8).start().unwrap());
    target.create_topic("orders", 1, &[]);
    target.commit("reader", "orders", 0, 0, "mine");
    let coordinator = target.with(|state| state.coordinator_of("reader"));
    target.fault(Fault::on(key::LIST_GROUPS, 1, Action::Cut).at(coordinator).times(ALWAYS));
    restore(&repository, &target, &impatient()).unwrap();
    target.heal();
    assert_eq!(standing(&target), named(&[("reader", 4)]));
    let undone = undo(&repository, &target);
    assert_eq!(undone.status.code(), Some(0), "{undone:?}");
    assert_eq!(standing(&target), named(&[("reader", 0)]));
}

#[test]
fn a_release_that_fails_is_not_complete_and_the_next_one_makes_it_good() {
    let source = empty();
    source.create_topic("old", 1, &[("retention.ms", "604800000")]);
    let then = source.with(|state| state.now()) - 30 * DAY;
    source.produce("old", 0, vec![Record::new("k", "v", then)]);
    let (repository, target) = (backed_up(&source), empty());
    repository.report(0, "restore", &target, &[]);
    let states = opened(&repository).restore_states();
    let release = || on_cluster(&target, async |cluster| restore::release(cluster, &states, &[], false).await.unwrap());
    target.fault(Fault::on(key::INCREMENTAL_ALTER_CONFIGS, 1, Action::Cut).times(ALWAYS));
    let failed = release();
    assert_eq!((failed.is_complete(), failed.failed.len(), failed.released.len()), (false, 1, 0), "{failed:?}");
    target.heal();
    let released = release();
    assert_eq!((released.is_complete(), released.released.len()), (true, 1), "{released:?}");
    assert_eq!(target.topic_configs("old"), source.topic_configs("old"));
}
