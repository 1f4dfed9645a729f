//! One seed: a cluster, its repositories, and what is known of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ktape::cluster::ClusterOptions;
use ktape::progress::Silent;
use ktape::repository::{InitOptions, Repository};
use ktape::retry::Policy;
use ktape::store::{FaultyStore, MemoryStore};
use ktape::verify::{VerifyOptions, verify};
use ktape::{cancel::Cancel, repository};
use protocol_tests::fake::{Fake, Random};

use super::captured::Captured;
use super::restored::Records;
use super::shape;

/// What happened, over all worlds.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    pub fn count(&mut self, what: &str) {
        *self.0.entry(what.to_owned()).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what.clone()).or_default() += times;
        }
    }
}

/// A snapshot that was judged, and what a restore of it must bring.
#[derive(Debug)]
pub struct Known {
    pub captured: Captured,
    pub records: Records,
}

/// Copies of what is known hold what their originals held.
pub fn assert_copied(away: &Repository, known: &BTreeMap<u64, Known>) {
    for number in away.snapshots().unwrap() {
        let origin = away.head(number).unwrap().head.origin.unwrap();
        let copied = Captured::read(away, number);
        if let Some(known) = known.values().find(|known| known.captured.id == origin.id) {
            copied.assert_holds_what(&known.captured);
        }
    }
}

/// A cluster, its repository, a second one for copies.
pub struct World {
    pub random: Random,
    pub source: Arc<Fake>,
    pub store: FaultyStore<MemoryStore>,
    pub away: FaultyStore<MemoryStore>,
    /// By number.
    pub known: BTreeMap<u64, Known>,
    pub tally: Tally,
}

impl World {
    /// From beginning to end; panics where something is not as it should be.
    pub fn live(seed: u64) -> Tally {
        let mut random = Random::new(seed);
        let (store, away) = (FaultyStore::new(MemoryStore::new()), FaultyStore::new(MemoryStore::new()));
        for one in [&store, &away] {
            let compression = random.once_in(2).then_some(repository::format::Compression::Zstd { level: 1 });
            let options = InitOptions { compression, ..InitOptions::default() };
            Repository::init_in_with(Arc::new(one.clone()), &options).unwrap();
        }
        let source = shape::source(&mut random);
        let mut world = Self { random, source, store, away, known: BTreeMap::new(), tally: Tally::default() };
        for _ in 0..3 + world.random.below(5) {
            match world.random.below(8) {
                0 => world.prune(),
                1 => world.copy(),
                _ => world.back_up(),
            }
            let source = Arc::clone(&world.source);
            shape::go_on(&source, &mut world.random);
        }
        world.restore();
        world.tally
    }

    /// The repository, opened anew as every run of the program does.
    pub fn repository(&self) -> Repository {
        Repository::open_in(Arc::new(self.store.clone())).unwrap()
    }

    /// Nothing that a snapshot names is damaged.
    pub fn assert_sound(store: &FaultyStore<MemoryStore>) {
        let repository = Repository::open_in(Arc::new(store.clone())).unwrap();
        let options = VerifyOptions { threads: 1, ..VerifyOptions::default() };
        let report = verify(&repository, &options, &Silent, &Cancel::new()).unwrap();
        assert!(report.is_sound(), "{:?}", report.damage);
    }
}

/// Impatient, so that a world does not take minutes.
pub fn options(fake: &Fake) -> ClusterOptions {
    let retry = Policy {
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(100),
        budget: Duration::from_millis(1_500),
        ..Policy::default()
    };
    let patience = Duration::from_millis(300);
    let bootstrap = fake.bootstrap();
    let options = ClusterOptions::new(bootstrap.split(','));
    ClusterOptions { retry, request_timeout: patience, connect_timeout: patience, ..options }
}
