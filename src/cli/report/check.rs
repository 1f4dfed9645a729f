//! The report of a check.

use super::Text;
use crate::check::{
    CheckReport, ClusterState, Level, On, Problem, RepositoryState, RetentionState, Right, TopicLeft, UseRights,
    by_operation, in_words,
};
use crate::cli::table::{Align, Table};
use crate::cli::units::{self, count, thousands};

/// Names of resources shown of one right.
const NAMES_MAX: usize = 5;
/// Topics shown of those that lose something first.
const TOPICS_MAX: usize = 20;

/// Everything that was found, problems last.
pub fn found(out: &mut Text, report: &CheckReport) {
    if let Some(state) = &report.cluster {
        cluster(out, state);
        report.rights.iter().for_each(|one| rights(out, one));
    }
    if let Some(state) = &report.repository {
        repository(out, state, report.retention.as_ref());
    }
    if let Some(state) = &report.retention
        && report.repository.as_ref().is_some_and(|repository| repository.newest.is_some())
    {
        retention(out, state);
    }
    out.section("notes", &report.notes);
    out.section("PROBLEMS", report.problems.iter().map(problem));
    if report.problems.is_empty() {
        out.line("all is well");
    }
}

fn problem(problem: &Problem) -> String {
    let remedy = if problem.remedy.is_empty() { String::new() } else { format!("\n    -> {}", problem.remedy) };
    format!("{}: {}{remedy}", problem.subject, problem.detail)
}

fn cluster(out: &mut Text, state: &ClusterState) {
    out.line(format!("cluster {}", state.cluster_id));
    let columns =
        [("BROKER", Align::Right), ("ADDRESS", Align::Left), ("RACK", Align::Left), ("CONNECTED IN", Align::Right)];
    let mut table = Table::new(&columns);
    for broker in &state.brokers {
        let address = match &broker.instead {
            Some(instead) => format!("{} instead of {}", instead, broker.address),
            None => broker.address.clone(),
        };
        let connected = broker.connected_ms.map_or("NOT REACHED".to_owned(), |millis| format!("{millis} ms"));
        table.row(vec![broker.node.to_string(), address, broker.rack.clone().unwrap_or_default(), connected]);
    }
    out.table(&table);
    let names = |has: bool| {
        let names: Vec<&str> = state.features.iter().filter(|(_, is)| **is == has).map(|(name, _)| *name).collect();
        names.join(", ")
    };
    let lacking = names(false);
    let lacking = if lacking.is_empty() { String::new() } else { format!("; not there: {lacking}") };
    out.line(format!("features: {}{lacking}", names(true)));
    match (&state.clock, &state.clock_unknown) {
        (Some(clock), _) => {
            let way = if clock.ahead_ms < 0 { "behind" } else { "ahead of" };
            let off = thousands(clock.ahead_ms.unsigned_abs());
            let (node, error) = (clock.controller, clock.uncertain_ms);
            out.line(format!(
                "clock: that of controller {node} is {off} ms {way} this host's, give or take {error} ms"
            ));
        }
        (None, Some(why)) => out.line(format!("clock: not known: {why}")),
        (None, None) => {}
    }
}

fn rights(out: &mut Text, rights: &UseRights) {
    let asked = (count(rights.topics as u64, "topic"), count(rights.groups as u64, "group"));
    let head = format!("rights for {}, {}, {}", rights.use_of, asked.0, asked.1);
    if rights.missing.is_empty() && rights.unknown.is_empty() {
        out.line(format!("{head}: all are there"));
        return;
    }
    out.line(format!("{head}:"));
    for (level, title) in [(Level::Required, "MISSING"), (Level::Useful, "missing, would be useful")] {
        grouped(out, title, &rights.missing, level);
    }
    for level in [Level::Required, Level::Useful] {
        grouped(out, "not told to this client", &rights.unknown, level);
    }
}

fn grouped(out: &mut Text, title: &str, rights: &[Right], level: Level) {
    for ((on, operation), lacking) in by_operation(rights, level) {
        let names: Vec<&str> = lacking.iter().take(NAMES_MAX).map(|right| right.name.as_str()).collect();
        let more = lacking.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let on = match on {
            On::Cluster => "the cluster".to_owned(),
            _ => format!("{} {}{more}", count(lacking.len() as u64, &on.to_string()), names.join(", ")),
        };
        let why = lacking.first().map_or("", |right| right.why);
        out.line(format!("  {title}: {operation} on {on} ({why})"));
    }
}

fn repository(out: &mut Text, state: &RepositoryState, retention: Option<&RetentionState>) {
    out.line(format!("repository {}: {}", state.location, count(state.snapshots as u64, "snapshot")));
    if let Some(newest) = &state.newest {
        let held = (count(newest.topics, "topic"), count(newest.groups, "group"), units::size(newest.bytes));
        let complete = if newest.incomplete.iter().all(|loss| loss.accepted) { "complete" } else { "INCOMPLETE" };
        out.line(format!(
            "  snapshot {} of {}, {} old, {complete}: {}, {}, {}",
            newest.sequence,
            newest.fences_taken,
            in_words(newest.age_seconds),
            held.0,
            held.1,
            held.2
        ));
    }
    let free = state.free_bytes.map_or("not known".to_owned(), units::size);
    let needed = retention.and_then(|retention| retention.needed_bytes);
    let needed = needed.map_or(String::new(), |bytes| format!("; the next backup needs about {}", units::size(bytes)));
    out.line(format!("  free space: {free}{needed}"));
}

fn retention(out: &mut Text, state: &RetentionState) {
    let topics = count(state.topics.iter().filter(|topic| topic.partitions > 0).count() as u64, "topic");
    out.line(format!("not saved yet: {} in {topics}", count(state.unsaved_offsets, "offset")));
    let mut soonest: Vec<&TopicLeft> = state.topics.iter().filter(|topic| topic.left_seconds.is_some()).collect();
    soonest.sort_by_key(|topic| topic.left_seconds);
    for topic in soonest.iter().take(TOPICS_MAX) {
        let (Some(left), Some(partition), Some(limit)) = (topic.left_seconds, topic.partition, topic.limit) else {
            continue;
        };
        let when = if left == 0 { "at any moment".to_owned() } else { format!("in {}", in_words(left)) };
        out.line(format!("  {}-{partition} loses unsaved data {when} ({limit})", topic.topic));
    }
    if let Some(more) = soonest.len().checked_sub(TOPICS_MAX).filter(|more| *more > 0) {
        out.line(format!("  and {} later (`--json` names all)", count(more as u64, "topic")));
    }
}
