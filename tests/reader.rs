//! What other programs make of a repository: `tests/reader.py`, written from FORMAT.md alone, lists what was backed up and
//! finds what is damaged; `minisign` checks our signatures, and we check its. Each runs where it is.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use protocol_tests::{Cluster, ClusterSpec};
use serde_json::{Value, json};

use crate::kafka::Repository;
use crate::not_run::not_run;

/// Lines the reader may have.
const LINES_MAX: usize = 100;

fn reader() -> String {
    format!("{}/tests/reader.py", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_short_program_reads_what_format_md_describes() {
    let lines = fs::read_to_string(reader()).unwrap().lines().count();
    assert!(lines < LINES_MAX, "{lines} lines");
    let cluster = ClusterSpec::new(1).start().unwrap();
    let kafka = cluster.tools();
    kafka.load(&["bulk:orders:2:3000:200:none", "commit:shop:orders:0:400"]).unwrap();
    let repository = Repository::init();
    repository.back_up(&cluster, &[]);
    kafka.load(&["bulk:orders:2:300:200:zstd"]).unwrap();
    let seen = repository.path().join("../seen");
    let hook = format!("cat > {}", seen.display());
    let report = repository.back_up(&cluster, &["--on-success", &hook, "--on-failure", "false"]);
    let told: Value = serde_json::from_slice(&fs::read(seen).unwrap()).unwrap();
    assert_eq!((&told["verb"], &told["exit_code"], &told["report"]), (&json!("backup"), &json!(0), &report));
    signed(&repository, &cluster);
    read_by_python(&repository, &report);
}

fn read_by_python(repository: &Repository, report: &Value) {
    if ["python3", "b3sum", "zstd"].iter().any(|program| !there(program, "--version")) {
        return not_run("the reader in Python", "python3, b3sum and zstd");
    }
    let root = repository.path();

    let (code, text) = read(&root, &["2"]);
    assert_eq!(code, Some(0), "{text}");
    let id = report["snapshot"]["id"].as_str().unwrap();
    assert!(text.starts_with(&format!("snapshot 2 ({id}) of cluster ")), "{text}");
    for line in
        ["orders-0: [0, 3300), 3300 records", "orders-1: [0, 3300), 3300 records", "group shop: 1 offsets or topics"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    let (code, text) = read(&root, &["1"]);
    assert!(code == Some(0) && text.contains("orders-0: [0, 3000)"), "{text}");

    let mut segments = Vec::new();
    files(&root.join("topics"), &mut segments);
    let whole = fs::read(&segments[0]).unwrap();
    let mut bytes = whole.clone();
    bytes[40] ^= 1;
    fs::write(&segments[0], &bytes).unwrap();
    let (code, text) = read(&root, &[]);
    assert!(code == Some(1) && text.contains(&format!("DAMAGED {}", segments[0])), "{text}");
    fs::write(&segments[0], &whole[1..]).unwrap();
    assert_eq!(read(&root, &[]).0, Some(1));
}

/// The third snapshot is signed by ktape, those before by minisign itself.
fn signed(repository: &Repository, cluster: &Cluster) {
    if !there("minisign", "-v") {
        return not_run("signatures and minisign", "minisign");
    }
    let folder = repository.path().join("..");
    let (secret, public) = (folder.join("minisign.key"), folder.join("minisign.pub"));
    let (secret, public) = (secret.to_str().unwrap(), public.to_str().unwrap());
    minisign(&["-G", "-W", "-f", "-s", secret, "-p", public]);
    let report = repository.back_up(cluster, &["--sign-key", secret]);
    assert_eq!(report["snapshot"]["signed"], json!(true), "{report:#}");
    let head = |number: u32| repository.path().join(format!("snapshots/{number:010}.json")).display().to_string();
    minisign(&["-Vm", &head(3), "-p", public]);
    let verify = || repository.run("verify", &["--signed-by", public]).status.code();
    assert_eq!(verify(), Some(4), "two are not signed");
    for number in [1, 2] {
        minisign(&["-Sm", &head(number), "-s", secret]);
    }
    assert_eq!(verify(), Some(0));
    let id = report["snapshot"]["id"].as_str().unwrap();
    assert_eq!(repository.run("verify", &["--fast", "--expect", id]).status.code(), Some(0));
    assert_eq!(repository.run("verify", &["--fast", "--snapshot", "2", "--expect", id]).status.code(), Some(4));
}

fn minisign(arguments: &[&str]) {
    let output = Command::new("minisign").args(arguments).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

fn there(program: &str, flag: &str) -> bool {
    let quiet = Command::new(program).arg(flag).stdin(Stdio::null()).output();
    quiet.is_ok_and(|output| output.status.success())
}

fn read(root: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output: Output =
        Command::new("python3").arg(reader()).arg(root).args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

fn files(folder: &Path, into: &mut Vec<String>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, into) } else { into.push(path.display().to_string()) }
    }
}
