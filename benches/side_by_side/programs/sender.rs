//! Produce requests with acks from all replicas, up to five on their way.

use bytes::Bytes;
use kafka_protocol::messages::ProduceRequest;
use ktape::batch::HEADER_SIZE;
use ktape::wire::produce::{self, Envelope, Part};
use ktape::wire::request;

use super::link::{CLIENT, Link};
use crate::Outcome;

/// The last version that names topics: no metadata are needed.
const VERSION: i16 = produce::TOPIC_IDS - 1;
/// As Kafka's own producer has it.
const IN_FLIGHT: i32 = 5;
/// What the broker may wait for its followers.
const TIMEOUT_MS: i32 = 30_000;

/// A batch on its way: its partition, its header and what follows that.
pub(super) type Outgoing = (i32, [u8; HEADER_SIZE], Bytes);

pub(super) struct Sender<'a> {
    link: Link,
    topic: &'a str,
}

impl<'a> Sender<'a> {
    pub(super) fn open(address: &str, topic: &'a str) -> Outcome<Self> {
        Ok(Self { link: Link::open(address)?, topic })
    }

    /// Sends one request with at most one batch of each partition; waits for an answer first if five are missing.
    pub(super) fn send(&mut self, batches: &[Outgoing]) -> Outcome<()> {
        while self.link.in_flight() >= IN_FLIGHT {
            self.take_answer()?;
        }
        let correlation = self.link.correlation();
        let envelope = Envelope { version: VERSION, correlation, client_id: CLIENT, timeout_ms: TIMEOUT_MS };
        let parts: Vec<Part<'_>> = batches.iter().map(|batch| part(self.topic, batch)).collect();
        self.link.send(&produce::encode(&envelope, &parts)?)
    }

    /// Waits for all answers.
    pub(super) fn finish(&mut self) -> Outcome<()> {
        while self.link.in_flight() > 0 {
            self.take_answer()?;
        }
        Ok(())
    }

    fn take_answer(&mut self) -> Outcome<()> {
        let answer = self.link.receive(|frame| Ok(request::decode::<ProduceRequest>(frame, VERSION)?))?;
        let mut parts = answer.responses.iter().flat_map(|topic| &topic.partition_responses);
        match parts.find(|part| part.error_code != 0) {
            Some(part) => Err(format!("partition {} refused a batch: error {}", part.index, part.error_code).into()),
            None => Ok(()),
        }
    }
}

fn part<'a>(topic: &'a str, (partition, header, payload): &'a Outgoing) -> Part<'a> {
    Part { topic, topic_id: [0; 16], partition: *partition, header, payload }
}
