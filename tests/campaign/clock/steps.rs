//! What is done in a world. Nothing goes wrong in it but the clock, and that a run is killed now and then.

use std::thread;

use protocol_tests::fake::{Fake, FakeSpec};

use super::jumps::{Jumps, ahead};
use super::{World, assert_about, open};
use crate::campaign::captured::Captured;
use crate::campaign::history::Moment;
use crate::campaign::judge::judge;
use crate::campaign::restored::{Admitted, assert_back, wanted};
use crate::campaign::world::{Known, assert_copied};
use crate::kafka::watched::{Ended, Watched};

/// As long as a run takes, more or less, in milliseconds.
const RUN: u64 = 200;
/// As many lines as a run logs, more or less.
const LINES: u64 = 50;
/// Done, or incomplete as it says.
const WELL: [i32; 2] = [0, 3];

impl World {
    pub fn back_up(&mut self, before: &Moment) {
        let jumps = self.jumps("backup");
        let there = self.source.bootstrap();
        self.run(&jumps, "backup", &["-b", &there]).ends_well();
        let new = self.look_at_new_snapshots(before);
        if jumps.later.is_none() {
            assert_about(open(&self.repository).head(new).unwrap().head.committed.0 / 1_000, jumps.first);
        }
    }

    /// The next one goes on where it stopped.
    pub fn kill_a_backup(&mut self, before: &Moment) {
        let there = self.source.bootstrap();
        self.start("backup that is killed", "backup", &["-b", &there]).kill();
        self.look_at_new_snapshots(before);
        self.tally.count("clock: backups killed");
    }

    /// A backup stands still in the middle, the clock jumps, somebody prunes, the clock jumps again, it goes on.
    pub fn prune_while_backing_up(&mut self, before: &Moment) {
        let there = self.source.bootstrap();
        let run = self.start("backup that stands still", "backup", &["-b", &there]);
        run.pause();
        // It may have been over already.
        self.look_at_new_snapshots(before);
        self.prune();
        self.jump("the backup goes on");
        run.resume();
        run.finish().ends_well();
        self.look_at_new_snapshots(before);
        self.tally.count("clock: prunes beside a backup");
    }

    /// The number of the newest.
    fn look_at_new_snapshots(&mut self, before: &Moment) -> u64 {
        let (repository, after) = (open(&self.repository), Moment::of(&self.source));
        let numbers = repository.snapshots().unwrap();
        for number in &numbers {
            if !self.known.contains_key(number) {
                let captured = Captured::read(&repository, *number);
                judge(&captured, before, &after);
                let records = wanted(&captured, before, &after);
                self.known.insert(*number, Known { captured, records });
                self.tally.count("clock: snapshots judged");
            }
        }
        // Runs sort by when they began, whatever the clock said then.
        let runs: Vec<String> = numbers.iter().map(|number| repository.head(*number).unwrap().head.run).collect();
        assert!(runs.is_sorted_by(|one, next| one < next), "{runs:?}");
        self.assert_sound();
        numbers.last().copied().unwrap_or(0)
    }

    pub fn prune(&mut self) {
        let rules = [["--keep-last", "1"], ["--keep-last", "2"], ["--keep-daily", "2"], ["--keep-within", "2d"]];
        let (rule, grace) = (*self.random.pick(&rules).unwrap(), *self.random.pick(&["0s", "1h", "24h"]).unwrap());
        let jumps = self.jumps(&format!("prune {rule:?} {grace}"));
        self.run(&jumps, "prune", &[&rule[..], &["--grace", grace, "--confirm"]].concat()).exits(0);
        let opened = open(&self.repository);
        let there = opened.snapshots().unwrap();
        assert!(there.last() >= self.known.keys().last(), "the newest snapshot is gone: {there:?}");
        for (number, known) in self.known.iter().filter(|(number, _)| there.contains(number)) {
            Captured::read(&opened, *number).assert_holds_what(&known.captured);
        }
        self.known.retain(|number, _| there.contains(number));
        self.assert_sound();
        self.tally.count("clock: prunes");
    }

    pub fn copy(&mut self) {
        let jumps = self.jumps("copy");
        self.run(&jumps, "copy", &["--to", &self.away.path().display().to_string()]).ends_well();
        assert_copied(&open(&self.away), &self.known);
        self.assert_sound();
        self.tally.count("clock: copies");
    }

    /// Brings a snapshot into another cluster; and once more when everything there is gone.
    pub fn restore(&mut self) {
        let numbers: Vec<u64> = self.known.keys().copied().collect();
        let Some(number) = self.random.pick(&numbers).copied() else { return };
        let target = FakeSpec::new(2).seed(self.random.number()).start().unwrap();
        for _ in 0..2 {
            self.restore_into(&target, number);
            target.with(|state| {
                state.topics.retain(|name, _| name.starts_with("__"));
                state.groups.clear();
            });
        }
    }

    fn restore_into(&mut self, target: &Fake, number: u64) {
        let (there, number_text) = (target.bootstrap(), number.to_string());
        let flags = ["-b", &there, "--snapshot", &number_text, "--replication-factor", "1"];
        for _ in 0..self.random.below(3) {
            self.start("restore that is killed", "restore", &flags).kill();
            self.tally.count("clock: restores killed");
        }
        // The second says that it is done already.
        for _ in 0..2 {
            let jumps = self.jumps("restore");
            let ended = self.run(&jumps, "restore", &flags).ends_well();
            let known = &self.known[&number];
            assert_back(&Moment::of(target), &known.records, &known.captured, &Admitted::from(&ended.report));
        }
        self.tally.count("clock: restores judged");
    }

    /// Whoever only looks at what is there does not stumble over times that cannot be.
    pub fn look(&mut self) {
        for verb in ["list", "show", "check"] {
            if verb == "show" && self.known.is_empty() {
                continue;
            }
            let jumps = self.jumps(verb);
            let ended = self.run(&jumps, verb, &[]);
            assert!(matches!(ended.code, Some(0 | 3)), "{verb}: {:?}\n{}", ended.code, ended.log);
        }
    }

    fn jumps(&mut self, what: &str) -> Jumps {
        let jumps = Jumps::plan(&mut self.random, RUN);
        println!("clock world {}: {what}: {jumps:?}", self.seed);
        jumps
    }

    fn jump(&mut self, what: &str) {
        let ahead = ahead(&mut self.random);
        println!("clock world {}: {what}: {ahead}", self.seed);
        self.clock.set(ahead).unwrap();
    }

    /// A run that has come to some point.
    fn start(&mut self, what: &str, verb: &str, flags: &[&str]) -> Watched {
        self.jump(what);
        let lines = self.random.below(LINES) as usize;
        let mut run = Watched::start_by(Some(&self.clock), &self.repository, verb, flags);
        run.wait_for(lines, |_| true);
        run
    }

    /// Runs a verb to its end while the clock does what it does.
    fn run(&self, jumps: &Jumps, verb: &str, flags: &[&str]) -> Ended {
        jumps.begin(&self.clock);
        let run = Watched::start_by(Some(&self.clock), &self.repository, verb, flags);
        thread::scope(|scope| {
            scope.spawn(|| jumps.happen(&self.clock));
            run.finish()
        })
    }

    fn assert_sound(&self) {
        for repository in [&self.repository, &self.away] {
            let verified = repository.run("verify", &[]);
            assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
        }
    }
}

impl Ended {
    #[track_caller]
    fn ends_well(self) -> Self {
        assert!(self.code.is_some_and(|code| WELL.contains(&code)), "{:?}: {:#}\n{}", self.code, self.report, self.log);
        self
    }
}
