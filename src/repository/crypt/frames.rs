//! Independent zstd frames of a bounded size, so that reading can begin at any of them.

use std::cell::RefCell;
use std::io;

use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use crate::repository::format::Frame;

/// Plain bytes of a frame. FORMAT.md promises at most 4 MiB; each segment under way holds one in memory.
const FRAME: usize = 1 << 20;

thread_local! {
    /// One for each thread that writes: a context takes more than a megabyte.
    static COMPRESSOR: RefCell<Option<(i32, Compressor<'static>)>> = const { RefCell::new(None) };
}

/// Collects plain bytes and gives them out as frames.
#[derive(Debug)]
pub(super) struct Frames {
    level: i32,
    plain: Vec<u8>,
    position: u64,
    start: u64,
    made: Vec<Frame>,
}

impl Frames {
    pub(super) fn new(level: i32) -> Self {
        Self { level, plain: Vec::new(), position: 0, start: 0, made: Vec::new() }
    }

    /// Takes bytes; every frame that is full goes to `out`.
    pub(super) fn write(&mut self, mut bytes: &[u8], mut out: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(FRAME - self.plain.len()));
            self.plain.extend_from_slice(now);
            bytes = later;
            if self.plain.len() == FRAME {
                self.flush(&mut out)?;
            }
        }
        Ok(())
    }

    /// The last frame, and where all of them begin.
    pub(super) fn finish(mut self, mut out: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<Vec<Frame>> {
        self.flush(&mut out)?;
        Ok(self.made)
    }

    fn flush(&mut self, out: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        if self.plain.is_empty() {
            return Ok(());
        }
        let frame = compress(&self.plain, self.level)?;
        self.made.push(Frame { position: self.position, start: self.start });
        self.position += self.plain.len() as u64;
        self.start += frame.len() as u64;
        self.plain.clear();
        out(&frame)
    }
}

fn compress(plain: &[u8], level: i32) -> io::Result<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some((of, compressor)) if *of == level => compressor,
            kept => {
                let mut compressor = Compressor::new(level)?;
                compressor.set_parameter(CParameter::ChecksumFlag(true))?;
                &mut kept.insert((level, compressor)).1
            }
        };
        compressor.compress(plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text that compresses.
    fn text(size: usize) -> Vec<u8> {
        (0..size).map(|at| (at * at / 7 % 251) as u8 & 0x3f).collect()
    }

    #[test]
    fn every_frame_is_full_but_the_last_and_begins_where_it_says() {
        let plain = text(5 * FRAME / 2);
        let (mut frames, mut stored) = (Frames::new(1), Vec::new());
        let mut rest = plain.as_slice();
        for size in [1, 700_000, 700_000, 1, 0, FRAME, usize::MAX] {
            let (now, later) = rest.split_at(size.min(rest.len()));
            frames.write(now, |frame| io::Write::write_all(&mut stored, frame)).unwrap();
            rest = later;
        }
        let made = frames.finish(|frame| io::Write::write_all(&mut stored, frame)).unwrap();
        let positions: Vec<u64> = made.iter().map(|frame| frame.position).collect();
        assert_eq!(positions, [0, FRAME as u64, 2 * FRAME as u64]);
        for frame in made {
            let read = zstd::decode_all(&stored[frame.start as usize..]).unwrap();
            assert!(read == plain[frame.position as usize..], "from {frame:?}");
        }
    }

    #[test]
    fn each_level_is_its_own_whatever_was_written_before() {
        let lines: Vec<String> = (0..2000).map(|at| format!("record {at} of {}\n", at * at)).collect();
        let [one, best, again] = [1, 19, 1].map(|level| compress(lines.concat().as_bytes(), level).unwrap());
        assert!(one == again && one.len() > best.len(), "{} and {}", one.len(), best.len());
    }
}
