//! What Java and Kafka make of the same text. `protocol-tests/golden/ClientSyntax.java` wrote the samples.

use std::collections::BTreeMap;

use super::jaas::LoginModule;
use super::syntax;

const SAMPLES: &str = include_str!("../../protocol-tests/golden/client-syntax.txt");

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn text(hex: &str) -> String {
    String::from_utf8(bytes(hex)).unwrap()
}

/// What is found, or nothing if it is an error.
fn expected(said: &str) -> Option<BTreeMap<String, String>> {
    let pairs = said.split(',').filter(|pair| *pair != "nothing").map(|pair| pair.split_once('=').unwrap_or_default());
    (said != "error").then(|| pairs.map(|(name, value)| (text(name), text(value))).collect())
}

fn samples(kind: &str) -> Vec<(&'static str, &'static str)> {
    let lines = SAMPLES.lines().filter_map(|line| line.strip_prefix(kind)?.trim_start().split_once(' '));
    let samples: Vec<_> = lines.collect();
    assert!(samples.len() >= 100, "{kind}: {}", samples.len());
    samples
}

#[test]
fn properties_are_read_as_java_reads_them() {
    for (sample, said) in samples("properties") {
        let entries = syntax::parse_latin1(&bytes(sample)).ok();
        let found = entries.map(|entries| {
            entries.into_iter().map(|entry| (entry.name, entry.value.expose().to_owned())).collect::<BTreeMap<_, _>>()
        });
        // Java makes a property without a name of a last line that is only a backslash. Nobody asks for it.
        let named = |mut found: BTreeMap<String, String>| {
            found.remove("");
            found
        };
        assert_eq!(found.map(named), expected(said).map(named), "{:?}", String::from_utf8_lossy(&bytes(sample)));
    }
}

#[test]
fn login_modules_are_read_as_kafka_reads_them() {
    let mut read = 0;
    for (sample, said) in samples("jaas") {
        let module = LoginModule::parse(&text(sample));
        let found = module.map(|module| {
            let pairs = module.options.into_iter().map(|(name, value)| (name, value.expose().to_owned()));
            pairs.collect::<BTreeMap<_, _>>()
        });
        match (found, expected(said)) {
            (Ok(found), expected) => {
                assert_eq!(Some(found), expected, "{:?}", text(sample));
                read += 1;
            }
            // Java takes the end of a line for the missing quote; that would only hide what is wrong.
            (Err(error), Some(_)) => assert!(error.to_string().contains("quoted"), "{:?}: {error}", text(sample)),
            (Err(_), None) => {}
        }
    }
    assert!(read >= 50, "{read}");
}
