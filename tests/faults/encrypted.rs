//! A repository that is compressed and encrypted: the host that backs up holds the public key only, who restores holds
//! the private one, and a person with `age`, `zstd`, `b3sum` and Kafka's `DumpLogSegments` needs no ktape at all.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use age::secrecy::ExposeSecret;
use protocol_tests::judge::{Isolation, contents};
use serde_json::Value;
use tempfile::TempDir;

use super::{Ended, Repository, cluster, ktape, run};
use crate::not_run::not_run;

/// A private key in a file, and its public half.
struct Keys {
    recipient: String,
    file: PathBuf,
    _folder: TempDir,
}

impl Keys {
    fn new() -> Self {
        let folder = TempDir::with_prefix("ktape-keys-").unwrap();
        let file = folder.path().join("key.txt");
        let identity = age::x25519::Identity::generate();
        fs::write(&file, format!("# a key\n{}\n", identity.to_string().expose_secret())).unwrap();
        Self { recipient: identity.to_public().to_string(), file, _folder: folder }
    }

    fn flag(&self) -> [&str; 2] {
        ["--identity-file", self.file.to_str().unwrap()]
    }
}

fn init(flags: &[&str]) -> Repository {
    let repository = Repository::nothing();
    run(&[&["init", "--repository", &repository.place(), "--compression", "zstd"], flags].concat()).exits(0);
    repository
}

#[test]
fn a_host_with_the_public_key_backs_up_and_only_the_private_key_restores() {
    let (keys, others) = (Keys::new(), Keys::new());
    let tools = cluster().tools();
    tools.load(&["bulk:secret:2:4000:500:none", "commit:keepers:secret:0:1000:noon"]).unwrap();
    let repository = init(&["--recipient", &keys.recipient]);
    let selection = ["--topics", "secret", "--groups", "keepers", "--segment-bytes", "1MiB", "--json"];
    let back_up = || repository.backup(cluster().bootstrap(), &selection).exits(0).report();
    kill(&repository, &selection);
    let first = back_up();
    assert!(first["taken_over_segments"].as_u64() > Some(0), "{first:#}");
    let (stored, plain) = (segment_bytes(&repository), first["totals"]["bytes"].as_u64().unwrap());
    assert!(stored < plain / 2, "{stored} bytes are stored of {plain}");
    let nothing = back_up();
    assert_eq!(nothing["totals"]["new_bytes"].as_u64(), Some(0));
    assert_eq!(parts(&repository), parts_after(&repository, back_up), "nothing changed, and parts were written");
    tools.load(&["bulk:secret:2:300:500:none", "commit:keepers:secret:0:1200:noon"]).unwrap();
    let more = back_up();
    assert!(more["fetched_bytes"].as_u64().unwrap() < plain / 4, "{more:#}");

    let place = repository.place();
    run(&["verify", "--repository", &place]).exits(0);
    let checked = verified(&run(&["verify", "--repository", &place, "--json"]));
    assert_eq!(checked["batches_read"].as_u64(), Some(0), "nobody can look into batches without the key");
    let flags = keys.flag();
    let checked = verified(&run(&["verify", "--repository", &place, "--json", flags[0], flags[1]]));
    assert!(checked["batches_read"].as_u64() > Some(0), "{checked:#}");

    let rename = ["--rename", "secret=secret-back", "--exclude-groups", "*"];
    let restore = |flags: &[&str]| repository.restore(cluster().bootstrap(), &[&rename, flags].concat());
    restore(&[]).exits(5).says(&[&place, &keys.recipient, "no key"]).hints(&["--identity-file", "--passphrase-file"]);
    let refused = restore(&others.flag()).exits(5);
    refused.says(&[&keys.recipient, &others.recipient]).hints(&["--identity-file"]);
    restore(&keys.flag()).exits(0);
    let shown = tools.read("secret", Isolation::ReadCommitted).unwrap();
    let back = tools.read("secret-back", Isolation::ReadUncommitted).unwrap();
    assert!(shown.values().map(Vec::len).sum::<usize>() > 4_200);
    assert!(contents(&shown).into_values().eq(contents(&back).into_values()), "the records differ");
    run(&["export", "--repository", &place, "--topic", "secret", flags[0], flags[1]]).exits(0);
    let exported = run(&["export", "--repository", &place, "--topic", "secret"]).exits(5);
    exported.says(&[&keys.recipient]).hints(&["--identity-file"]);
}

