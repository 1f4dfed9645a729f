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
    kafka.load(&["bulk:orders:2:3000:200:zstd", "commit:shop:orders:0:400"]).unwrap();
    let repository = Repository::init();
    repository.back_up(&cluster, &[]);
    kafka.load(&["bulk:orders:2:3000:200:none"]).unwrap();
    let seen = repository.path().join("../seen");
    let hook = format!("cat > {}", seen.display());
    let report = repository.back_up(&cluster, &["--on-success", &hook, "--on-failure", "false"]);
    let told: Value = serde_json::from_slice(&fs::read(seen).unwrap()).unwrap();
    assert_eq!((&told["verb"], &told["exit_code"], &told["report"]), (&json!("backup"), &json!(0), &report));
    signed(&repository, &cluster);
    read_by_python(&repository, &report);
    with_the_cheaper_digest(&cluster);
}

fn with_the_cheaper_digest(cluster: &Cluster) {
    if ["python3", "b3sum", "zstd", "xxhsum"].iter().any(|program| !there(program, "--version")) {
        return not_run("the reader in Python, with XXH3-128", "python3, b3sum, zstd and xxhsum");
    }
    let repository = Repository::init_at(None, &["--digest", "xxh3-128"]);
    repository.back_up(cluster, &[]);
    let root = repository.path();
    finds_damage(&root, &files(&root.join("topics"))[0], 40);
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
        ["orders-0: [0, 3000), 3000 records", "orders-1: [0, 3000), 3000 records", "group shop: 1 offsets or topics"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    let (code, text) = read(&root, &["1"]);
    assert!(code == Some(0) && text.contains("orders-0: [0, 1500), 1500 records"), "{text}");

    let segments = files(&root.join("topics"));
    finds_damage(&root, &segments[0], 40);
    read_merged(repository, &segments);
}

/// Segments that lie in merged objects, and no longer under their own names.
fn read_merged(repository: &Repository, originals: &[String]) {
    let root = repository.path();
    let before: Vec<_> = ["1", "2"].map(|number| read(&root, &[number])).into();
    // Once to merge, and once to remove what was merged.
    for _ in 0..2 {
        let output = repository.run("prune", &["--confirm", "--grace", "0s", "--keep-last", "9"]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    assert!(originals.iter().all(|file| !Path::new(file).exists()), "{originals:?}");
    let after: Vec<_> = ["1", "2"].map(|number| read(&root, &[number])).into();
    assert_eq!(after, before);
    let (documents, merged): (Vec<_>, Vec<_>) =
        files(&root.join("topics")).into_iter().partition(|file| file.ends_with(".pieces.json"));
    assert_eq!((documents.len(), merged.len()), (2, 2), "an object for each partition");
    let length = fs::metadata(&merged[1]).unwrap().len();
    finds_damage(&root, &merged[1], usize::try_from(length).unwrap() - 1);
    let document = fs::read(&documents[0]).unwrap();
    fs::remove_file(&documents[0]).unwrap();
    let (code, text) = read(&root, &[]);
    assert!(code == Some(1) && text.contains(&format!("DAMAGED {}: it is missing", originals[0])), "{text}");
    fs::write(&documents[0], document).unwrap();
    assert_eq!(read(&root, &["1"]), before[0]);
}

/// The reader names a file that has another bit, and one that is cut; afterwards it is as it was.
fn finds_damage(root: &Path, file: &str, position: usize) {
    let whole = fs::read(file).unwrap();
    let mut flipped = whole.clone();
    flipped[position] ^= 1;
    for bytes in [&flipped[..], &whole[1..], &whole[..whole.len() - 1]] {
        fs::write(file, bytes).unwrap();
        let (code, text) = read(root, &[]);
        assert!(code == Some(1) && text.contains(&format!("DAMAGED {file}: ")), "{text}");
    }
    fs::write(file, &whole).unwrap();
    assert_eq!(read(root, &[]).0, Some(0));
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

/// All files below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<String> =
        paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path.display().to_string()] }).collect();
    found.sort();
    found
}
