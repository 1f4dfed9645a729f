//! What of a report a person has to look after.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::CheckOptions;
use super::needs::{Level, On};
use super::report::{
    CheckReport, ClusterState, Problem, ProblemKind, RepositoryState, RetentionState, Right, UseRights,
};
use crate::model::Timestamp;

/// Names shown of one right's resources; the JSON report has all.
const NAMES_MAX: usize = 10;
/// A clock that is further off is worth a note.
const CLOCK_OFF_MS: u64 = 60_000;

/// All problems, the worst first.
pub(super) fn find(report: &CheckReport, options: &CheckOptions) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(retention) = &report.retention
        && report.repository.as_ref().is_some_and(|repository| repository.newest.is_some())
    {
        overtaken(&mut problems, retention, options.min_time_left);
    }
    if let Some(repository) = &report.repository {
        snapshots(&mut problems, repository, report.cluster.as_ref(), options);
        from_the_future(&mut problems, repository, options, report.checked);
        room(&mut problems, repository, report.retention.as_ref());
    }
    if let Some(cluster) = &report.cluster {
        brokers(&mut problems, cluster);
    }
    report.rights.iter().filter(|rights| rights.counts).for_each(|rights| lacking(&mut problems, rights));
    problems
}

fn problem(kind: ProblemKind, subject: impl Into<String>, detail: String, remedy: impl Into<String>) -> Problem {
    Problem { kind, subject: subject.into(), detail, remedy: remedy.into() }
}

fn overtaken(problems: &mut Vec<Problem>, retention: &RetentionState, least: Duration) {
    for topic in &retention.topics {
        let more = topic.lost.len().saturating_sub(1);
        if let Some((partition, range)) = topic.lost.first_key_value() {
            let more = if more > 0 { format!("; and {more} more of its partitions lost some") } else { String::new() };
            problems.push(problem(
                ProblemKind::Overtaken,
                format!("{}-{partition}", topic.topic),
                format!(
                    "retention deleted offsets {} to {} before they were backed up{more}",
                    range.base,
                    range.next - 1
                ),
                "back up more often than retention deletes, or raise the topic's retention",
            ));
        }
        let (Some(left), Some(partition), Some(limit)) = (topic.left_seconds, topic.partition, topic.limit) else {
            continue;
        };
        if left < least.as_secs() {
            let when = if left == 0 { "any moment".to_owned() } else { in_words(left) };
            let when = if left == 0 { format!("at {when}") } else { format!("in {when}") };
            problems.push(problem(
                ProblemKind::SoonOvertaken,
                format!("{}-{partition}", topic.topic),
                format!("loses unsaved data {when} by its {limit}"),
                "run `ktape backup` now, or raise the topic's retention until it has run",
            ));
        }
    }
    for (subject, cause) in &retention.unknown {
        let detail = format!("it is not known how long its data stays: {cause}");
        let remedy = "grant what is missing, or leave it out with --exclude-topics";
        problems.push(problem(ProblemKind::Unknown, subject.clone(), detail, remedy));
    }
}

fn snapshots(
    problems: &mut Vec<Problem>,
    repository: &RepositoryState,
    cluster: Option<&ClusterState>,
    options: &CheckOptions,
) {
    let location = &repository.location;
    if let Some((newest, cluster)) = repository.newest_cluster_id.as_ref().zip(cluster)
        && *newest != cluster.cluster_id
    {
        problems.push(problem(
            ProblemKind::OtherCluster,
            location.clone(),
            format!(
                "its newest snapshot is of cluster {newest}, not of {}: a backup would be refused",
                cluster.cluster_id
            ),
            "check --repository and --bootstrap-server; if it is the same one, restored: ktape backup --adopt-cluster",
        ));
    }
    let Some(newest) = &repository.newest else {
        let detail = "there is no snapshot of it yet".to_owned();
        problems.push(problem(ProblemKind::NoSnapshot, location.clone(), detail, "run `ktape backup`"));
        return;
    };
    let subject = || format!("snapshot {}", newest.sequence);
    if let Some(most) = options.max_age.filter(|most| newest.age_seconds > most.as_secs()) {
        let (age, most) = (in_words(newest.age_seconds), in_words(most.as_secs()));
        let detail = format!("is {age} old, more than {most}");
        let remedy = "look why there is no newer one: the log of the last backups, or their timer";
        problems.push(problem(ProblemKind::TooOld, subject(), detail, remedy));
    }
    let losses: Vec<_> = newest.incomplete.iter().filter(|loss| !loss.accepted).collect();
    if let Some(first) = losses.first() {
        let more = losses.len() - 1;
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let detail = format!("is incomplete: {}: {}{more}", first.subject, first.detail);
        let remedy = format!("`ktape show -r {location}` lists all that it lacks; run `ktape backup` again");
        problems.push(problem(ProblemKind::Incomplete, subject(), detail, remedy));
    }
}

