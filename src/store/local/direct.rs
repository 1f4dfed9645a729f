//! Files that are written from beginning to end, large ones past the page cache (`O_DIRECT`): their bytes are written
//! once and not read again soon, the cache is the broker's, and filling it, writing it back and waiting for that costs more
//! than all the rest of a backup.
//!
//! The kernel takes such bytes in whole pages out of memory that is aligned, so they are gathered first. Where a file
//! system does not do it at all, or not as we do it, or where the disk takes its time, the file goes on through the cache.

use std::fs::File;
use std::io::{self, Write};
use std::time::Instant;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::blocks::{Block, Blocks, WORTH_WRITING};
use super::cache;

/// How the file is written.
#[derive(Debug)]
enum Way {
    /// Nothing was written so far.
    Open,
    /// Through the page cache.
    Cached,
    /// In whole pages past it; these bytes wait for more.
    Direct(Vec<u8>),
}

/// A file that is written once.
#[derive(Debug)]
pub(super) struct Sequential {
    file: File,
    blocks: Blocks,
    way: Way,
}

impl Sequential {
    /// An empty file, open for writing.
    pub(super) fn new(file: File, blocks: &Blocks) -> Self {
        Self { file, blocks: blocks.clone(), way: Way::Open }
    }

    /// Appends bytes; not all of them are in the file before [`Self::sync`].
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if matches!(self.way, Way::Open) {
            self.way = if bytes.len() < WORTH_WRITING { Way::Cached } else { self.choose() };
        }
        let Way::Direct(waiting) = &mut self.way else { return self.file.write_all(bytes) };
        if waiting.len() + bytes.len() < WORTH_WRITING {
            waiting.extend_from_slice(bytes);
            return Ok(());
        }
        let mut block = self.blocks.lend();
        block.take(waiting);
        waiting.clear();
        let done = self.write_direct(&mut block, bytes);
        self.blocks.give_back(block);
        done
    }

    /// Writes what is in the block, and the bytes behind it.
    fn write_direct(&mut self, block: &mut Block, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        loop {
            rest = block.take(rest);
            if block.len() < WORTH_WRITING {
                break;
            }
            let (pages, tail) = block.bytes();
            let begun = Instant::now();
            if !write_pages(&self.file, pages)? || !self.blocks.wrote(pages.len(), begun.elapsed()) {
                self.end_direct()?;
                self.file.write_all(tail)?;
                return self.file.write_all(rest);
            }
            block.keep_tail();
        }
        if let Way::Direct(waiting) = &mut self.way {
            let (pages, tail) = block.bytes();
            waiting.extend_from_slice(pages);
            waiting.extend_from_slice(tail);
        }
        Ok(())
    }

    /// Writes what waits, and syncs it all. Nothing is written behind it.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let cached = !matches!(self.way, Way::Direct(_));
        self.end_direct()?;
        self.file.sync_all()?;
        if cached {
            cache::written(&self.file);
        }
        Ok(())
    }

    fn choose(&self) -> Way {
        if !self.blocks.enter() {
            return Way::Cached;
        }
        if set_direct(&self.file, true).is_ok() {
            return Way::Direct(Vec::new());
        }
        self.blocks.leave();
        Way::Cached
    }

    /// Goes on through the cache, with what waits.
    fn end_direct(&mut self) -> io::Result<()> {
        let Way::Direct(waiting) = std::mem::replace(&mut self.way, Way::Cached) else { return Ok(()) };
        self.blocks.leave();
        set_direct(&self.file, false)?;
        self.file.write_all(&waiting)
    }
}

impl Drop for Sequential {
    fn drop(&mut self) {
        if matches!(self.way, Way::Direct(_)) {
            self.blocks.leave();
        }
    }
}

/// Writes whole pages past the cache. `false`: they are written, but not so, and further ones cannot be.
fn write_pages(mut file: &File, pages: &[u8]) -> io::Result<bool> {
    let written = loop {
        match file.write(pages) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_refusal(&error) => break 0,
            written => break written?,
        }
    };
    if written == pages.len() {
        return Ok(true);
    }
    // What is left where only a part was written is not aligned.
    set_direct(file, false)?;
    file.write_all(pages.get(written..).unwrap_or_default())?;
    Ok(false)
}

