//! The APIs this program speaks: key and versions.
//!
//! The highest versions are those of kafka-protocol 0.18. Metadata begins at v4, the first that can forbid to create
//! a topic by asking for it.

use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

use super::shape::Shape;

/// One API: its name and key, and the versions this program speaks.
#[derive(Debug)]
pub struct Api {
    /// As Kafka's documentation spells it.
    pub name: &'static str,
    /// Its number on the wire.
    pub key: i16,
    /// The lowest version spoken.
    pub least: i16,
    /// The highest version spoken.
    pub most: i16,
}

/// A request that kafka-protocol writes, with the answer it reads after [`Shape::check`].
pub trait Exchange: Encodable + HeaderVersion {
    /// The answer.
    type Answer: Decodable + HeaderVersion;
    /// Key and versions.
    const API: Api;
    /// The answer's layout.
    const SHAPE: Shape;
    /// Milliseconds the broker wants to be left alone (KIP-219).
    fn throttle(answer: &Self::Answer) -> i32;
}

/// Fetch, whose answers [`super::fetch`] reads itself.
pub const FETCH: Api = Api { name: "Fetch", key: 1, least: 4, most: 17 };
/// Produce. Brokers of 4.x announce v0, which they do not have: [`Api::least`] stands above it.
pub const PRODUCE: Api = Api { name: "Produce", key: 0, least: 3, most: 13 };
