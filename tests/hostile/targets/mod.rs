//! What is done with hostile bytes, one body for each target. `cargo test` replays the corpus through them on stable
//! Rust, `protocol-tests/fuzz` lets libFuzzer look for more. A body checks what must hold of any bytes: it may panic only
//! where ktape is wrong, and takes no more than a window of zstd at once, 128 MiB.

mod answers;
mod batches;
mod cluster;
mod decompress;
mod objects;
mod properties;
mod render;
mod repository;
mod secrets;
mod stores;

pub use objects::{Form, objects};
pub use repository::seeds as repository_seeds;

/// A body: takes any bytes.
pub type Target = fn(&[u8]);

/// All targets. The corpus has a folder for each.
pub const TARGETS: [(&str, Target); 8] = [
    ("answers", answers::run),
    ("batches", batches::run),
    ("cluster", cluster::run),
    ("decompress", decompress::run),
    ("properties", properties::run),
    ("repository", repository::run),
    ("secrets", secrets::run),
    ("stores", stores::run),
];

/// The body of that name.
pub fn target(name: &str) -> Target {
    TARGETS.iter().find(|(known, _)| *known == name).expect("a target of that name").1
}
