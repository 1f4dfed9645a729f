//! The program that a repository may hold.

use serde::{Deserialize, Serialize};

/// `tool/<version>-<random>/tool.json`, written last: what is in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolDocument {
    /// Name of the folder that it lies in.
    pub folder: String,
    /// ktape that put it there, and so the version of the program.
    pub ktape_version: String,
    /// Kind of machine that it runs on, as `x86_64-linux`.
    pub machine: String,
    /// Every other file of the folder.
    pub files: Vec<ToolFile>,
}

/// One file beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolFile {
    /// Name in the folder.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// BLAKE3, hexadecimal.
    pub digest: String,
}
