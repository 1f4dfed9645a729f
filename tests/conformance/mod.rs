//! The same questions to the fake and to a real broker: where both can be asked, both say the same. What the fake is
//! trusted with elsewhere rests on this.

mod fetch;
mod groups;
mod produce;
mod topics;
mod transactions;
mod wire;

use std::io::{self, Write};

use protocol_tests::Cluster;
use protocol_tests::fake::{Fake, FakeSpec, Release};

use wire::Wire;

/// A cluster of one broker that scenarios run on.
trait Fixture {
    fn address(&self) -> String;
}

impl Fixture for Fake {
    fn address(&self) -> String {
        self.bootstrap()
    }
}

impl Fixture for Cluster {
    fn address(&self) -> String {
        self.bootstrap().to_owned()
    }
}

type Scenario = fn(&mut Wire);

const SCENARIOS: &[(&str, Scenario)] = &[
    ("versions", topics::versions),
    ("life", topics::life),
    ("markers", topics::markers),
    ("rules", produce::rules),
    ("sequences", produce::sequences),
    ("answers", fetch::answers),
    ("trimmed", fetch::trimmed),
    ("offsets", fetch::offsets),
    ("commits", groups::commits),
    ("transactions", transactions::transactions),
];

fn run(on: &dyn Fixture, name: &str, scenario: Scenario) -> Wire {
    let mut wire = Wire::connect(&on.address(), name);
    scenario(&mut wire);
    wire
}

#[test]
fn the_fake_answers_as_a_real_broker_does() {
    let real = crate::kafka::target();
    let (mut scenarios, mut answers, mut differ) = (0, 0, Vec::new());
    for (name, scenario) in SCENARIOS {
        let fake = FakeSpec::new(1).release(Release::V4_2).start().unwrap();
        let faked = run(&fake, name, *scenario).told;
        let told = run(real, name, *scenario).told;
        assert_eq!(faked.keys().collect::<Vec<_>>(), told.keys().collect::<Vec<_>>());
        scenarios += 1;
        answers += told.len();
        differ.extend(
            told.iter()
                .filter(|(label, answer)| faked.get(*label) != Some(answer))
                .map(|(label, answer)| format!("{name}: {label}\n    real {answer}\n    fake {}", faked[label])),
        );
    }
    // Not through the macros, whose output the test runner keeps to itself.
    let _ = writeln!(
        io::stderr(),
        "conformance: {scenarios} scenarios with {answers} answers ran on the fake, the same on Kafka"
    );
    assert!(differ.is_empty(), "{} of {answers} answers differ:\n{}", differ.len(), differ.join("\n"));
}
