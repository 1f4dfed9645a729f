//! What goes wrong: on the way to the brokers, among them, and in the store.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use ktape::store::{self, FaultyStore, MemoryStore, Operation};
use protocol_tests::fake::{Action, Change, Fake, Fault, Random, Release};

use super::shape;

const PRODUCE: i16 = 0;
const FETCH: i16 = 1;
/// Everything that is refused with in a partition: not its leader, a new epoch, gone, busy, damaged on its way.
const REFUSALS: [i16; 7] = [6, 5, 3, 56, 74, 78, 7];

/// Faults of a cluster that is read. Some append to it, or trim it, while it is.
pub fn of_source(fake: &Arc<Fake>, random: &mut Random) {
    for _ in 0..random.below(4) {
        let fault = fault(fake, random, FETCH);
        fake.fault(fault);
    }
    if random.once_in(3)
        && let Some((topic, partition)) = shape::any_partition(fake, random).filter(|(topic, _)| topic != "latest")
    {
        let [start, stable, ..] = fake.bounds(&topic, partition).unwrap();
        let to = start + random.below((stable - start) as u64 + 1) as i64;
        let trim = Change::Trim(topic, partition, to);
        fake.fault(Fault::on(FETCH, 1 + random.below(3) as usize, Action::Pass).before(trim));
    }
    if random.once_in(3) {
        let (writer, mut random) = (Arc::downgrade(fake), Random::new(random.number()));
        fake.on_request(move |exchange| {
            if let Some(fake) = writer.upgrade().filter(|_| exchange.number % 7 == 0) {
                shape::write(&fake, &mut random);
            }
            None
        });
    }
}

/// Faults of a cluster that is written to.
pub fn of_target(fake: &Fake, random: &mut Random) {
    for _ in 0..random.below(5) {
        let fault = fault(fake, random, PRODUCE);
        fake.fault(fault);
    }
}

fn fault(fake: &Fake, random: &mut Random, api: i16) -> Fault {
    let action = action(random);
    let data_only = matches!(action, Action::Refuse(_));
    let fault = if data_only || random.once_in(2) {
        Fault::on(api, 1 + random.below(12) as usize, action)
    } else {
        Fault::on_any(1 + random.below(60) as usize, action)
    };
    let fault = fault.times(1 + random.below(3) as usize);
    let before = random.once_in(2);
    let changes = changes(fake, random).unwrap_or_default().into_iter();
    changes.fold(fault, |fault, change| if before { fault.before(change) } else { fault.after(change) })
}

/// Nothing is corrupted: only batches have a checksum, and what becomes of those has a test of its own.
fn action(random: &mut Random) -> Action {
    let place = random.below(400) as usize;
    match random.below(13) {
        0 | 1 => Action::Pass,
        2 => Action::Delay(Duration::from_millis(random.below(600))),
        3 => Action::Cut,
        4 => Action::Swallow,
        5 | 6 => Action::Lose,
        7 => Action::CutAfter(place),
        8 => Action::StallAfter(place),
        9 => Action::Trickle(1 + place, Duration::from_millis(1)),
        10 => Action::Duplicate,
        11 => Action::Throttle(1 + random.below(50) as i32),
        _ => Action::Refuse(*random.pick(&REFUSALS).unwrap()),
    }
}

fn changes(fake: &Fake, random: &mut Random) -> Option<Vec<Change>> {
    let nodes: Vec<i32> = fake.with(|state| state.brokers.keys().copied().collect());
    let node = *random.pick(&nodes)?;
    let (topic, partition) = shape::any_partition(fake, random)?;
    let one = match random.below(14) {
        0 => Change::Kill(node),
        1 => Change::Hang(node),
        2 => Change::Wake(node),
        3 | 4 => Change::Restart(node),
        5 => Change::MoveAll(node),
        6 => Change::MoveLeader(topic, partition, node),
        // A coordinator reads its groups when it becomes one.
        7 if nodes.len() > 1 => {
            let home = random.below(4) as i32;
            let leader = fake.with(|state| state.partition("__consumer_offsets", home).map(|found| found.leader))?;
            let another = *nodes.iter().find(|node| **node != leader)?;
            let moved = Change::MoveLeader("__consumer_offsets".to_owned(), home, another);
            return Some(vec![Change::Load(home), moved]);
        }
        8 => Change::Loaded(random.below(4) as i32),
        // A new leader does not know yet up to where all have it. Before 2.2 it does not say so.
        9 if fake.with(|state| state.release) >= Release::V2_4 => {
            let end = fake.bounds(&topic, partition)?[3];
            let hold = Change::Hold(topic.clone(), partition, end - random.below(10) as i64);
            return Some(vec![hold, Change::MoveLeader(topic, partition, node)]);
        }
        10 => Change::Release(topic, partition),
        // Up to 2.4 such a leader takes nothing more of it (`fake::told`).
        11 if fake.with(|state| state.release) > Release::V2_4 => Change::ForgetProducers(topic, partition),
        _ => return None,
    };
    Some(vec![one])
}

/// Faults of a store: requests that fail, answers that get lost, torn writes, a full disk.
pub fn of_store(store: &FaultyStore<MemoryStore>, random: &mut Random) {
    for _ in 0..random.below(3) {
        let operation = *random.pick(&Operation::ALL).unwrap();
        let nth = 1 + random.below(40) as u32;
        let kinds = [ErrorKind::ConnectionReset, ErrorKind::PermissionDenied, ErrorKind::TimedOut, ErrorKind::Other];
        store.inject(match random.below(4) {
            0 => store::Fault::LostAnswer { operation, nth },
            1 => store::Fault::TornWrite { nth, bytes: random.below(300) as usize },
            2 => store::Fault::FullAfter { bytes: random.below(60_000) },
            _ => store::Fault::Fails { operation, nth, with: *random.pick(&kinds).unwrap() },
        });
    }
}
