//! How a sink writes its file.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{OFlags, fcntl_setfl};

/// What is written past the page cache at a time.
const BLOCK: usize = 512 << 10;
/// What addresses must be multiples of there.
const ALIGNMENT: usize = 4096;

/// In which way a sink writes its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Into the page cache, and no further.
    Cached,
    /// The same, and synced in the end.
    Synced,
    /// Past the page cache, and synced in the end, as `ktape backup` does it.
    Direct,
}

/// The file of a sink.
pub(super) struct Output {
    file: File,
    way: Way,
    memory: Vec<u8>,
    /// Where in it the aligned part begins.
    start: usize,
    filled: usize,
}

impl Output {
    /// A new file.
    pub(super) fn create(path: &str, way: Way) -> io::Result<Self> {
        let memory = if way == Way::Direct { vec![0; BLOCK + ALIGNMENT] } else { Vec::new() };
        let start = memory.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        let file = if way == Way::Direct { direct(Path::new(path))? } else { File::create(path)? };
        Ok(Self { file, way, memory, start, filled: 0 })
    }

    /// Takes bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.way != Way::Direct {
            return self.file.write_all(bytes);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let (taken, behind) = rest.split_at(rest.len().min(BLOCK - self.filled));
            let at = self.start + self.filled;
            self.memory[at..at + taken.len()].copy_from_slice(taken);
            (self.filled, rest) = (self.filled + taken.len(), behind);
            if self.filled == BLOCK {
                self.write_gathered()?;
            }
        }
        Ok(())
    }

    /// What was taken is where it should be.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.way == Way::Direct {
            fcntl_setfl(&self.file, OFlags::empty())?;
            self.write_gathered()?;
        }
        if self.way == Way::Cached { Ok(()) } else { self.file.sync_all() }
    }

    fn write_gathered(&mut self) -> io::Result<()> {
        let gathered = &self.memory[self.start..self.start + self.filled];
        self.filled = 0;
        self.file.write_all(gathered)
    }
}

/// A new file that is written past the page cache; an error where the file system does not do that.
pub(crate) fn direct(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).custom_flags(OFlags::DIRECT.bits().cast_signed());
    options.open(path)
}
