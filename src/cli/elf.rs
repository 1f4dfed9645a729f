//! Whether a program runs where there is nothing else: the little of ELF that this takes.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes of the header of a 64-bit program.
const HEADER: usize = 64;
/// Bytes of one entry of the table of what is loaded.
const ENTRY: usize = 56;
/// The entry names the loader of libraries.
const INTERPRETER: u32 = 3;

/// Why a program is not fit to be kept.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is something else.
    #[error("is no 64-bit program for Linux")]
    NoProgram,
    /// It needs what may not be there.
    #[error("needs libraries of this host; name the static one of a release: --with-tool=FILE")]
    Dynamic,
}

/// The kind of machine a static program runs on, as `x86_64-linux`. The file stands at its beginning again.
pub fn static_machine(file: &mut (impl Read + Seek)) -> Result<String, Unfit> {
    let mut header = [0; HEADER];
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut header).map_err(|_| Unfit::NoProgram)?;
    // Magic number, 64 bits, little-endian.
    if !header.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1]) {
        return Err(Unfit::NoProgram);
    }
    let machine = match number(&header, 18, 2) {
        62 => "x86_64-linux".to_owned(),
        183 => "aarch64-linux".to_owned(),
        243 => "riscv64-linux".to_owned(),
        other => format!("machine-{other}-linux"),
    };
    let (table, size, entries) = (number(&header, 32, 8), number(&header, 54, 2), number(&header, 56, 2));
    if size != ENTRY as u64 {
        return Err(Unfit::NoProgram);
    }
    file.seek(SeekFrom::Start(table))?;
    for _ in 0..entries {
        let mut entry = [0; ENTRY];
        file.read_exact(&mut entry).map_err(|_| Unfit::NoProgram)?;
        if number(&entry, 0, 4) == u64::from(INTERPRETER) {
            return Err(Unfit::Dynamic);
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(machine)
}

/// A little-endian number; 0 beyond the end.
fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    let digits = bytes.get(at..at + length).unwrap_or_default();
    digits.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn program(kinds: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        bytes[18] = 62;
        (bytes[32], bytes[54], bytes[56]) = (HEADER as u8, ENTRY as u8, kinds.len() as u8);
        for kind in kinds {
            bytes.extend_from_slice(&kind.to_le_bytes());
            bytes.extend_from_slice(&[0; ENTRY - 4]);
        }
        bytes
    }

    #[test]
    fn a_program_without_a_loader_is_static() {
        assert_eq!(static_machine(&mut Cursor::new(program(&[1, 1, 7]))).unwrap(), "x86_64-linux");
        assert!(matches!(static_machine(&mut Cursor::new(program(&[6, 3, 1]))), Err(Unfit::Dynamic)));
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let whole = program(&[1]);
        for bad in [&whole[..HEADER + 3], &whole[..20], b"#!/bin/sh", b""] {
            assert!(matches!(static_machine(&mut Cursor::new(bad)), Err(Unfit::NoProgram)));
        }
    }
}
