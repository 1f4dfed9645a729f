//! A disk that is full and one that cannot be written: nothing is lost, and the same command goes on afterwards.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::{Ended, SELECTION, cluster, ktape};
use crate::not_run::not_run;

/// A file system of its own in a mount namespace of its own: it goes away with the process that holds it, and needs no
/// right on the rest of the machine.
pub(super) struct Disk {
    holder: Child,
    folder: tempfile::TempDir,
    as_user: bool,
}

impl Disk {
    /// A disk of that size with a repository on it. Nothing where this machine does not allow it.
    pub(super) fn of(size: &str, what: &str) -> Option<Self> {
        let disk = Self::hold(size, false).or_else(|| Self::hold(size, true));
        if disk.is_none() {
            not_run(what, "root or user namespaces, and the programs unshare, nsenter and mount");
        }
        disk.inspect(|disk| {
            disk.run("init", &[]).exits(0);
        })
    }

    fn hold(size: &str, as_user: bool) -> Option<Self> {
        let folder = tempfile::TempDir::with_prefix("ktape-disk-").unwrap();
        let script = format!("mount -t tmpfs -o size={size} tmpfs \"$1\" && echo mounted && read end");
        let mut command = Command::new("unshare");
        command.arg("--mount").args(if as_user { &["--user", "--map-root-user"][..] } else { &[] });
        command.args(["sh", "-c", &script, "sh"]).arg(folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut holder = command.spawn().ok()?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take()?).read_line(&mut line).ok()?;
        let disk = Self { holder, folder, as_user };
        (line.trim() == "mounted" && disk.inside("true").status().is_ok_and(|status| status.success())).then_some(disk)
    }

    /// A command that sees the disk.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--mount"]);
        command.args(if self.as_user { &["--user", "--preserve-credentials"][..] } else { &[] });
        command.args(["--", program]).stdin(Stdio::null());
        command
    }

    pub(super) fn mount_again(&self, options: &str) {
        let options = format!("remount,{options}");
        let status = self.inside("mount").args(["-o", &options]).arg(self.folder.path()).status().unwrap();
        assert!(status.success(), "mount -o {options}: {status}");
    }

    pub(super) fn place(&self) -> String {
        self.folder.path().join("repository").display().to_string()
    }

    pub(super) fn run(&self, verb: &str, flags: &[&str]) -> Ended {
        let program = ktape();
        let mut command = self.inside(program.get_program().to_str().unwrap());
        for (name, value) in program.get_envs() {
            assert!(value.is_none());
            command.env_remove(name);
        }
        command.arg(verb).args(["--repository", &self.place()]).args(flags);
        Ended::of(&command.output().unwrap())
    }

    pub(super) fn backup(&self, flags: &[&str]) -> Ended {
        self.run("backup", &[&["--bootstrap-server", cluster().bootstrap()], flags].concat())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Each time a little more room: it runs out while segments are written, and then while parts are.
#[test]
fn a_disk_that_gets_full_keeps_what_is_there_and_goes_on_with_more_room() {
    let Some(disk) = Disk::of("2m", "a backup onto a full disk") else { return };
    disk.backup(&["--topics", "notes", "--groups", "reader"]).exits(0);
    let mut full = Vec::new();
    for kib in (5_000..16_000).step_by(400) {
        disk.mount_again(&format!("size={kib}k"));
        let ended = disk.backup(&[&SELECTION[..], &["--json"]].concat());
        let found = disk.run("verify", &["--json"]).exits(0).report();
        if ended.code == Some(0) {
            let report = ended.report();
            assert_eq!(found["snapshots"], serde_json::json!([1, 2]));
            // Everything that was sealed before the disk was full is used.
            assert!(report["taken_over_segments"].as_u64() >= Some(5), "{report:#}");
            assert_eq!(found["left_overs_total"], 0, "{found:#}");
            break;
        }
        assert_eq!(found["snapshots"], serde_json::json!([1]));
        full.push(kib);
        ended.exits(1).says(&[&disk.place(), "No space left"]).hints(&["make room", "same command"]);
    }
    assert!((3..20).contains(&full.len()), "the disk was full at {full:?} KiB");
}

#[test]
fn a_disk_that_cannot_be_written_is_told_and_can_still_be_read() {
    let Some(disk) = Disk::of("64m", "a backup onto a read-only disk") else { return };
    disk.backup(&["--topics", "notes", "--groups", "reader"]).exits(0);
    disk.mount_again("ro");
    let refused = disk.backup(&SELECTION).exits(1);
    refused.says(&[&disk.place(), "ead-only file system"]).hints(&["mount", "writable"]);
    disk.run("verify", &[]).exits(0);
    disk.mount_again("rw");
    disk.backup(&SELECTION).exits(0);
    disk.run("verify", &[]).exits(0);
}
