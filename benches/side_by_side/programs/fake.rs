//! The in-memory cluster with many nearly empty partitions; it lives until its standard input ends.

use std::io::{Read, stdin};

use protocol_tests::fake::{FakeSpec, Record};

use super::say;
use crate::Outcome;

/// Partitions of a topic.
const EACH: usize = 1000;

pub(super) fn run(partitions: usize) -> Outcome<()> {
    let fake = FakeSpec::new(1).start()?;
    for first in (0..partitions).step_by(EACH) {
        let topic = format!("many-{first:06}");
        let count = EACH.min(partitions - first);
        fake.create_topic(&topic, count, &[]);
        for partition in (0..).take(count) {
            fake.produce(&topic, partition, vec![Record::new("key", "value", 1_700_000_000_000)]);
        }
    }
    say(&serde_json::json!({ "bootstrap": fake.bootstrap() }));
    stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
