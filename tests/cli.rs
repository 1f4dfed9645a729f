//! What a person and a script see: help, exit codes, the shape of the JSON.

use std::process::{Command, Output, Stdio};

fn ktape(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktape"));
    // The variables of whoever runs the tests must not answer for the flags.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KTAPE_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn help_goes_to_standard_output_and_a_mistake_is_exit_2() {
    let help = ktape(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(stdout(&help).contains("Exit codes:"), "{}", stdout(&help));

    for mistake in [&[][..], &["no-such-verb"], &["completions", "no-such-shell"], &["--log-format", "xml", "list"]] {
        let output = ktape(mistake);
        assert_eq!(output.status.code(), Some(2), "{mistake:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{mistake:?}");
    }
}

#[test]
fn every_verb_teaches_by_example() {
    let help = stdout(&ktape(&["help"]));
    let verbs = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs: Vec<&str> =
        verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help").collect();
    assert!(verbs.len() > 1, "{help}");
    for verb in verbs {
        let text = stdout(&ktape(&[verb, "--help"]));
        let examples = text.split("Examples:\n").nth(1).unwrap_or_default();
        assert!(examples.contains(&format!("  ktape {verb} ")), "{verb}: {text}");
    }
}

#[test]
fn every_shared_flag_has_a_variable() {
    for name in ["KTAPE_JSON", "KTAPE_LOG_FORMAT", "KTAPE_VERBOSE", "KTAPE_QUIET"] {
        assert!(stdout(&ktape(&["--help"])).contains(name), "{name}");
    }
}

#[test]
fn completions_and_man_pages_cover_the_verbs() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&ktape(&["completions", shell]));
        assert!(script.contains("ktape") && script.contains("log-format"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let output = ktape(&["man", "--output", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = std::fs::read_to_string(folder.path().join("ktape.1")).unwrap();
    assert!(page.contains(".TH ktape 1"), "{page}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ktape"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
}

#[test]
fn results_and_refusals_are_one_json_document_each() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("repository").display().to_string();
    let made = ktape(&["init", "--repository", &place, "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    assert_eq!((&document["ktape"], &document["verb"], &document["exit_code"]), (&1.into(), &"init".into(), &0.into()));
    assert_eq!(document["report"]["repository_id"].as_str().unwrap().len(), 32);

    let again = ktape(&["init", "--repository", &place, "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again.status.code(), Some(5));
    assert_eq!((&document["ktape"], &document["exit_code"]), (&1.into(), &5.into()));
    assert!(document["error"]["message"].as_str().unwrap().contains("already"), "{document}");
    let text = stderr(&again);
    assert!(text.starts_with("error: ") && text.contains("\nhint: "), "{text}");
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn a_variable_stands_in_for_its_flag() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ktape"))
        .args(["init"])
        .env("KTAPE_REPOSITORY", folder.path().join("repository"))
        .env("KTAPE_JSON", "true")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("{\"ktape\":1,"), "{}", stdout(&output));
}

/// Takes connections and never says a word.
fn silent_broker() -> std::net::TcpListener {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap()
}

#[test]
fn sigterm_ends_a_run_that_waits_and_says_130() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("repository").display().to_string();
    ktape(&["init", "--repository", &place]);
    let broker = silent_broker();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ktape"))
        .args(["backup", "--repository", &place, "--bootstrap-server", &broker.local_addr().unwrap().to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Once it has connected its handlers are in place.
    let _connection = broker.accept().unwrap();
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    let began = std::time::Instant::now();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn what_does_not_exist_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("repository").display().to_string();
    let nowhere = ["--bootstrap-server", "127.0.0.1:1"];
    for (arguments, code, hint) in [
        (["verify", "--repository", &place].to_vec(), 5, "ktape init --repository"),
        ([&["backup", "--repository", &place][..], &nowhere].concat(), 5, "ktape init --repository"),
        (["list", "--repository", "s3://bucket"].to_vec(), 2, "name a folder"),
    ] {
        let output = ktape(&arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(hint), "{arguments:?}: {}", stderr(&output));
    }
    ktape(&["init", "--repository", &place]);
    for (arguments, code, hint) in [
        (["show", "--repository", &place].to_vec(), 5, "ktape list"),
        (["show", "--repository", &place, "--snapshot", "7"].to_vec(), 5, "ktape list"),
        (["verify", "--repository", &place, "--part", "8/7"].to_vec(), 2, "1/7"),
        (["copy", "--repository", &place, "--to", &place].to_vec(), 5, "ktape init"),
        (["copy", "--repository", &place, "--to", &format!("{place}-2")].to_vec(), 5, "ktape init --repository"),
        ([&["backup", "--repository", &place][..], &nowhere].concat(), 1, "--bootstrap-server"),
    ] {
        let output = ktape(&arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(hint), "{arguments:?}: {}", stderr(&output));
    }
}

/// A file of properties beside a repository, and a verb that reads it.
fn with_properties(text: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("repository").display().to_string();
    let file = folder.path().join("client.properties").display().to_string();
    std::fs::write(&file, text).unwrap();
    assert_eq!(ktape(&["init", "--repository", &place]).status.code(), Some(0));
    ktape(&[&["backup", "--repository", &place, "--command-config", &file], more].concat())
}

#[test]
fn a_file_of_properties_says_which_cluster_and_how_patient_to_be() {
    let silent = silent_broker();
    let address = silent.local_addr().unwrap();
    let begun = std::time::Instant::now();
    let output = with_properties(&format!("bootstrap.servers={address}\nrequest.timeout.ms=300\nacks=all\n"), &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    assert!(stderr(&output).contains(&address.to_string()), "{}", stderr(&output));
    assert!(!stderr(&output).contains("WARN"), "{}", stderr(&output));

    let none = with_properties("acks=all\n", &[]);
    assert_eq!(none.status.code(), Some(2), "{}", stderr(&none));
    assert!(stderr(&none).contains("bootstrap.servers"), "{}", stderr(&none));
}

#[test]
fn properties_that_cannot_be_used_are_named() {
    let flag = ["--bootstrap-server", "127.0.0.1:1"];
    let output = with_properties("security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI\nfoo.bar=1\n", &flag);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    for part in ["client.properties", "sasl.mechanism=GSSAPI", "SCRAM-SHA-512", "hint: "] {
        assert!(stderr(&output).contains(part), "{part}: {}", stderr(&output));
    }
    let unknown = with_properties("ssl.trustore.location=/x\n", &flag);
    assert_eq!(unknown.status.code(), Some(1), "{}", stderr(&unknown));
    assert!(stderr(&unknown).contains("ssl.truststore.location meant"), "{}", stderr(&unknown));

    let missing = ktape(&["backup", "--repository", "/", "--command-config", "/no/such/file"]);
    assert_eq!(missing.status.code(), Some(5), "the repository is looked at first: {}", stderr(&missing));
}

#[test]
fn a_hook_is_told_how_the_verb_ended_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("no-repository").display().to_string();
    let seen = folder.path().join("seen");
    let hook = format!("cat > {}; echo aside; exit 9", seen.display());
    let output = ktape(&["verify", "--repository", &place, "--json", "--on-failure", &hook, "--on-success", "false"]);
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(std::fs::read_to_string(seen).unwrap(), stdout(&output));
    let said = stderr(&output);
    assert!(
        said.contains("\naside\n") && said.contains("warning: --on-failure") && said.contains("exit status: 9"),
        "{said}"
    );
}

#[test]
fn a_hook_of_prune_gets_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("repository").display().to_string();
    let seen = folder.path().join("seen");
    let prune = || {
        let hook = format!("cat > {}", seen.display());
        let failed = format!("echo \"$KTAPE_EXIT_CODE\" > {}", seen.display());
        ktape(&["prune", "--repository", &place, "--json", "--on-success", &hook, "--on-failure", &failed])
    };
    assert_eq!(prune().status.code(), Some(5));
    assert_eq!(std::fs::read_to_string(&seen).unwrap(), "5\n");
    assert_eq!(ktape(&["init", "--repository", &place]).status.code(), Some(0));
    let output = prune();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = std::fs::read_to_string(seen).unwrap();
    assert!(said == stdout(&output) && said.contains("\"prune\""), "{said}");
}

#[test]
fn only_a_static_program_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("repository");
    let script = folder.path().join("script");
    std::fs::write(&script, "#!/bin/sh\n").unwrap();
    let output =
        ktape(&["init", "--repository", place.to_str().unwrap(), &format!("--with-tool={}", script.display())]);
    assert_eq!((output.status.code(), place.exists()), (Some(2), false), "{}", stderr(&output));
    assert!(stderr(&output).contains("is no 64-bit program"), "{}", stderr(&output));
}