#[test]
fn a_passphrase_and_new_recipients() {
    let keys = Keys::new();
    let folder = TempDir::with_prefix("ktape-keys-").unwrap();
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let (right, wrong) = (file("right", "correct horse\n"), file("wrong", "incorrect horse\n"));
    let repository = init(&["--passphrase-file", &right]);
    let place = repository.place();
    cluster().tools().load(&["commit:rotating:notes:0:50"]).unwrap();
    let selection = ["--topics", "notes", "--groups", "rotating"];
    repository.backup(cluster().bootstrap(), &selection).exits(0);
    let show = |flag: &str, value: &str| run(&["show", "--repository", &place, flag, value]);
    show("--passphrase-file", &right).exits(0);
    let refused = show("--passphrase-file", &wrong).exits(5).hints(&["--passphrase-file"]);
    assert!(!refused.stderr.contains("horse"), "{}", refused.stderr);
    // Somebody else may read what is written from now on, and nothing that was written before.
    run(&["recipients", "--repository", &place, "--add", &keys.recipient]).exits(0);
    show(keys.flag()[0], keys.flag()[1]).exits(5).says(&["is not encrypted to", &keys.recipient]);
    cluster().tools().load(&["commit:rotating:notes:0:60"]).unwrap();
    repository.backup(cluster().bootstrap(), &selection).exits(0);
    // What is new is told, although the new key does not open the snapshot before.
    for (flag, value) in [(keys.flag()[0], keys.flag()[1]), ("--passphrase-file", right.as_str())] {
        show(flag, value).exits(0);
        let shown = run(&["show", "--repository", &place, flag, value, "--json"]).exits(0).report();
        assert_eq!((&shown["sequence"], &shown["topics"][0]["new_bytes"]), (&2.into(), &0.into()), "{shown:#}");
    }
    run(&["verify", "--repository", &place, "--passphrase-file", &right]).exits(0);
    let changed = repository.path().join("keys/000001.json");
    let before = fs::read(&changed).unwrap();
    super::damage::flip(&changed, before.len() / 3);
    run(&["verify", "--repository", &place]).exits(4);
}

#[test]
fn a_person_with_age_zstd_b3sum_and_kafkas_tools_reads_it() {
    for program in ["age", "zstd", "b3sum"] {
        if Command::new(program).arg("--version").stdout(Stdio::null()).status().is_err() {
            return not_run("reading an encrypted backup without ktape", "age, zstd and b3sum");
        }
    }
    let keys = Keys::new();
    let tools = cluster().tools();
    tools.load(&["bulk:openly:1:6000:400:none", "bulk:packed:1:500:400:gzip", "commit:openers:openly:0:777"]).unwrap();
    let repository = init(&["--recipient", &keys.recipient]);
    let selection =
        ["--topics", "openly", "packed", "--groups", "openers", "--segment-bytes", "1MiB", "--fetch-bytes", "512KiB"];
    repository.backup(cluster().bootstrap(), &selection).exits(0);
    let person = Person { key: &keys.file, root: repository.path() };
    // From the head, by digests alone, to seals.
    let head: Value = serde_json::from_str(first_line(&person.file("snapshots/0000000001.json"))).unwrap();
    let seals = person.seals(&head);
    assert!(seals.len() >= 3, "{seals:#?}");
    let folder = TempDir::with_prefix("ktape-openly-").unwrap();
    let mut logs = Vec::new();
    let mut forms = BTreeMap::new();
    for seal in &seals {
        let object = seal["object"].as_str().unwrap();
        let stored = repository.path().join(object);
        assert_eq!(Person::b3sum(&stored), seal["stored_digest"].as_str().unwrap());
        let (_, form) = object.split_once(".log").unwrap();
        *forms.entry(form.to_owned()).or_insert(0) += 1;
        let log = folder.path().join(format!("{:020}.log", seal["base"].as_u64().unwrap()));
        let log =
            log.with_file_name(format!("{}-{}", seal["topic"].as_str().unwrap(), log.file_name().unwrap().display()));
        Person::pipe(&format!("{} > '{}'", person.opens(&stored), log.display()));
        assert_eq!(Person::b3sum(&log), seal["digest"].as_str().unwrap());
        let parent = folder.path().join(seal["topic"].as_str().unwrap());
        fs::create_dir_all(&parent).unwrap();
        let named = parent.join(format!("{:020}.log", seal["base"].as_u64().unwrap()));
        fs::rename(&log, &named).unwrap();
        logs.push(named);
    }
    assert!(forms.contains_key(".zst.age") && forms.contains_key(".age"), "{forms:?}");
    let dump = tools.dump_log(&logs).unwrap();
    assert_eq!(dump.lines().filter(|line| line.starts_with("| offset: ")).count(), 6_500);
    assert!(!dump.contains("isvalid: false"));
    let groups = format!("index/{}.json.zst.age", head["groups"]["stored"].as_str().unwrap());
    let groups = Person::pipe(&person.opens(&repository.path().join(groups)));
    let groups: Value = serde_json::from_str(&groups).unwrap();
    assert_eq!(groups["groups"][0]["offsets"][0]["offset"].as_u64(), Some(777), "{groups:#}");
}

