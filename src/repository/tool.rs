//! The program itself, kept in the repository: `tool/<version>-<random>/`. With it the repository alone is enough.

use std::fmt::Write;
use std::io::Read;

use ring::digest::{Context, SHA256};

use super::error::{Damage, RepositoryError};
use super::format::{ToolDocument, ToolFile};
use super::{Repository, document, layout};
use crate::store::{Key, StoreError};

/// Bytes copied at a time.
const CHUNK: u64 = 1 << 20;
/// Beside the program.
const TEXTS: [(&str, &str); 2] =
    [("FORMAT.md", include_str!("../../FORMAT.md")), ("README.md", include_str!("recovery.md"))];
/// The program's name.
const PROGRAM: &str = "ktape";
/// For those who have no other program.
const SUMS: &str = "SHA256SUMS";

impl Repository {
    /// Folders of programs, ascending; without those whose writer did not finish.
    pub fn tools(&self) -> Result<Vec<Key>, RepositoryError> {
        let mut tools = Vec::new();
        for name in self.store().children(Some(&layout::folder(layout::TOOL)?))? {
            let folder = layout::folder(layout::TOOL)?.join(&name)?;
            if self.store().info(&folder.join(layout::TOOL_DOCUMENT)?)?.is_some() {
                tools.push(folder);
            }
        }
        Ok(tools)
    }

    /// Stores the program of this version, unless a sound one is there, and gives its folder.
    pub fn store_tool(&self, machine: &str, program: &mut dyn Read) -> Result<Key, RepositoryError> {
        let version = env!("CARGO_PKG_VERSION");
        for folder in self.tools()? {
            let there = self.tool(&folder).ok();
            let same = there.is_some_and(|one| one.ktape_version == version && one.machine == machine);
            if same && self.check_tool(&folder, true)?.is_empty() {
                return Ok(folder);
            }
        }
        let folder = layout::folder(layout::TOOL)?.join(&format!("{version}-{}", self.random(8)?))?;
        let mut sums = String::new();
        let mut files = vec![self.store_program(&folder.join(PROGRAM)?, program, &mut sums)?];
        for (name, text) in TEXTS {
            sum(&mut sums, ring::digest::digest(&SHA256, text.as_bytes()).as_ref(), name);
            files.push(self.store_text(&folder, name, text)?);
        }
        files.push(self.store_text(&folder, SUMS, &sums)?);
        let key = folder.join(layout::TOOL_DOCUMENT)?;
        let document = ToolDocument {
            folder: folder.name().to_owned(),
            ktape_version: version.to_owned(),
            machine: machine.to_owned(),
            files,
        };
        self.store().put_if_absent(&key, &document::encode(key.as_str(), &document)?.0)?;
        Ok(folder)
    }

    fn store_program(&self, key: &Key, program: &mut dyn Read, sums: &mut String) -> Result<ToolFile, RepositoryError> {
        let (mut sha, mut digest, mut size) = (Context::new(&SHA256), blake3::Hasher::new(), 0);
        let mut writer = self.store().create(key)?;
        let mut chunk = Vec::new();
        loop {
            chunk.clear();
            let read = (&mut *program).take(CHUNK).read_to_end(&mut chunk);
            let read = read.map_err(|source| StoreError::new("read", None, PROGRAM, source))?;
            if read == 0 {
                break;
            }
            sha.update(&chunk);
            digest.update(&chunk);
            size += read as u64;
            writer.write(&chunk)?;
        }
        writer.publish(key)?;
        sum(sums, sha.finish().as_ref(), PROGRAM);
        Ok(ToolFile { name: PROGRAM.to_owned(), size, digest: digest.finalize().to_hex().to_string() })
    }

    fn store_text(&self, folder: &Key, name: &str, text: &str) -> Result<ToolFile, RepositoryError> {
        self.store().put_if_absent(&folder.join(name)?, text.as_bytes())?;
        let digest = blake3::hash(text.as_bytes()).to_hex().to_string();
        Ok(ToolFile { name: name.to_owned(), size: text.len() as u64, digest })
    }

    /// What a folder of `tool/` should hold.
    pub fn tool(&self, folder: &Key) -> Result<ToolDocument, RepositoryError> {
        let key = folder.join(layout::TOOL_DOCUMENT)?;
        let bytes = document::read(self.store(), &key)?;
        let (tool, _): (ToolDocument, String) = document::decode(key.as_str(), &bytes)?;
        if tool.folder == folder.name() {
            return Ok(tool);
        }
        let text = format!("it says that it lies in {}", tool.folder);
        Err(RepositoryError::damaged(key.as_str(), Damage::Contradiction(text)))
    }

    /// What is damaged or missing in a folder of `tool/`: its document, and every file, of which `fast` reads only the
    /// size.
    pub fn check_tool(&self, folder: &Key, fast: bool) -> Result<Vec<RepositoryError>, RepositoryError> {
        let tool = match self.tool(folder) {
            Err(error) if error.is_damage() => return Ok(vec![error]),
            tool => tool?,
        };
        let mut wrong = Vec::new();
        for file in &tool.files {
            match self.check_file(folder, file, fast) {
                Err(error) if error.is_damage() => wrong.push(error),
                checked => checked?,
            }
        }
        Ok(wrong)
    }