/// A clock was set back since it was taken: then no backup could fail for so long that it looks too old.
fn from_the_future(problems: &mut Vec<Problem>, repository: &RepositoryState, options: &CheckOptions, now: Timestamp) {
    let Some(newest) = repository.newest.as_ref().filter(|_| options.max_age.is_some()) else { return };
    let ahead = u64::try_from(newest.fences_taken.0.saturating_sub(now.0)).unwrap_or(0);
    if ahead > CLOCK_OFF_MS {
        let ahead = in_words(ahead / 1_000);
        let detail = format!("is of {ahead} after now by this host's clock: nobody knows how old it is");
        let remedy = "set the clocks of this host and of the one that backs up, then run `ktape backup`";
        problems.push(problem(ProblemKind::TooOld, format!("snapshot {}", newest.sequence), detail, remedy));
    }
}

fn room(problems: &mut Vec<Problem>, repository: &RepositoryState, retention: Option<&RetentionState>) {
    if let Some(cause) = &repository.not_writable {
        let remedy = "mount it writable, and give this user the right to write there";
        let detail = format!("nothing can be written to it: {cause}");
        problems.push(problem(ProblemKind::NotWritable, repository.location.clone(), detail, remedy));
    }
    let needed = retention.and_then(|retention| retention.needed_bytes);
    if let Some((free, needed)) = repository.free_bytes.zip(needed).filter(|(free, needed)| free < needed) {
        let detail = format!("{free} bytes are free, and the next backup needs about {needed}");
        problems.push(problem(ProblemKind::Space, repository.location.clone(), detail, "make room on the disk"));
    }
}

fn brokers(problems: &mut Vec<Problem>, cluster: &ClusterState) {
    for broker in &cluster.brokers {
        let Some(cause) = &broker.error else { continue };
        let remedy =
            format!("look at the broker; if it is reached elsewhere: --broker-address {}=HOST:PORT", broker.node);
        problems.push(problem(ProblemKind::Broker, format!("broker {}", broker.node), cause.clone(), remedy));
    }
}

/// One problem for each right, with the names that lack it.
fn lacking(problems: &mut Vec<Problem>, rights: &UseRights) {
    for (operation, missing) in by_operation(&rights.missing, Level::Required) {
        let (on, _) = operation;
        let names: Vec<&str> = missing.iter().map(|right| right.name.as_str()).collect();
        let Some(first) = missing.first() else { continue };
        let detail = format!("{} is missing for {}: {}", first.operation, rights.use_of, first.why);
        problems.push(problem(ProblemKind::Rights, subject(on, &names), detail, command(on, &names, &first.operation)));
    }
}

/// Rights of one level by what they are about and the operation, in the order in which they are needed.
pub fn by_operation(rights: &[Right], level: Level) -> Vec<((On, &str), Vec<&Right>)> {
    let mut order = Vec::new();
    let mut found: BTreeMap<(On, &str), Vec<&Right>> = BTreeMap::new();
    for right in rights.iter().filter(|right| right.level == level) {
        let key = (right.on, right.operation.as_str());
        if !found.contains_key(&key) {
            order.push(key);
        }
        found.entry(key).or_default().push(right);
    }
    order.into_iter().filter_map(|key| Some((key, found.remove(&key)?))).collect()
}

