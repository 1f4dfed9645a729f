//! What is done in a world, with faults on the way.

use std::sync::Arc;
use std::time::Duration;

use ktape::backup::{BackupOptions, backup};
use ktape::cancel::Cancel;
use ktape::cluster::Cluster;
use ktape::copy::{self, CopyOptions};
use ktape::progress::Silent;
use ktape::prune::{Policy, PruneOptions, prune};
use ktape::repository::{Repository, SnapshotChoice};
use ktape::restore::{RestoreOptions, RestoreReport, restore};
use ktape::verb::Context;
use protocol_tests::fake::{Fake, FakeSpec, Release};
use tokio::runtime::{Builder, Runtime};

use super::captured::Captured;
use super::faults;
use super::history::Moment;
use super::judge::judge;
use super::restored::{Admitted, assert_back, wanted};
use super::world::{Known, World, assert_copied, options};

/// How long a partition may give nothing.
const STALL: Duration = Duration::from_secs(2);
/// Longer than all patience together: what lasts longer hangs.
const HANGS: Duration = Duration::from_secs(90);
/// Attempts of a restore with faults before it is left alone.
const TROUBLED: usize = 3;

/// How a run ended.
enum Ended<T> {
    Well(T),
    Badly,
    Killed,
}

impl World {
    pub fn back_up(&mut self) {
        let before = Moment::of(&self.source);
        faults::of_source(&self.source, &mut self.random);
        faults::of_store(&self.store, &mut self.random);
        let kill = self.kill();
        let (source, repository) = (Arc::clone(&self.source), Repository::open_in(Arc::new(self.store.clone())));
        let ended = run("backup", kill, async move {
            let options =
                BackupOptions { stall_timeout: STALL, fetch_bytes: 4_000, segment_bytes: 6_000, ..Default::default() };
            let (cluster, repository) = (connect(&source).await?, repository.ok()?);
            let (progress, cancel) = (&Silent, &Cancel::new());
            let context = Context { cluster: &cluster, repository: &repository, options: &options, progress, cancel };
            backup(context).await.ok()
        });
        self.source.heal();
        self.store.heal();
        let after = Moment::of(&self.source);
        match &ended {
            Ended::Well(report) if report.is_complete() => self.tally.count("backups complete"),
            Ended::Well(_) => self.tally.count("backups reported incomplete"),
            Ended::Badly => self.tally.count("backups failed"),
            Ended::Killed => self.tally.count("backups killed"),
        }
        self.look_at_new_snapshots(&before, &after);
    }

    fn look_at_new_snapshots(&mut self, before: &Moment, after: &Moment) {
        let repository = self.repository();
        for number in repository.snapshots().unwrap() {
            if self.known.contains_key(&number) {
                continue;
            }
            let captured = Captured::read(&repository, number);
            judge(&captured, before, after);
            let records = wanted(&captured, before, after);
            self.known.insert(number, Known { captured, records });
            self.tally.count("snapshots judged");
        }
        Self::assert_sound(&self.store);
    }

    pub fn prune(&mut self) {
        let newest = self.known.keys().max().copied();
        let last = 1 + self.random.below(3) as u32;
        let grace = Duration::from_secs(if self.random.once_in(2) { 0 } else { 3600 });
        let options = PruneOptions { policy: Policy { last, ..Policy::default() }, grace, ..PruneOptions::default() };
        for _ in 0..2 {
            let repository = self.repository();
            faults::of_store(&self.store, &mut self.random);
            let done = prune(&repository, &options, &Silent, &Cancel::new());
            self.store.heal();
            self.tally.count(if done.is_ok() { "prunes done" } else { "prunes failed" });
            self.look_at_old_snapshots(newest);
        }
    }

    /// What is still there is as it was, and the newest is there.
    fn look_at_old_snapshots(&mut self, newest: Option<u64>) {
        let repository = self.repository();
        let there = repository.snapshots().unwrap();
        assert!(newest.is_none_or(|newest| there.contains(&newest)), "the newest snapshot is gone");
        for number in &there {
            Captured::read(&repository, *number).assert_holds_what(&self.known[number].captured);
        }
        self.known.retain(|number, _| there.contains(number));
        Self::assert_sound(&self.store);
    }

