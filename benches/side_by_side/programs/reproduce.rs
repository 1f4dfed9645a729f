//! The bare re-produce: all batches of the broker's segments are in memory before the clock starts; then each gets a
//! producer's header with a new checksum and is sent, one of each partition in a request.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use ktape::batch::{HEADER_SIZE, ProducerStamp, reheader, walk};
use serde_json::{Value, json};

use super::clock::Stretch;
use super::segments;
use super::sender::{Outgoing, Sender};
use crate::Outcome;

/// Batches of a request.
const TOGETHER: usize = 8;

/// A partition of the target and the batches it still lacks.
struct Queue {
    partition: i32,
    batches: VecDeque<Bytes>,
}

/// `folders`: one of the broker's for each partition, in their order.
pub(super) fn run(address: &str, topic: &str, folders: &[&str]) -> Outcome<Value> {
    let mut queues = Vec::new();
    for (partition, folder) in (0..).zip(folders) {
        queues.push(Queue { partition, batches: batches_in(Path::new(folder))? });
    }
    let mut sender = Sender::open(address, topic)?;
    let stretch = Stretch::begin();
    let mut sent = 0;
    while queues.iter().any(|queue| !queue.batches.is_empty()) {
        for some in queues.chunks_mut(TOGETHER) {
            let batches = some.iter_mut().filter_map(next).collect::<Outcome<Vec<_>>>()?;
            sent += batches.len();
            if !batches.is_empty() {
                sender.send(&batches)?;
            }
        }
    }
    sender.finish()?;
    let mut said = stretch.end();
    said["batches"] = json!(sent);
    Ok(said)
}

fn next(queue: &mut Queue) -> Option<Outcome<Outgoing>> {
    let batch = queue.batches.pop_front()?;
    let header = reheader(&batch, ProducerStamp::NONE);
    Some(header.map(|header| (queue.partition, header, batch.slice(HEADER_SIZE..))).map_err(Into::into))
}

fn batches_in(folder: &Path) -> Outcome<VecDeque<Bytes>> {
    let mut batches = VecDeque::new();
    for path in segments::of(folder)? {
        let bytes = Bytes::from(fs::read(&path)?);
        let mut at = 0;
        for batch in walk(&bytes) {
            let size = batch?.bytes().len();
            batches.push_back(bytes.slice(at..at + size));
            at += size;
        }
        if at != bytes.len() {
            return Err(format!("{}: something follows the last batch", path.display()).into());
        }
    }
    Ok(batches)
}