fn is_refusal(error: &io::Error) -> bool {
    [Errno::INVAL, Errno::NOTSUP].iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn set_direct(file: &File, direct: bool) -> io::Result<()> {
    let mut flags = fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, direct);
    Ok(fcntl_setfl(file, flags)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::store::local::blocks::{ALIGNMENT, BLOCK, FILES};

    /// Bytes of which no two blocks are alike.
    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|at| (at / 251 + at % 249) as u8).collect()
    }

    /// Writes pieces of these sizes and reads the file back; whether it was written past the cache in the
    /// beginning, and in the end.
    fn written(sizes: &[usize], change: impl Fn(&Blocks, usize)) -> (bool, bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let blocks = Blocks::default();
        let mut file = Sequential::new(File::create(&path).unwrap(), &blocks);
        let all = bytes(sizes.iter().sum());
        let (mut at, mut direct) = (0, Vec::new());
        for (number, size) in sizes.iter().enumerate() {
            file.write(&all[at..at + size]).unwrap();
            direct.push(matches!(file.way, Way::Direct(_)));
            at += size;
            change(&blocks, number);
        }
        file.sync().unwrap();
        assert!(fs::read(&path).unwrap() == all, "{sizes:?}");
        assert_eq!(blocks.pool().files, 0);
        (direct[0], direct[sizes.len() - 1])
    }

    #[test]
    fn a_file_holds_what_was_written_in_whatever_pieces() {
        for sizes in [
            &[0][..],
            &[1, 2, 3],
            &[WORTH_WRITING - 1, 3 * BLOCK],
            &[WORTH_WRITING, 1, BLOCK, 5],
            &[BLOCK, BLOCK],
            &[BLOCK + ALIGNMENT, WORTH_WRITING - ALIGNMENT],
            &[3 * BLOCK + 1],
            &[BLOCK - 1, 1, 1, 2 * BLOCK - 1, 7],
            &[2 * BLOCK, WORTH_WRITING, 0, 4096],
            &[WORTH_WRITING + 4095, WORTH_WRITING - 4096, 1, 4096, 5 * BLOCK + 17],
        ] {
            let (begun, ended) = written(sizes, |_, _| ());
            assert!(begun == ended && (!begun || sizes[0] >= WORTH_WRITING), "{sizes:?}");
        }
    }

    /// As where a file system takes the flag, and then not the bytes: out of memory at an odd address.
    #[test]
    fn a_file_goes_on_through_the_cache_where_its_bytes_are_refused() {
        for broken in [0, 1, 2] {
            let (_, direct) = written(&[BLOCK, BLOCK / 2 - 1, BLOCK, 2 * BLOCK + 9, 5, BLOCK], |blocks, number| {
                if number == broken {
                    blocks.pool().spare.iter_mut().for_each(|block| block.start = block.start.abs_diff(1));
                }
            });
            assert!(!direct, "{broken}");
        }
    }

    #[test]
    fn a_file_goes_on_through_the_cache_where_the_disk_is_slow() {
        for slow in [0, 1, 2] {
            let (_, direct) = written(&[BLOCK + 7, BLOCK / 2 - 1, BLOCK, 2 * BLOCK + 9, 5, BLOCK], |blocks, number| {
                if number == slow {
                    blocks.wrote(64 * BLOCK, Duration::from_secs(9));
                }
            });
            assert!(!direct, "{slow}");
        }
    }

    #[test]
    fn so_many_files_are_written_past_the_cache_and_their_memory_is_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let blocks = Blocks::default();
        let first = bytes(WORTH_WRITING + 5);
        let begin = |number: usize| {
            let file = File::create(folder.path().join(number.to_string())).unwrap();
            let mut file = Sequential::new(file, &blocks);
            file.write(&first).unwrap();
            file
        };
        // Not every file system knows it.
        let known = matches!(begin(0).way, Way::Direct(_));
        for _ in 0..2 {
            let mut files: Vec<Sequential> = (0..=FILES).map(begin).collect();
            let direct = files.iter().filter(|file| matches!(file.way, Way::Direct(_))).count();
            assert_eq!(direct, if known { FILES } else { 0 });
            files.truncate(5);
            for file in &mut files {
                file.sync().unwrap();
            }
        }
        let pool = blocks.pool();
        assert!(pool.files == 0 && pool.spare.len() <= 1, "{} files, {} blocks", pool.files, pool.spare.len());
    }
}