    pub fn copy(&mut self) {
        let (from, to) = (self.repository(), Repository::open_in(Arc::new(self.away.clone())).unwrap());
        faults::of_store(&self.store, &mut self.random);
        faults::of_store(&self.away, &mut self.random);
        let options = CopyOptions { threads: 2, ..CopyOptions::default() };
        let (progress, cancel) = (&Silent, &Cancel::new());
        let done = copy::copy(copy::Context { source: &from, target: &to, options: &options, progress, cancel });
        self.store.heal();
        self.away.heal();
        self.tally.count(if done.is_ok() { "copies done" } else { "copies failed" });
        let there = Repository::open_in(Arc::new(self.away.clone())).unwrap();
        assert_copied(&there, &self.known);
        Self::assert_sound(&self.away);
    }

    /// Brings one snapshot into another cluster, however often that takes.
    pub fn restore(&mut self) {
        let numbers: Vec<u64> = self.known.keys().copied().collect();
        let Some(number) = self.random.pick(&numbers).copied() else { return };
        let target = FakeSpec::new(1 + self.random.below(3) as i32).seed(self.random.number());
        let releases: Vec<Release> = Release::ALL.into_iter().filter(|one| *one >= Release::V2_4).collect();
        let target = Arc::new(target.release(*self.random.pick(&releases).unwrap()).start().unwrap());
        for attempt in 0..TROUBLED + 2 {
            let troubled = attempt < TROUBLED;
            if troubled {
                faults::of_target(&target, &mut self.random);
                faults::of_store(&self.store, &mut self.random);
            }
            let kill = if troubled { self.kill() } else { None };
            let ended = self.attempt(&target, number, kill);
            target.heal();
            self.store.heal();
            match ended {
                Ended::Well(report) => {
                    self.tally.count("restores done");
                    let known = &self.known[&number];
                    assert_back(&Moment::of(&target), &known.records, &known.captured, &Admitted::from(&report));
                    return;
                }
                Ended::Badly => self.tally.count("restores failed"),
                Ended::Killed => self.tally.count("restores killed"),
            }
        }
        panic!("snapshot {number} cannot be restored even where nothing is wrong");
    }

    fn attempt(&self, target: &Arc<Fake>, number: u64, kill: Option<Duration>) -> Ended<RestoreReport> {
        let (target, repository) = (Arc::clone(target), Repository::open_in(Arc::new(self.store.clone())));
        run("restore", kill, async move {
            let snapshot = SnapshotChoice::Number(number);
            let options = RestoreOptions {
                snapshot,
                stall_timeout: STALL,
                request_bytes: 4_000,
                replication_factor: Some(1),
                ..RestoreOptions::default()
            };
            let (cluster, repository) = (connect(&target).await?, repository.ok()?);
            let (progress, cancel) = (&Silent, &Cancel::new());
            let context = Context { cluster: &cluster, repository: &repository, options: &options, progress, cancel };
            match restore(context).await {
                Ok(report) => Some(report),
                Err(error) => {
                    println!("restore of {number} failed: {error}");
                    None
                }
            }
        })
    }

    /// When the next run is killed, if it is.
    fn kill(&mut self) -> Option<Duration> {
        self.random.once_in(4).then(|| Duration::from_millis(self.random.below(250)))
    }
}

async fn connect(fake: &Fake) -> Option<Cluster> {
    Cluster::connect(options(fake)).await.ok()
}

/// Runs it to its end or until it is killed: then everything of it that still runs is gone with its runtime.
fn run<T: Send + 'static>(
    what: &str,
    kill: Option<Duration>,
    work: impl Future<Output = Option<T>> + Send + 'static,
) -> Ended<T> {
    let runtime: Runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let ended = runtime.block_on(async {
        match tokio::time::timeout(kill.unwrap_or(HANGS), tokio::spawn(work)).await {
            Ok(joined) => joined.expect("nothing panics").map_or(Ended::Badly, Ended::Well),
            Err(_elapsed) if kill.is_some() => Ended::Killed,
            Err(elapsed) => panic!("{what} hangs: {elapsed}"),
        }
    });
    // A thread that is just writing would go on after its kill, into what comes next.
    runtime.shutdown_timeout(HANGS);
    ended
}
