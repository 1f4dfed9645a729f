//! Against an in-memory cluster that follows Kafka's rules: what a real one does only now and then, it does when told.

mod digests;
mod faults;
mod goes_on;
mod hidden;
mod inside;
mod kept;
mod killed;
mod made;
mod paced;
mod positions;
mod refused;
mod reported;
mod restored;
mod rights;
mod round_trip;
mod settings;
mod told;

use std::process::{Command, Output, Stdio};

use protocol_tests::fake::Fake;
use serde_json::Value;
use tempfile::TempDir;

/// A repository in a folder of its own.
struct Repository(TempDir);

impl Repository {
    fn init() -> Self {
        Self::init_with(&[])
    }

    /// The same with flags of `init`.
    fn init_with(flags: &[&str]) -> Self {
        let repository = Self(TempDir::with_prefix("ktape-fake-").unwrap());
        let made = repository.run("init", None, flags);
        assert_eq!(made.status.code(), Some(0), "{made:?}");
        repository
    }

    /// The same in another folder.
    fn copy(&self) -> Self {
        let copy = Self(TempDir::with_prefix("ktape-fake-").unwrap());
        let (from, to) = (self.0.path().join("repository"), copy.0.path());
        let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
        assert!(copied.success());
        copy
    }

    fn run(&self, verb: &str, fake: Option<&Fake>, flags: &[&str]) -> Output {
        let place = self.0.path().join("repository").display().to_string();
        let bootstrap = fake.map(Fake::bootstrap);
        let mut args = vec![verb, "--repository", &place];
        if let Some(bootstrap) = &bootstrap {
            args.extend(["--bootstrap-server", bootstrap]);
        }
        args.extend(flags);
        ktape().args(args).output().unwrap()
    }

    /// Runs a verb that must end like this, and gives its report.
    #[track_caller]
    fn report(&self, code: i32, verb: &str, fake: &Fake, flags: &[&str]) -> Value {
        let output = self.run(verb, Some(fake), &[flags, &["--json"]].concat());
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        let mut document: Value = serde_json::from_str(&text).unwrap();
        document["report"].take()
    }
}

/// The run ended with this code and said these words.
#[track_caller]
fn says(output: &Output, code: i32, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
    assert!(words.iter().all(|word| said.contains(word)), "not {words:?} in {said}");
}

/// The binary, without the variables of whoever runs the tests.
fn ktape() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ktape"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KTAPE_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}