fn subject(on: On, names: &[&str]) -> String {
    if on == On::Cluster {
        return on.to_string();
    }
    let mut text = format!("{on}{} {}", if names.len() > 1 { "s" } else { "" }, shown(names));
    if let Some(more) = names.len().checked_sub(NAMES_MAX).filter(|more| *more > 0) {
        // Writing to a string cannot fail.
        let _ = write!(text, " and {more} more");
    }
    text
}

fn shown(names: &[&str]) -> String {
    names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join(", ")
}

/// Who this client is for the brokers is not told to it.
fn command(on: On, names: &[&str], operation: &str) -> String {
    let operation = operation.split(" or ").next().unwrap_or(operation);
    let resource = match (on, names) {
        (On::Cluster, _) => "--cluster".to_owned(),
        (_, [name]) => format!("--{on} {name}"),
        _ => format!("--{on} NAME"),
    };
    format!("kafka-acls --add --allow-principal User:NAME --operation {operation} {resource}")
}

/// What is worth knowing and no problem.
pub(super) fn notes(report: &CheckReport) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(clock) = report.cluster.as_ref().and_then(|cluster| cluster.clock)
        && clock.ahead_ms.unsigned_abs() > CLOCK_OFF_MS
    {
        let way = if clock.ahead_ms > 0 { "ahead of" } else { "behind" };
        let off = in_words(clock.ahead_ms.unsigned_abs() / 1_000);
        notes.push(format!(
            "the controller's clock is {off} {way} this host's: times of snapshots and of records differ by that"
        ));
    }
    if let Some(newest) = report.repository.as_ref().and_then(|repository| repository.newest.as_ref())
        && !newest.same_selection
    {
        notes.push(format!(
            "snapshot {} was taken with another selection; say the same --topics and --groups as the backup",
            newest.sequence
        ));
    }
    if let Some(held) = report.retention.as_ref().map(|retention| retention.held_back_offsets).filter(|held| *held > 0)
    {
        notes.push(format!("{held} offsets lie behind open transactions; a backup ends before them"));
    }
    for rights in report.rights.iter().filter(|rights| rights.counts && !rights.unknown.is_empty()) {
        let count = rights.unknown.len();
        notes.push(format!("{count} of the rights for {} cannot be told to this client", rights.use_of));
    }
    notes
}

/// `41 min`, `3 h 12 min`, `2 d 4 h`.
pub fn in_words(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{TopicLeft, Use};
    use crate::model::TopicName;

    fn topic(left_seconds: u64) -> TopicLeft {
        TopicLeft {
            topic: TopicName::new("orders").unwrap(),
            partitions: 1,
            unsaved_offsets: 7,
            left_seconds: Some(left_seconds),
            partition: Some(3),
            limit: Some("retention.ms"),
            lost: BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_soon_lost_is_said_with_its_time() {
        let mut problems = Vec::new();
        let topics = vec![topic(41 * 60 + 5), topic(0), topic(3_600)];
        let retention = RetentionState { topics, ..RetentionState::default() };
        overtaken(&mut problems, &retention, Duration::from_secs(3_600));
        let said: Vec<String> = problems.iter().map(|one| format!("{} {}", one.subject, one.detail)).collect();
        assert_eq!(
            said,
            [
                "orders-3 loses unsaved data in 41 min by its retention.ms",
                "orders-3 loses unsaved data at any moment by its retention.ms"
            ]
        );
    }

    #[test]
    fn a_missing_right_is_named_once_with_all_its_resources_and_a_command() {
        let right = |name: &str| Right {
            on: On::Topic,
            name: name.to_owned(),
            operation: "Read".to_owned(),
            level: Level::Required,
            why: "records",
        };
        let missing = vec![right("orders"), right("payments")];
        let rights =
            UseRights { use_of: Use::Backup, counts: true, topics: 2, groups: 0, missing, unknown: Vec::new() };
        let report = CheckReport { rights: vec![rights], ..CheckReport::new(Timestamp(0)) };
        let [problem] = &find(&report, &CheckOptions::default())[..] else { panic!("{report:?}") };
        assert_eq!(
            (problem.subject.as_str(), problem.detail.as_str()),
            ("topics orders, payments", "Read is missing for backup: records")
        );
        assert!(problem.remedy.ends_with("--operation Read --topic NAME"), "{}", problem.remedy);
    }
}
