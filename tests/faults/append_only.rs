//! A repository where nobody may delete and every version is kept: `KTAPE_TEST_S3_LOCKED`, as `.ci/object-stores` makes it.

use super::{Ended, SELECTION, cluster, ktape};
use crate::not_run::not_run;
use crate::object_stores::locked::appender;

#[test]
fn backups_need_no_right_to_delete_and_prune_says_what_it_may_not() {
    let Some((location, id, secret)) = appender() else {
        return not_run("backups without the right to delete", "KTAPE_TEST_S3_LOCKED and KTAPE_TEST_S3_APPENDER");
    };
    let run = |verb: &str, more: &[&str]| {
        let mut command = ktape();
        command.args([verb, "--repository", &location]).args(more);
        command.env("AWS_ACCESS_KEY_ID", &id).env("AWS_SECRET_ACCESS_KEY", &secret);
        Ended::of(&command.output().unwrap())
    };
    let broker = ["--bootstrap-server", cluster().bootstrap()];
    run("init", &[]).exits(0);
    let backup = [&broker[..], &SELECTION].concat();
    run("backup", &backup).exits(0);
    run("backup", &backup).exits(0);
    run("verify", &[]).exits(0);
    let listed = run("list", &["--json"]).exits(0).report();
    assert_eq!(listed["snapshots"].as_array().map(Vec::len), Some(2), "{listed:#}");
    let pruned = run("prune", &["--keep-last", "1", "--grace", "0s", "--confirm", "--json"]).exits(3).report();
    let reason = pruned["stuck"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("access denied"), "{pruned:#}");
    run("verify", &[]).exits(0);
    run("restore", &[&broker[..], &["--topics", "notes", "--rename", "notes=append-only-notes"]].concat()).exits(0);
}
