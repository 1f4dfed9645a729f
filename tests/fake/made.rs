//! Topics that a restore makes, while answers get lost and others are quicker.

use protocol_tests::fake::{Action, Fake, Fault, code, key};

use super::Repository;
use super::restored::{backed_up, empty, records};

fn source() -> Repository {
    let source = empty();
    source.create_topic("orders", 2, &[("retention.ms", "-1")]);
    for partition in 0..2 {
        source.produce("orders", partition, records(5));
    }
    backed_up(&source)
}

#[track_caller]
fn restored(repository: &Repository, target: &Fake) {
    repository.report(0, "restore", target, &[]);
    for partition in 0..2 {
        assert_eq!(target.committed_records("orders", partition).len(), 5);
    }
    assert_eq!(
        target.topic_configs("orders").into_iter().collect::<Vec<_>>(),
        [("retention.ms".to_owned(), "-1".to_owned())]
    );
}

/// The first question is whether the topic could be made.
#[test]
fn a_lost_answer_to_the_request_for_topics_is_asked_for_again() {
    let repository = source();
    for action in [Action::Lose, Action::Cut] {
        let (repository, target) = (repository.copy(), empty());
        target.fault(Fault::on(key::CREATE_TOPICS, 2, action));
        restored(&repository, &target);
    }
}

#[test]
fn a_refusal_to_make_a_topic_is_not_asked_for_again() {
    let (repository, target) = (source(), empty());
    target.fault(Fault::on(key::CREATE_TOPICS, 2, Action::Refuse(code::POLICY_VIOLATION)));
    let refused = repository.run("restore", Some(&target), &[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(5), "{said}");
    assert!(said.contains("would not create topic orders") && target.topics().is_empty(), "{said}");
}

#[test]
fn a_topic_whose_leaders_take_a_moment_is_waited_for() {
    let (repository, target) = (source(), empty());
    let mut looks = 0;
    target.on_request_in(move |exchange, state| {
        let topic = state.topics.get_mut("orders")?;
        looks += i32::from(exchange.api == key::METADATA);
        let leader = if looks > 2 { 1 } else { -1 };
        topic.partitions.iter_mut().for_each(|partition| partition.leader = leader);
        None
    });
    restored(&repository, &target);
}

/// A request of an attempt that was cut off lands while the next one asks whether the topic could be made.
#[test]
fn a_topic_that_turns_up_between_two_questions_is_taken_if_it_is_empty() {
    let (repository, target) = (source(), empty());
    let mut first = true;
    target.on_request_in(move |exchange, state| {
        if exchange.api == key::CREATE_TOPICS && std::mem::take(&mut first) {
            state.create_topic("orders", 2, 1, &[]);
        }
        None
    });
    restored(&repository, &target);
}

#[test]
fn a_setting_that_the_target_refuses_is_missing_alone_and_told() {
    let source = empty();
    source.create_topic("orders", 1, &[("compression.type", "unheard-of"), ("retention.ms", "-1")]);
    source.produce("orders", 0, records(5));
    let (repository, target) = (backed_up(&source), empty());
    let report = repository.report(3, "restore", &target, &[]);
    let lost = report["incomplete"].to_string();
    assert!(lost.contains("topic orders: compression.type=unheard-of could not be set"), "{lost}");
    assert_eq!(target.topic_configs("orders")["retention.ms"], "-1");
}
