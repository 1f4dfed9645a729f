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