    fn check_file(&self, folder: &Key, file: &ToolFile, fast: bool) -> Result<(), RepositoryError> {
        let key = folder.join(&file.name)?;
        let info = self.store().info(&key)?.ok_or_else(|| RepositoryError::Missing { object: key.to_string() })?;
        if info.size != file.size {
            let damage = Damage::Size { expected: file.size, found: info.size };
            return Err(RepositoryError::damaged(key.as_str(), damage));
        }
        if fast {
            return Ok(());
        }
        let mut digest = blake3::Hasher::new();
        let source = self.store().read(&key, 0).map_err(RepositoryError::of_named)?;
        let read = digest.update_reader(source.take(file.size));
        read.map_err(|source| StoreError::new("read", Some(&key), self.location(), source))?;
        let found = digest.finalize().to_hex().to_string();
        if found == file.digest {
            return Ok(());
        }
        Err(RepositoryError::damaged(key.as_str(), Damage::Digest { expected: file.digest.clone(), found }))
    }
}

/// A line as `sha256sum` writes it.
fn sum(sums: &mut String, digest: &[u8], name: &str) {
    for byte in digest {
        let _ = write!(sums, "{byte:02x}");
    }
    let _ = writeln!(sums, "  {name}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::testing;
    use crate::store::{Fault, FaultyStore, MemoryStore, Operation, Store};

    #[test]
    fn the_program_is_stored_once_and_checked() {
        let store = MemoryStore::new();
        let repository = testing::repository(store.clone());
        let program = vec![7_u8; 3 << 20];
        let folder = repository.store_tool("x86_64-linux", &mut program.as_slice()).unwrap();
        assert_eq!(repository.store_tool("x86_64-linux", &mut [1_u8].as_slice()).unwrap(), folder);
        assert_ne!(repository.store_tool("aarch64-linux", &mut [1_u8].as_slice()).unwrap(), folder);
        assert_eq!(store.get(&folder.join(PROGRAM).unwrap()).unwrap(), program);
        let sums = String::from_utf8(store.get(&folder.join(SUMS).unwrap()).unwrap()).unwrap();
        let names: Vec<&str> = sums.lines().filter_map(|line| line.split("  ").nth(1)).collect();
        assert_eq!((names, sums.find("  ")), (vec!["ktape", "FORMAT.md", "README.md"], Some(64)));
        assert!(repository.check_tool(&folder, false).unwrap().is_empty());
    }

    #[test]
    fn a_damaged_program_is_replaced_by_a_new_one() {
        let store = MemoryStore::new();
        let repository = testing::repository(store.clone());
        let folder = repository.store_tool("x86_64-linux", &mut [1_u8, 2].as_slice()).unwrap();
        store.put(&folder.join(PROGRAM).unwrap(), &[1]).unwrap();
        let found = repository.check_tool(&folder, true).unwrap();
        assert!(found[0].to_string().contains("ktape is damaged: it has 1 bytes"), "{found:?}");
        assert_ne!(repository.store_tool("x86_64-linux", &mut [1_u8, 2].as_slice()).unwrap(), folder);
    }

    #[test]
    fn a_store_that_does_not_answer_is_no_damage() {
        let store = FaultyStore::new(MemoryStore::new());
        let repository = testing::repository(store.clone());
        let folder = repository.store_tool("x86_64-linux", &mut [1_u8].as_slice()).unwrap();
        store.inject(Fault::Fails { operation: Operation::Read, nth: 1, with: std::io::ErrorKind::PermissionDenied });
        assert!(!repository.check_tool(&folder, true).unwrap_err().is_damage());
        assert!(repository.check_tool(&folder, true).unwrap().is_empty());
    }

    #[test]
    fn a_damaged_document_and_every_damaged_file_are_named() {
        let store = FaultyStore::new(MemoryStore::new());
        let repository = testing::repository(store.clone());
        let folder = repository.store_tool("x86_64-linux", &mut [1_u8, 2].as_slice()).unwrap();
        // The document, then its files: what cannot be asked for is not damage of any of them.
        for nth in 2..=5 {
            store.inject(Fault::Fails { operation: Operation::List, nth, with: std::io::ErrorKind::PermissionDenied });
            assert!(!repository.check_tool(&folder, true).unwrap_err().is_damage(), "{nth}");
        }
        store.put(&folder.join(PROGRAM).unwrap(), &[1, 3]).unwrap();
        store.put(&folder.join(SUMS).unwrap(), b"x").unwrap();
        let damaged = |fast| repository.check_tool(&folder, fast).unwrap().len();
        assert_eq!((damaged(true), damaged(false)), (1, 2));
        let document = folder.join(layout::TOOL_DOCUMENT).unwrap();
        store.put(&document, b"{}").unwrap();
        let found = repository.check_tool(&folder, true).unwrap();
        assert!(found.len() == 1 && found[0].to_string().starts_with(document.as_str()), "{found:?}");
    }
}
