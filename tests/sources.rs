//! The project's own files, for the tests that read them.

use std::fs;
use std::path::{Path, PathBuf};

/// A file and what it holds.
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// Its path below the project's folder, with `/` between.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Top-level module of the library that it belongs to; none for `lib.rs` and `main.rs`.
    pub fn module(&self) -> Option<String> {
        let inside = self.name.strip_prefix("src/")?;
        let first = inside.split('/').next()?.trim_end_matches(".rs");
        (first != "lib" && first != "main").then(|| first.to_owned())
    }

    /// The text without line comments and without the tests at its end.
    pub fn code(&self) -> String {
        let code = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
    }
}

/// The library's and the binary's sources.
pub fn library() -> Vec<Source> {
    let sources: Vec<Source> =
        project().into_iter().filter(|file| is_rust(file) && file.name.starts_with("src/")).collect();
    assert!(!sources.is_empty(), "no sources found");
    sources
}

/// Whether it is Rust.
pub fn is_rust(file: &Source) -> bool {
    Path::new(&file.name).extension().is_some_and(|extension| extension == "rs")
}

/// Hidden names that are the project's; others are somebody's cache.
const HIDDEN: [&str; 5] = [".cargo", ".ci", ".clippy.toml", ".gitignore", ".rustfmt.toml"];

/// Every text file of the project, except what cargo writes.
pub fn project() -> Vec<Source> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            let foreign = name.starts_with('.') && !HIDDEN.iter().any(|hidden| name.starts_with(hidden));
            if foreign || ["target", "Cargo.lock"].contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.push(Source { name, text });
            }
        }
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found
}
