//! The static binary in an empty root folder: no libc, no `/etc`, no `/dev`, no name service. Runs where
//! `KTAPE_STATIC_BINARY` names the binary (as `.ci/run chroot` does) and the tests run as root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use protocol_tests::ClusterSpec;
use protocol_tests::judge::Isolation;

use crate::not_run::not_run;

#[test]
fn static_binary_backs_up_and_restores_from_an_empty_root() {
    let Some(binary) = binary() else { return };
    let root = tempfile::tempdir().unwrap();
    fs::copy(&binary, root.path().join("ktape")).unwrap();
    assert!(run(root.path(), &["--version"]).starts_with("ktape "));

    let cluster = ClusterSpec::new(1).start().unwrap();
    let kafka = cluster.tools();
    kafka.load(&["bulk:orders:3:5000:200:zstd", "commit:shop:orders:0:400"]).unwrap();
    let before = kafka.read("orders", Isolation::ReadCommitted).unwrap();
    let bootstrap = cluster.bootstrap();
    run(root.path(), &["init", "--repository", "/repository"]);
    let place = ["--repository", "/repository", "--bootstrap-server", bootstrap];
    run(root.path(), &[&["backup"], &place[..]].concat());
    run(root.path(), &["verify", "--repository", "/repository"]);
    run(root.path(), &[&["restore", "--rename", "orders=again"], &place[..]].concat());
    let after = kafka.read("again", Isolation::ReadCommitted).unwrap();
    let contents = |shown: &protocol_tests::judge::Shown| -> Vec<Vec<String>> {
        shown.values().map(|records| records.iter().map(|one| one.content.clone()).collect()).collect()
    };
    assert_eq!(contents(&before), contents(&after));
}

#[test]
fn static_binary_is_kept_in_the_repository_and_runs_from_there() {
    let Some(binary) = binary() else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("repository").display().to_string();
    for _ in 0..2 {
        let made = Command::new(&binary).args(["init", "--with-tool", "--repository", &place]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    }
    let tools: Vec<PathBuf> =
        fs::read_dir(folder.path().join("repository/tool")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [tool] = tools.as_slice() else { panic!("once is enough: {tools:?}") };
    assert_eq!(fs::read(&binary).unwrap(), fs::read(tool.join("ktape")).unwrap());
    let sums =
        Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(tool).output().unwrap();
    assert!(sums.status.success(), "{sums:?}");
    let saved = folder.path().join("ktape");
    fs::copy(tool.join("ktape"), &saved).unwrap();
    fs::set_permissions(&saved, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let checked = Command::new(&saved).args(["verify", "--repository", &place]).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

/// The binary, or nothing with a line that says what is needed.
fn binary() -> Option<PathBuf> {
    let needs = match std::env::var_os("KTAPE_STATIC_BINARY") {
        None => "KTAPE_STATIC_BINARY to name the binary, as `.ci/run chroot` does",
        Some(_) if fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) != 0) => {
            "root, for chroot"
        }
        Some(binary) => return Some(PathBuf::from(binary)),
    };
    not_run("the static binary in an empty root folder", needs);
    None
}

fn run(root: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("chroot");
    command.arg(root).arg("/ktape").args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let (out, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {}\n{out}\n{log}", output.status);
    out.into_owned()
}
