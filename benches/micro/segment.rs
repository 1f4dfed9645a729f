//! Writing a segment: everything that a backup does with bytes once they are there, but for the sync.

use std::path::Path;

use ktape::model::{Timestamp, TopicId, TopicName};
use ktape::repository::{Repository, SegmentStart};

use crate::Outcome;
use crate::bare::{BLAKE3, CRC, WRITE};
use crate::batches::{TIMES, next_offset, plain_log};
use crate::case::Case;

pub(crate) fn case(folder: &Path) -> Outcome<Case> {
    let repository = Repository::init(folder.to_str().ok_or("a folder that is not UTF-8")?)?;
    let start = SegmentStart {
        topic: TopicName::new("bench")?,
        topic_id: TopicId([8; 16]),
        partition: 0,
        lineage: 0,
        run: "bench".to_owned(),
        open: Vec::new(),
    };
    // One log after the other: offsets must ascend.
    let logs = (0..).take(TIMES).map(|number| plain_log(number * next_offset())).collect::<Outcome<Vec<_>>>()?;
    let bytes = logs.iter().map(Vec::len).sum();
    let work = move || {
        let mut writer = repository.create_segment(start.clone())?;
        for log in &logs {
            writer.append_run(log, i64::MAX, Timestamp(0))?;
        }
        // Dropped before it is sealed, nothing of it remains.
        Ok(())
    };
    Ok(Case { name: "segment write, CRC and digest", bytes, over: &[WRITE, CRC, BLAKE3], work: Box::new(work) })
}
