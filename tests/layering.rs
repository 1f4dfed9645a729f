//! The layers of ARCHITECTURE.md, checked: every `crate::` in the sources must point down.

use std::collections::BTreeSet;

use crate::sources::{self, Source};

const KAFKA_TOWER: &[&str] = &["model", "cancel", "batch", "wire", "retry"];
const STORE: &[&str] = &["model", "cancel", "batch", "retry"];
const VERB: &[&str] =
    &["model", "progress", "cancel", "pace", "memory", "batch", "retry", "cluster", "store", "repository"];

/// What a top-level module may name. A module that is not here fails the test: give it a place on purpose.
fn allowed(module: &str) -> Option<Vec<&'static str>> {
    let with = |base: &[&'static str], more: &[&'static str]| Some([base, more].concat());
    match module {
        "model" | "progress" | "cancel" | "pace" | "memory" => Some(Vec::new()),
        "batch" | "wire" | "security" => with(&["model"], &[]),
        "retry" => with(&["model", "cancel"], &[]),
        "properties" => with(&["model"], &["security"]),
        "net" => with(KAFKA_TOWER, &["security"]),
        "cluster" => with(KAFKA_TOWER, &["security", "net"]),
        // For TLS to object stores.
        "store" => with(STORE, &["security"]),
        "repository" => with(STORE, &["store", "memory"]),
        "verb" | "verify" | "export" | "list" | "show" => with(VERB, &[]),
        // Their tests verify what was copied, and what was left.
        "copy" | "prune" => with(VERB, &["verify"]),
        "reader" => with(&["model", "cancel", "batch", "retry", "cluster"], &[]),
        "backup" | "restore" => with(VERB, &["verb"]),
        "check" => with(VERB, &["backup"]),
        "compare" => with(VERB, &["verb", "reader"]),
        "offsets" => with(VERB, &["restore"]),
        "drill" => with(VERB, &["verb", "restore", "compare"]),
        "cli" => with(
            VERB,
            &[
                "properties",
                "backup",
                "check",
                "restore",
                "verify",
                "compare",
                "copy",
                "drill",
                "offsets",
                "export",
                "list",
                "prune",
                "show",
            ],
        ),
        _ => None,
    }
}

#[test]
fn every_import_points_down() {
    let mut wrong = Vec::new();
    for source in sources::library() {
        let Some(module) = source.module() else { continue };
        let Some(allowed) = allowed(&module) else {
            wrong.push(format!("{}: module `{module}` has no place in the layers", source.name()));
            continue;
        };
        for name in crate_names(&source.code()) {
            if name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{}: `{module}` must not use `{name}`", source.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn protocol_types_stay_in_the_kafka_tower() {
    let places = ["src/wire", "src/net", "src/cluster"];
    let allowed = |source: &Source| places.iter().any(|place| source.name().starts_with(place));
    let wrong = naming("kafka_protocol", |source| !allowed(source));
    assert!(wrong.is_empty(), "kafka_protocol outside {places:?}: {wrong:?}");
}

#[test]
fn the_lowest_layers_do_no_input_or_output() {
    for word in ["std::fs", "std::net", "tokio", "std::process"] {
        let wrong =
            naming(word, |source| source.module().is_some_and(|m| ["model", "batch", "wire"].contains(&m.as_str())));
        assert!(wrong.is_empty(), "{word} in a layer without I/O: {wrong:?}");
    }
}

#[test]
fn the_repository_tower_blocks_and_knows_no_runtime() {
    // The clients of object stores need a runtime: one file owns it, and all around it blocks.
    let engine = "src/store/remote/engine.rs";
    let tower = |source: &Source| source.module().is_some_and(|m| ["store", "repository"].contains(&m.as_str()));
    let wrong = naming("tokio", |source| tower(source) && source.name() != engine);
    assert!(wrong.is_empty(), "tokio in the repository tower: {wrong:?}");
    let wrong = naming("object_store", |source| !source.name().starts_with("src/store/remote"));
    assert!(wrong.is_empty(), "object_store outside src/store/remote: {wrong:?}");
}

#[test]
fn only_the_command_line_prints() {
    for word in ["println!", "eprintln!", "io::stdout", "io::stderr"] {
        let prints = |source: &Source| source.module().is_some_and(|module| module == "cli");
        // Tests that measure show a table.
        let wrong = naming(word, |source| !prints(source) && !source.name().contains("/tests/"));
        assert!(wrong.is_empty(), "{word} outside cli: {wrong:?}");
    }
}

fn naming(word: &str, place: impl Fn(&Source) -> bool) -> Vec<String> {
    let found = sources::library().into_iter().filter(|source| place(source) && source.code().contains(word));
    found.map(|source| source.name()).collect()
}

/// Top-level modules named by `crate::name` and `crate::{a, b::c}`.
fn crate_names(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate` of a macro and longer words that end in `crate` are something else.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(listed(list)),
            None => names.extend(Some(identifier(rest))),
        }
    }
    names.remove("");
    names
}

/// The first identifier of each entry of a brace list.
fn listed(list: &str) -> Vec<String> {
    let (mut depth, mut entry, mut names) = (0_i32, String::new(), Vec::new());
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(identifier(&std::mem::take(&mut entry))),
            letter => entry.push(letter),
        }
    }
    names.push(identifier(&entry));
    names
}

fn identifier(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn names_are_found_in_every_spelling() {
    let code = "use crate::model::TopicName; use crate::{batch::walk, wire::{a, b}, retry}; $crate::no; let x = crate::net::y();";
    let names: Vec<String> = crate_names(code).into_iter().collect();
    assert_eq!(names, ["batch", "model", "net", "retry", "wire"]);
}
