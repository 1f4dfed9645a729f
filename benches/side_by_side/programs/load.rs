//! Fills a topic with batches of a fixed seed.

use std::str::FromStr;

use bytes::Bytes;
use ktape::batch::Codec;
use serde_json::{Value, json};

use super::sender::{Outgoing, Sender};
use crate::Outcome;
use crate::common::records::{Shape, batches};

/// Every data set has this one.
const SEED: u64 = 8;
/// Most bytes and batches of a request.
const REQUEST_BYTES: usize = 8 << 20;
const REQUEST_BATCHES: usize = 1000;

/// What to put into each partition of a topic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) partitions: usize,
    /// Batches of each partition.
    pub(crate) batches: usize,
    pub(crate) shape: Shape,
}

impl Load {
    /// Records of the whole topic.
    pub(crate) fn records(&self) -> u64 {
        (self.partitions * self.batches * self.shape.per_batch) as u64
    }

    /// As an argument.
    pub(crate) fn text(&self) -> String {
        let Shape { value_bytes, per_batch, codec } = self.shape;
        format!("{}:{}:{per_batch}:{value_bytes}:{codec}", self.partitions, self.batches)
    }
}

impl FromStr for Load {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Outcome<Self> {
        let words: Vec<&str> = text.split(':').collect();
        let [partitions, batches, per_batch, value_bytes, codec] = words[..] else {
            return Err(format!("not a load: {text}").into());
        };
        let codecs = [Codec::None, Codec::Lz4, Codec::Zstd];
        let codec = codecs.into_iter().find(|known| known.name() == codec).ok_or("no such codec")?;
        let shape = Shape { value_bytes: value_bytes.parse()?, per_batch: per_batch.parse()?, codec };
        Ok(Self { partitions: partitions.parse()?, batches: batches.parse()?, shape })
    }
}

pub(super) fn run(address: &str, topic: &str, load: &Load) -> Outcome<Value> {
    let batches = batches(load.shape, SEED)?;
    let largest = batches.iter().map(Bytes::len).max().unwrap_or(1);
    let together = (REQUEST_BYTES / largest).clamp(1, REQUEST_BATCHES);
    let partitions: Vec<i32> = (0..).take(load.partitions).collect();
    let mut sender = Sender::open(address, topic)?;
    for batch in batches.iter().cycle().take(load.batches) {
        for some in partitions.chunks(together) {
            sender.send(&some.iter().map(|partition| outgoing(*partition, batch)).collect::<Outcome<Vec<_>>>()?)?;
        }
    }
    sender.finish()?;
    Ok(json!({ "records": load.records() }))
}

fn outgoing(partition: i32, batch: &Bytes) -> Outcome<Outgoing> {
    let header = batch.first_chunk().ok_or("a batch without a header")?;
    Ok((partition, *header, batch.slice(header.len()..)))
}
