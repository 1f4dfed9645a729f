//! The backup half: who reads a topic out of the cluster.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Outcome;
use crate::contender::{Contender, Row, Section};
use crate::goal::{Goal, Limit};
use crate::kafka_tools::{self, KCAT};
use crate::ktape_runs::{Ktape, complete};
use crate::measure::{self, Used};
use crate::programs;
use crate::scene::{Scene, Topic, expect, own_figures};

const SINK: &str = "blind sink";
const SYNCED: &str = "blind sink, synced";
const DIRECT: &str = "blind sink, past the page cache, synced";
const DIGEST: &str = "bare digest, in memory";
const KTAPE: &str = "ktape backup";
const CHEAPER: &str = "ktape backup, XXH3-128 for BLAKE3";

/// All contenders and the goals, without a title.
pub(super) fn section<'a>(scene: &'a Scene, topic: &'a Topic) -> Section<'a> {
    let amount = topic.amount;
    let mut contenders = vec![
        Contender::new("cp of the segments", amount, move |_| copy(scene, topic)),
        Contender::new(SINK, amount, move |_| sink(scene, topic, "sink")),
        Contender::new(SYNCED, amount, move |_| sink(scene, topic, "sink-synced")),
        Contender::new(DIGEST, amount, move |_| digest(scene, topic)),
        backup(scene, topic, KTAPE),
        backup_with(scene, topic, CHEAPER, &["--digest", "xxh3-128"]),
    ];
    let mut missing = Vec::new();
    match programs::direct(&scene.folder().join("direct")) {
        Ok(_) => contenders.push(Contender::new(DIRECT, amount, move |_| sink(scene, topic, "sink-direct"))),
        Err(why) => missing.push((DIRECT, format!("the file system does not write so: {why}"))),
    }
    match kafka_tools::kcat(scene, topic) {
        Ok(kcat) => contenders.push(kcat),
        Err(why) => missing.push((KCAT, why)),
    }
    contenders.push(kafka_tools::perf_consumer(scene, topic));
    Section { title: String::new(), contenders, missing, goals: goals() }
}

fn goals() -> Vec<Goal> {
    vec![
        Goal::ratio(
            "CPU per GiB over that of (blind sink + bare digest)",
            Limit::AtMost(1.1),
            Row::cpu_per_gib,
            KTAPE,
            &[SINK, DIGEST],
        ),
        Goal::ratio("CPU per GiB over that of kcat", Limit::AtMost(0.5), Row::cpu_per_gib, KTAPE, &[KCAT]),
        Goal::ratio("MiB/s over those of the blind sink", Limit::AtLeast(1.0), Row::mib_per_second, KTAPE, &[SINK]),
        Goal::ratio(
            "for comparison: MiB/s over those of the blind sink that syncs its file, as a backup must",
            Limit::AtLeast(1.0),
            Row::mib_per_second,
            KTAPE,
            &[SYNCED],
        ),
        Goal::ratio(
            "for comparison: CPU per GiB over that of (blind sink past the page cache + bare digest)",
            Limit::AtMost(1.1),
            Row::cpu_per_gib,
            KTAPE,
            &[DIRECT, DIGEST],
        ),
        Goal::ratio("MiB/s over those of kcat", Limit::AtLeast(2.0), Row::mib_per_second, KTAPE, &[KCAT]),
        Goal::plain("peak MiB", Limit::AtMost(64.0), Row::peak_mib, KTAPE),
    ]
}

/// `ktape backup` of one topic into a new repository.
pub(super) fn backup<'a>(scene: &'a Scene, topic: &'a Topic, name: &'static str) -> Contender<'a> {
    backup_with(scene, topic, name, &[])
}

fn backup_with<'a>(
    scene: &'a Scene,
    topic: &'a Topic,
    name: &'static str,
    flags: &'static [&'static str],
) -> Contender<'a> {
    Contender::new(name, topic.amount, move |_| {
        let ktape = Ktape::init_with(scene.bootstrap(), scene.folder(), "repository", flags)?;
        topic.settle()?;
        let (used, report) = ktape.backup(&topic.name)?;
        complete(&report)?;
        expect("fetched bytes", report["fetched_bytes"].as_u64().unwrap_or_default(), topic.amount.bytes)?;
        expect("stored bytes", ktape.stored()?.1, topic.amount.bytes)?;
        ktape.remove()?;
        Ok(used)
    })
}

fn copy(scene: &Scene, topic: &Topic) -> Outcome<Used> {
    topic.settle()?;
    let root = scene.cluster().log_folder(1);
    let target = scene.folder().join("cp");
    fs::create_dir(&target)?;
    let mut command = Command::new("cp");
    command.current_dir(&root).arg("--parents").arg("--target-directory").arg(&target);
    for segment in topic.segments()? {
        command.arg(segment.strip_prefix(&root)?);
    }
    let used = measure::run(&mut command, scene.folder())?.used;
    expect("copied bytes", below(&target)?, topic.amount.bytes)?;
    fs::remove_dir_all(target)?;
    Ok(used)
}

/// Bytes of the files in the folders of a folder.
fn below(folder: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for inner in fs::read_dir(folder)? {
        for file in fs::read_dir(inner?.path())? {
            bytes += file?.metadata()?.len();
        }
    }
    Ok(bytes)
}

fn sink(scene: &Scene, topic: &Topic, program: &str) -> Outcome<Used> {
    topic.settle()?;
    let file = scene.folder().join("sink");
    let partitions = topic.load.partitions.to_string();
    let ran = scene.program(program, &[scene.bootstrap(), &topic.name, &partitions, &file.display().to_string()])?;
    topic.check_ends(&ran.json()?["ends"])?;
    expect("written bytes", file.metadata()?.len(), topic.amount.bytes)?;
    fs::remove_file(file)?;
    Ok(ran.used)
}

fn digest(scene: &Scene, topic: &Topic) -> Outcome<Used> {
    topic.settle()?;
    let files: Vec<String> = topic.segments()?.iter().map(|file| file.display().to_string()).collect();
    let ran = scene.program("digest", &files)?;
    expect("hashed bytes", ran.json()?["bytes"].as_u64().unwrap_or_default(), topic.amount.bytes)?;
    own_figures(&ran)
}
