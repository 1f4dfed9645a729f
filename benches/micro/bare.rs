//! The bare work: copying, checksums, digests and writing of bytes that nobody looks at.

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;

use twox_hash::XxHash3_128;

use crate::Outcome;
use crate::batches::{TIMES, plain_log};
use crate::case::Case;

pub(crate) const MEMCPY: &str = "memcpy";
pub(crate) const CRC: &str = "bare CRC-32C";
pub(crate) const WRITE: &str = "bare write to a file";
pub(crate) const BLAKE3: &str = "BLAKE3";

pub(crate) fn cases(file: &Path) -> Outcome<Vec<Case>> {
    let file = file.to_owned();
    let mut target = vec![0; plain_log(0)?.len()];
    Ok(vec![
        over_bytes(MEMCPY, &[], move |bytes| target.copy_from_slice(black_box(bytes)))?,
        over_bytes(CRC, &[MEMCPY], |bytes| {
            black_box(crc32c::crc32c(bytes));
        })?,
        over_bytes(BLAKE3, &[MEMCPY], |bytes| {
            black_box(blake3::hash(bytes));
        })?,
        over_bytes("XXH3-128", &[MEMCPY], |bytes| {
            black_box(XxHash3_128::oneshot(bytes));
        })?,
        write(&file)?,
    ])
}

fn over_bytes(
    name: &'static str,
    over: &'static [&'static str],
    mut act: impl FnMut(&[u8]) + 'static,
) -> Outcome<Case> {
    let log = plain_log(0)?;
    let work = move || {
        (0..TIMES).for_each(|_| act(&log));
        Ok(())
    };
    Ok(Case { name, bytes: plain_log(0)?.len() * TIMES, over, work: Box::new(work) })
}

fn write(path: &Path) -> Outcome<Case> {
    let (log, path) = (plain_log(0)?, path.to_owned());
    let bytes = log.len() * TIMES;
    let work = move || {
        let mut file = File::create(&path)?;
        (0..TIMES).try_for_each(|_| file.write_all(&log))?;
        // As a segment that is dropped before it is sealed.
        Ok(std::fs::remove_file(&path)?)
    };
    Ok(Case { name: WRITE, bytes, over: &[MEMCPY], work: Box::new(work) })
}
