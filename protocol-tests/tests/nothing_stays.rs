//! Whatever ends a test process, no JVM and no folder outlives it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use protocol_tests::ClusterSpec;

/// Set for the process that is to be killed.
const CHILD: &str = "KTAPE_TEST_CHILD";

#[test]
fn a_killed_process_leaves_nothing_behind() {
    if std::env::var_os(CHILD).is_some() {
        return hold_a_cluster();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_process_leaves_nothing_behind", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let folder = lines.map(Result::unwrap).find_map(|line| line.split_once("FOLDER ").map(|(_, it)| PathBuf::from(it)));
    let folder = folder.expect("the child holds a cluster");
    assert!(folder.is_dir() && jvms_in(&folder) > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while folder.exists() || jvms_in(&folder) > 0 {
        assert!(Instant::now() < deadline, "{} is there, {} processes", folder.exists(), jvms_in(&folder));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn hold_a_cluster() {
    let cluster = ClusterSpec::new(1).start().unwrap();
    println!("\nFOLDER {}", cluster.folder().display());
    std::thread::sleep(Duration::from_secs(300));
}

/// Processes whose command line names the folder.
fn jvms_in(folder: &Path) -> usize {
    let name = folder.display().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(&name)).count()
}
