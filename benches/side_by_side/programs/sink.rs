//! The blind sink: fetches as `ktape backup` does, on one connection with nothing in flight meanwhile, and writes what
//! comes to one file. It looks at headers of batches to know where to go on, and at nothing else.

use std::collections::VecDeque;

use ktape::batch::walk;
use ktape::wire::fetch::{self, Envelope, Part};
use ktape::wire::request;
use serde_json::{Value, json};

use super::link::{CLIENT, Link};
use super::output::{Output, Way};
use crate::Outcome;

/// The last version that names topics: no metadata are needed.
const VERSION: i16 = fetch::TOPIC_IDS - 1;
/// What `ktape backup` asks for at once.
const BYTES: i32 = 4 << 20;
/// What `ktape backup` writes at once. A larger write gets huge pages for its file, and on a virtual machine those are
/// often ones that the host has taken back: then the same sink takes twice the CPU, or not.
const STRETCH: usize = 256 << 10;

pub(super) fn run(address: &str, topic: &str, partitions: i32, file: &str, way: Way) -> Outcome<Value> {
    let mut sink = Sink {
        link: Link::open(address)?,
        topic,
        left: (0..partitions).map(|partition| (partition, 0)).collect(),
        ends: vec![0; usize::try_from(partitions)?],
        file: Output::create(file, way)?,
        bytes: 0,
    };
    while !sink.left.is_empty() {
        sink.turn()?;
    }
    sink.file.finish()?;
    Ok(json!({ "bytes": sink.bytes, "ends": sink.ends }))
}

struct Sink<'a> {
    link: Link,
    topic: &'a str,
    /// Partitions that are not at their ends, with the next offset of each.
    left: VecDeque<(i32, i64)>,
    ends: Vec<i64>,
    file: Output,
    bytes: usize,
}

impl Sink<'_> {
    fn turn(&mut self) -> Outcome<()> {
        let correlation = self.link.correlation();
        let envelope = Envelope {
            version: VERSION,
            correlation,
            client_id: CLIENT,
            max_wait_ms: 500,
            min_bytes: 1,
            max_bytes: BYTES,
            read_committed: false,
        };
        let parts: Vec<Part<'_>> = self.left.iter().map(|&(partition, offset)| self.part(partition, offset)).collect();
        self.link.send(&[fetch::encode(&envelope, &parts)?])?;
        let (file, left, ends) = (&mut self.file, &mut self.left, &mut self.ends);
        self.bytes += self.link.receive(|frame| {
            let answer = fetch::read(&request::body(frame, true)?, VERSION)?;
            let mut bytes = 0;
            for part in answer.partitions {
                bytes += take(&part, file, left, ends)?;
            }
            Ok(bytes)
        })?;
        Ok(())
    }

    fn part(&self, partition: i32, offset: i64) -> Part<'_> {
        Part {
            topic: self.topic,
            topic_id: [0; 16],
            partition,
            leader_epoch: -1,
            offset,
            last_epoch: -1,
            max_bytes: BYTES,
        }
    }
}

/// Writes the whole batches; a partition that brought something goes to the end of the queue, or out of it.
fn take(
    part: &fetch::FetchedPart,
    file: &mut Output,
    left: &mut VecDeque<(i32, i64)>,
    ends: &mut [i64],
) -> Outcome<usize> {
    if part.error_code != 0 {
        return Err(format!("partition {} answered error {}", part.partition, part.error_code).into());
    }
    let mut batches = walk(&part.records);
    let mut next = None;
    for batch in batches.by_ref() {
        next = Some(batch?.modern()?.next_offset());
    }
    let Some(next) = next else { return Ok(0) };
    let whole = batches.consumed();
    part.records[..whole].chunks(STRETCH).try_for_each(|stretch| file.take(stretch))?;
    left.retain(|(partition, _)| *partition != part.partition);
    if next < part.high_watermark {
        left.push_back((part.partition, next));
    }
    if let Some(end) = ends.get_mut(usize::try_from(part.partition)?) {
        *end = next;
    }
    Ok(whole)
}