/// Starts a backup and ends it with `kill -9` as soon as it has written down what it sealed.
fn kill(repository: &Repository, selection: &[&str]) {
    let place = repository.place();
    let args = [&["backup", "--repository", &place, "--bootstrap-server", cluster().bootstrap()], selection].concat();
    let mut command = ktape();
    command.args(args).args(["-vv", "--log-format", "json"]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let lines = BufReader::new(running.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut seen = Vec::new();
    for line in lines {
        let recorded = line.contains("\"record\"");
        seen.push(line);
        if recorded {
            break;
        }
    }
    running.kill().unwrap();
    let ended = running.wait().unwrap();
    assert!(ended.code().is_none(), "it ended before it could be killed: {seen:#?}");
}

/// Somebody with a shell, the private key and FORMAT.md.
struct Person<'a> {
    key: &'a Path,
    root: &'a Path,
}

impl Person<'_> {
    fn pipe(line: &str) -> String {
        let output = Command::new("bash").args(["-o", "pipefail", "-c", line]).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn b3sum(file: &Path) -> String {
        Self::pipe(&format!("b3sum --no-names '{}'", file.display())).trim().to_owned()
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.root.join(name)).unwrap()
    }

    /// The line that shows what an encrypted object holds.
    fn opens(&self, stored: &Path) -> String {
        let decrypted = format!("age -d -i '{}' '{}'", self.key.display(), stored.display());
        let packed = stored.display().to_string().contains(".zst");
        if packed { format!("{decrypted} | zstd -dc") } else { decrypted }
    }

    fn part(&self, digest: &str) -> Value {
        let file = self.root.join(format!("index/{digest}.json.zst"));
        let checked = Self::pipe(&format!("zstd -dc '{}' | b3sum --no-names", file.display()));
        assert_eq!(checked.trim(), digest);
        serde_json::from_str(&Self::pipe(&format!("zstd -dc '{}'", file.display()))).unwrap()
    }

    fn seals(&self, head: &Value) -> Vec<Value> {
        let mut seals = Vec::new();
        for shard in head["topics"].as_array().unwrap() {
            for topic in self.part(shard["digest"].as_str().unwrap())["topics"].as_array().unwrap() {
                for partition in topic["partitions"].as_array().unwrap() {
                    for part in partition["segments"]["parts"].as_array().into_iter().flatten() {
                        seals.extend(self.part(part["digest"].as_str().unwrap()).as_array().unwrap().iter().cloned());
                    }
                    seals.extend(partition["segments"]["tail"].as_array().unwrap().iter().cloned());
                }
            }
        }
        seals
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap()
}

fn verified(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.report()
}

fn segment_bytes(repository: &Repository) -> u64 {
    let all = super::content(repository.path()).into_iter();
    all.filter(|(name, _)| name.starts_with("topics/")).map(|(_, bytes)| bytes.len() as u64).sum()
}

fn parts(repository: &Repository) -> Vec<String> {
    let all = super::content(repository.path()).into_keys();
    all.filter(|name| name.starts_with("index/")).collect()
}

fn parts_after<T>(repository: &Repository, change: impl Fn() -> T) -> Vec<String> {
    change();
    parts(repository)
}
