//! What is done in a world, with trouble on the way.

use std::thread;
use std::time::Duration;

use ktape::repository::Repository as Opened;
use protocol_tests::tools::TIMEOUT;

use super::World;
use super::trouble::{Blow, Events, Ways};
use crate::campaign::captured::Captured;
use crate::campaign::clock::jumps::Jumps;
use crate::campaign::history::{Moment, Positions};
use crate::campaign::judge::judge;
use crate::campaign::restored::{Admitted, assert_back, wanted};
use crate::campaign::world::Known;
use crate::kafka::Repository;
use crate::kafka::watched::{Ended, Watched};

/// So little at a time that a run has many answers to lose.
const SMALL: [&str; 6] = ["--request-timeout", "2s", "--fetch-bytes", "64KiB", "--segment-bytes", "1MiB"];
/// In so many milliseconds the clock jumps if it does.
const LONG: u64 = 2_500;
/// For a restore.
const PATIENT: [&str; 4] = ["--request-timeout", "2s", "--memory", "1MiB"];

impl World<'_> {
    /// Runs with trouble, whose snapshots are judged, then one without, which is complete.
    pub fn back_up(&mut self) {
        let selection = [format!("{}*", self.name), format!("{}*", self.name)];
        let selection = ["--topics", &selection[0], "--groups", &selection[1]];
        for _ in 0..=self.random.below(2) {
            self.back_up_once(&selection, true);
        }
        self.back_up_once(&selection, false);
    }

    fn back_up_once(&mut self, selection: &[&str], troubled: bool) {
        let before = self.moment();
        let flags = [selection, &SMALL].concat();
        let code = if troubled {
            let (topic, _) = self.any_topic();
            self.troubled("backup", &flags, &topic)
        } else {
            Some(self.calm("backup", &flags))
        };
        let after = self.moment();
        self.tally.count(&format!("real backups: {}", words(code.as_ref())));
        let opened = open(&self.repository);
        let new: Vec<u64> =
            opened.snapshots().unwrap().into_iter().filter(|number| !self.known.contains_key(number)).collect();
        for number in new {
            let captured = Captured::read(&opened, number);
            judge(&captured, &before, &after);
            let complete = captured.incomplete.is_empty();
            let code = code.as_ref().and_then(|ended| ended.code);
            assert!(code != Some(0) || complete, "it says that all is there: {:?}", captured.incomplete);
            assert!(troubled || complete, "it is calm: {:?}", captured.incomplete);
            let records = wanted(&captured, &before, &after);
            self.known.insert(number, Known { captured, records });
            self.tally.count("real snapshots judged");
        }
        assert_eq!(self.repository.run("verify", &[]).status.code(), Some(0));
    }

    /// Prune and copy are killed now and then, and run again.
    pub fn prune_and_copy(&mut self) {
        let away = self.away.path().display().to_string();
        let prune = ["--keep-last", "2", "--grace", "0s", "--confirm"];
        for (verb, flags) in [("copy", &["--to", away.as_str()][..]), ("prune", &prune)] {
            for _ in 0..self.random.below(3) {
                let run = self.start(verb, flags);
                thread::sleep(Duration::from_millis(self.random.below(60)));
                run.kill();
            }
            self.start(verb, flags).finish().exits(0);
            self.tally.count(&format!("real {verb}"));
        }
        for repository in [&self.repository, &self.away] {
            assert_eq!(repository.run("verify", &[]).status.code(), Some(0));
            let opened = open(repository);
            for number in opened.snapshots().unwrap() {
                let captured = Captured::read(&opened, number);
                let head = opened.head(number).unwrap().head;
                let id = head.origin.map_or(captured.id.clone(), |origin| origin.id);
                let known =
                    self.known.values().find(|known| known.captured.id == id).expect("a snapshot that was judged");
                captured.assert_holds_what(&known.captured);
            }
        }
        let there = open(&self.repository).snapshots().unwrap();
        self.known.retain(|number, _| there.contains(number));
    }

    /// Brings the newest snapshot back beside the originals, however often that takes.
    pub fn restore(&mut self) {
        let back = format!("{}*={}*", self.name, self.name.replacen("world", "back", 1));
        let flags = [&["--rename", back.as_str()][..], &PATIENT].concat();
        let topic = self.any_topic().0.replacen("world", "back", 1);
        let mut done = None;
        for _ in 0..=self.random.below(3) {
            let ended = self.troubled("restore", &flags, &topic);
            self.tally.count(&format!("real restores: {}", words(ended.as_ref())));
            done = ended.filter(|ended| ended.code == Some(0)).map(|ended| ended.report);
            if done.is_some() {
                break;
            }
        }
        let report = done.unwrap_or_else(|| {
            let ended = self.calm("restore", &flags);
            self.tally.count("real restores: calm");
            ended.report
        });
        let (_, known) = self.known.last_key_value().unwrap();
        assert_back(&self.came_back(), &known.records, &known.captured, &Admitted::from(&report));
        self.tally.count("real restores judged");
    }

    /// What was restored, under its old names. Positions are those that Kafka's own tool shows.
    fn came_back(&self) -> Moment {
        self.cluster.wait_until_ready(TIMEOUT).unwrap();
        let new = |topic: &str| topic.replacen("world", "back", 1);
        let partitions = self.topics.iter().flat_map(|(topic, count)| self.logs(&new(topic), topic, *count)).collect();
        let mut groups = Positions::new();
        for ((group, topic, partition), offset) in self.cluster.tools().described_offsets().unwrap() {
            if let Some(old) = self.topics.keys().find(|old| new(old) == topic) {
                groups.entry(group).or_default().insert((old.clone(), partition), offset);
            }
        }
        Moment { partitions, groups, without_epochs: false }
    }

    /// Runs a verb while much goes wrong; nothing if it was killed.
    fn troubled(&mut self, verb: &str, flags: &[&str], topic: &str) -> Option<Ended> {
        let ways = Ways::troubled(self.cluster, &mut self.random);
        let (events, blow) = (Events::plan(&mut self.random), Blow::plan(&mut self.random));
        let there = ways.flags();
        let there: Vec<&str> = there.iter().map(String::as_str).collect();
        let jumps = Jumps::plan(&mut self.random, LONG);
        println!("{}{verb}: {events:?}, {blow:?}, clock {jumps:?}", self.name);
        let clock = self.clock.as_ref();
        if let Some(clock) = clock {
            jumps.begin(clock);
        }
        let run = Watched::start_by(clock, &self.repository, verb, &[&there, flags].concat());
        let ended = thread::scope(|scope| {
            let happening = scope.spawn(|| events.happen(self.cluster, self.desk, topic));
            scope.spawn(|| clock.map(|clock| jumps.happen(clock)));
            let left = match blow {
                Some((when, blow)) => {
                    thread::sleep(when);
                    blow.strike(run)
                }
                None => Some(run),
            };
            let ended = left.map(Watched::finish);
            happening.join().unwrap();
            ended
        });
        if let Some(Ended { code, log, report }) = &ended {
            // Whatever it is, it is one of its own answers.
            let explained = blow.is_some_and(|(_, blow)| blow.explains(*code)) || events.explain(*code, log);
            assert!(explained || matches!(code, Some(0 | 1 | 3 | 6)), "{code:?}: {report:#}\n{log}");
        }
        ended
    }

    fn calm(&self, verb: &str, flags: &[&str]) -> Ended {
        self.cluster.wait_until_ready(TIMEOUT).unwrap();
        let flags = [&["--bootstrap-server", self.cluster.bootstrap()], flags].concat();
        Watched::start_by(self.clock.as_ref(), &self.repository, verb, &flags).finish().exits(0)
    }

    /// With the clock anywhere.
    fn start(&mut self, verb: &str, flags: &[&str]) -> Watched {
        if let Some(clock) = &self.clock {
            let jumps = Jumps::plan(&mut self.random, 1);
            println!("{}{verb}: clock {}", self.name, jumps.first);
            jumps.begin(clock);
        }
        Watched::start_by(self.clock.as_ref(), &self.repository, verb, flags)
    }
}

fn open(repository: &Repository) -> Opened {
    Opened::open(&repository.path().display().to_string()).unwrap()
}

fn words(ended: Option<&Ended>) -> String {
    match ended.map(|ended| ended.code) {
        None => "killed".to_owned(),
        Some(code) => format!("exit code {}", code.map_or("none".to_owned(), |code| code.to_string())),
    }
}
