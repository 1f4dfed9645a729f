//! What one cluster holds, as clients and tools of its own version show it.

use std::collections::{BTreeMap, BTreeSet};

use protocol_tests::Cluster;
use protocol_tests::judge::{Isolation, Shown};

/// Codecs that every version has.
const CODECS: [&str; 4] = ["none", "gzip", "snappy", "lz4"];
/// The first version with zstd.
const ZSTD: (u32, u32) = (2, 1);
const SETTINGS: &[&str] =
    &["cleanup.policy=compact", "max.message.bytes=54321", "min.insync.replicas=1", "retention.ms=123456789012"];

/// A cluster that was filled.
pub(super) struct End {
    /// All names of topics and groups begin with it.
    pub(super) word: String,
    pub(super) content: Content,
}

/// Everything that must come back.
#[derive(Debug)]
pub(super) struct Content {
    shown: Shown,
    /// What each group reads next, by group, topic and partition.
    next: BTreeMap<(String, String, i32), Option<String>>,
    settings: BTreeSet<String>,
}

impl End {
    /// Fills a cluster with topics and groups whose names begin with the word.
    pub(super) fn fill(cluster: &Cluster, word: &str) -> Self {
        let tools = cluster.tools();
        let zstd = (tools.jars().numbers() >= ZSTD).then_some("zstd");
        let mut steps: Vec<String> = Vec::new();
        for codec in CODECS.into_iter().chain(zstd) {
            steps.push(format!("bulk:{word}-{codec}:2:600:200:{codec}"));
        }
        let gzip = format!("{word}-gzip");
        steps.extend(["abort", "commit", "abort"].map(|end| format!("transaction:{gzip}:7:{end}")));
        steps.push(format!("rich:{gzip}"));
        steps.push(format!("topic:{word}-set:1:{}", SETTINGS.join(":")));
        steps.push(format!("put:{word}-set:key:value"));
        steps.push(format!("topic:{word}-empty:3"));
        steps.push(format!("commit:{word}-early:{gzip}:0:17:a note"));
        // In the middle of what was aborted, and at the end.
        steps.push(format!("commit:{word}-late:{gzip}:0:303:"));
        steps.push(format!("commit:{word}-late:{gzip}:1:300:"));
        steps.push(format!("commit:{word}-late:{word}-none:1:0:"));
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        tools.plain_load(&steps).unwrap();
        let mut end = Self { word: word.to_owned(), content: Content::nothing() };
        end.content = Content::of(cluster, &end);
        let codecs = CODECS.len() + usize::from(zstd.is_some());
        assert_eq!(end.content.records(), codecs * 600 + 7 + 5 + 1);
        end
    }

    fn groups(&self) -> [String; 2] {
        [format!("{}-early", self.word), format!("{}-late", self.word)]
    }
}

impl Content {
    fn nothing() -> Self {
        Self { shown: Shown::new(), next: BTreeMap::new(), settings: BTreeSet::new() }
    }

    /// What a cluster shows of what one end was filled with.
    pub(super) fn of(cluster: &Cluster, end: &End) -> Self {
        let tools = cluster.tools();
        let shown =
            tools.read_by_own(&format!("{}-.*", end.word.replace('.', "[.]")), Isolation::ReadCommitted).unwrap();
        let groups = end.groups();
        let offsets = tools.offsets_by_own(&groups.each_ref().map(String::as_str)).unwrap();
        let next = |topic: &str, at: i32, offset: i64| {
            let records = shown.get(&(topic.to_owned(), at)).map_or(&[][..], Vec::as_slice);
            records.iter().find(|record| record.offset >= offset).map(|record| record.content.clone())
        };
        let next = offsets
            .into_iter()
            .map(|((group, topic, at), offset)| {
                let next = next(&topic, at, offset);
                ((group, topic, at), next)
            })
            .collect();
        let settings = tools.plain_load(&[&format!("settings:{}-set", end.word)]).unwrap().stdout;
        Self { shown, next, settings: settings.lines().map(str::to_owned).collect() }
    }

    pub(super) fn records(&self) -> usize {
        self.shown.values().map(Vec::len).sum()
    }

    pub(super) fn assert_same(&self, found: &Self) {
        crate::kafka::round_trip::assert_same_records(&self.shown, &found.shown, Isolation::ReadCommitted);
        assert_eq!(self.next, found.next);
        assert_eq!(self.next.len(), 4);
        assert_eq!(self.settings, found.settings);
        let wanted: BTreeSet<String> = SETTINGS.iter().map(|&setting| setting.to_owned()).collect();
        assert!(self.settings.is_superset(&wanted), "{:?}", self.settings);
    }
}
