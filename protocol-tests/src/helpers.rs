//! Our Java helpers, compiled once per version of Kafka and of the helpers.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{HarnessError, io, on};
use crate::jars::Jars;
use crate::prerequisites;

/// A file's name and its text.
type Source = (&'static str, &'static str);

/// What any version from 0.11 on compiles.
const FOR_ALL: &[Source] = &[
    ("Plain.java", include_str!("../java/Plain.java")),
    ("RecordLine.java", include_str!("../java/RecordLine.java")),
    ("Several.java", include_str!("../java/Several.java")),
];
const SINCE_2_6: &[Source] = &[("RecordPrinter.java", include_str!("../java/RecordPrinter.java"))];
const BEFORE_2_6: &[Source] = &[("OldRecordPrinter.java", include_str!("../java/OldRecordPrinter.java"))];

const SINCE_4_0: &[Source] = &[
    ("ClusterCommands.java", include_str!("../java/ClusterCommands.java")),
    ("Commands.java", include_str!("../java/Commands.java")),
    ("CompactedShapes.java", include_str!("../java/CompactedShapes.java")),
    ("Desk.java", include_str!("../java/Desk.java")),
    ("GroupShapes.java", include_str!("../java/GroupShapes.java")),
    ("Kafka.java", include_str!("../java/Kafka.java")),
    ("LiveProducer.java", include_str!("../java/LiveProducer.java")),
    ("Load.java", include_str!("../java/Load.java")),
    ("LogShapes.java", include_str!("../java/LogShapes.java")),
    ("Positions.java", include_str!("../java/Positions.java")),
    ("RawShapes.java", include_str!("../java/RawShapes.java")),
    ("RecordShapes.java", include_str!("../java/RecordShapes.java")),
    ("SecurityCommands.java", include_str!("../java/SecurityCommands.java")),
    ("Stores.java", include_str!("../java/Stores.java")),
    ("TransactionShapes.java", include_str!("../java/TransactionShapes.java")),
];

fn sources(jars: &Jars) -> Vec<Source> {
    let mut sources = FOR_ALL.to_vec();
    sources.extend(if jars.numbers() < (2, 6) { BEFORE_2_6 } else { SINCE_2_6 });
    if jars.numbers() >= (4, 0) {
        sources.extend(SINCE_4_0);
    }
    sources
}

/// The folder of the compiled helpers, to put before `jars` on a class path.
///
/// # Errors
/// There is no `javac`, or it refuses them.
pub fn compiled(jars: &Jars) -> Result<PathBuf, HarnessError> {
    let mut hasher = DefaultHasher::new();
    let sources = sources(jars);
    sources.hash(&mut hasher);
    let folder = jars.folder().join(format!("helpers-{:016x}", hasher.finish()));
    let _lock = jars.lock()?;
    if !folder.is_dir() {
        compile(jars, &sources, &folder)?;
    }
    Ok(folder)
}

fn compile(jars: &Jars, texts: &[Source], folder: &Path) -> Result<(), HarnessError> {
    prerequisites::check()?;
    let sources = folder.with_extension("sources");
    let part = folder.with_extension("part");
    for path in [&sources, &part] {
        let _ = fs::remove_dir_all(path);
        fs::create_dir_all(path).map_err(on("create", path))?;
    }
    let mut files = Vec::with_capacity(texts.len());
    for (name, text) in texts {
        let path = sources.join(name);
        fs::write(&path, text).map_err(on("write", &path))?;
        files.push(path);
    }
    let output = Command::new(prerequisites::javac())
        .args(["-encoding", "UTF-8", "-nowarn", "-proc:none", "-cp", &jars.class_path(), "-d"])
        .arg(&part)
        .args(&files)
        .stdin(Stdio::null())
        .output()
        .map_err(io("run javac"))?;
    if !output.status.success() {
        return Err(HarnessError::Failed {
            what: "javac".into(),
            status: output.status.code().unwrap_or(-1),
            output: String::from_utf8_lossy(&output.stderr).into_owned(),
        });
    }
    fs::rename(&part, folder).map_err(on("rename", &part))
}
