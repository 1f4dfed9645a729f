//! An in-memory Kafka cluster: brokers that listen on loopback, answer by Kafka's rules, pose as any release since 0.11,
//! and fail as a script says. It starts in milliseconds, and what lies in it can be looked at and changed.
//!
//! ```
//! use protocol_tests::fake::{FakeSpec, Record};
//!
//! let fake = FakeSpec::new(3).seed(7).start().unwrap();
//! fake.create_topic("orders", 4, &[("retention.ms", "-1")]);
//! fake.produce("orders", 0, vec![Record::new("key", "value", 1_700_000_000_000)]);
//! fake.commit("shop", "orders", 0, 1, "noon");
//! assert_eq!(fake.committed_records("orders", 0).len(), 1);
//! println!("--bootstrap-server {}", fake.bootstrap());
//! ```

mod admit;
mod api;
pub mod batch;
mod cluster;
pub mod code;
pub mod codec;
mod connection;
pub mod groups;
pub mod key;
mod leaders;
pub mod log;
pub mod producers;
pub mod random;
pub mod record;
pub mod release;
pub mod script;
mod seeding;
mod settings;
mod shared;
pub mod state;
pub mod topics;
mod view;

pub use batch::Batch;
pub use cluster::{Fake, FakeSpec};
pub use codec::Codec;
pub use groups::Committed;
pub use random::Random;
pub use record::Record;
pub use release::Release;
pub use script::{Action, Change, Exchange, Fault};
pub use state::State;
pub use view::Positions;
