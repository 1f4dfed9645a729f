//! The APIs this program speaks: key and versions.
//!
//! The highest versions are those of kafka-protocol 0.18. Metadata begins at v4, the first that can forbid to create
//! a topic by asking for it.

use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion};

use super::WireError;
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

    /// Writes the request's body.
    fn put(&self, frame: &mut BytesMut, version: i16) -> Result<(), WireError> {
        self.encode(frame, version).map_err(|error| WireError::Encode(error.to_string()))
    }

    /// Reads the answer's body, which has passed [`Shape::check`].
    fn read(body: &mut Bytes, version: i16) -> Result<Self::Answer, WireError> {
        Self::Answer::decode(body, version).map_err(|error| WireError::Decode(error.to_string()))
    }
}

/// Fetch, whose answers [`super::fetch`] reads itself.
pub const FETCH: Api = Api { name: "Fetch", key: 1, least: 4, most: 17 };
/// Produce. Brokers of 4.x announce v0, which they do not have: [`Api::least`] stands above it.
pub const PRODUCE: Api = Api { name: "Produce", key: 0, least: 3, most: 13 };
