//! Habits of CONTRIBUTING.md that a machine can check.

use crate::sources;

/// Lines a source file may have.
const LINES_MAX: usize = 500;
/// Lines README.md may have.
const README_LINES_MAX: usize = 250;

#[test]
fn files_stay_small() {
    let rust = sources::project().into_iter().filter(sources::is_rust);
    let long: Vec<String> = rust
        .filter(|file| file.text().lines().count() > LINES_MAX)
        .map(|file| format!("{}: {} lines", file.name(), file.text().lines().count()))
        .collect();
    assert!(long.is_empty(), "over {LINES_MAX} lines, is each still one idea? {long:?}");
    let readme = sources::project().into_iter().find(|file| file.name() == "README.md").expect("README.md");
    assert!(readme.text().lines().count() <= README_LINES_MAX, "README.md is over {README_LINES_MAX} lines");
}

#[test]
fn nothing_is_left_half_done() {
    // Spelled in two parts, so that this file does not name them.
    let words: Vec<String> = [("to", "do!("), ("unimple", "mented!("), ("db", "g!("), ("#[ig", "nore")]
        .map(|(head, tail)| format!("{head}{tail}"))
        .into();
    refuse(&words, sources::is_rust);
}

#[test]
fn no_registry_and_no_machine_is_named() {
    let hosts = [
        ("crates.io", "/api"),
        ("repo1", ".maven"),
        ("repo.", "maven"),
        ("pypi", ".org"),
        ("registry", ".npmjs"),
        ("proxy", ".golang"),
        ("deb.", "debian"),
        ("\"/ro", "ot/"),
    ];
    refuse(&hosts.map(|(head, tail)| format!("{head}{tail}")), |_| true);
}

fn refuse(words: &[String], place: impl Fn(&sources::Source) -> bool) {
    let mut found = Vec::new();
    for file in sources::project().iter().filter(|file| place(file)) {
        for (number, line) in file.text().lines().enumerate() {
            if let Some(word) = words.iter().find(|word| line.contains(word.as_str())) {
                found.push(format!("{}:{}: {word}", file.name(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
