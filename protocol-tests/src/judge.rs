//! What a cluster shows to Kafka's own clients, in a form that two clusters can be compared by.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::HarnessError;
use crate::helpers;
use crate::tools::{CONSOLE_CONSUMER, GROUPS, Launch, OLD_CONSOLE_CONSUMER, OLD_GROUPS, ToolOutput, Tools};

/// The console consumer knows no end of a log: it ends when nothing came for so long.
const QUIET: &str = "6000";
const TIMEOUT: Duration = Duration::from_secs(300);
/// The group tool's own patience, in ms: 5 s are not enough on a busy machine.
const GROUP_TIMEOUT: &str = "60000";
/// How often all groups are described until none of them goes away meanwhile.
const DESCRIPTIONS: u32 = 10;

/// What a consumer skips.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Isolation {
    /// Records of aborted and open transactions.
    ReadCommitted,
    /// Nothing.
    ReadUncommitted,
}

impl Isolation {
    fn name(self) -> &'static str {
        match self {
            Self::ReadCommitted => "read_committed",
            Self::ReadUncommitted => "read_uncommitted",
        }
    }
}

/// A record as a consumer shows it; contents longer than 64 bytes are digests.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ShownRecord {
    /// Its offset, which a restore changes.
    pub offset: i64,
    /// `CreateTime` or `LogAppendTime`, which a restore cannot keep.
    pub timestamp_type: String,
    /// Timestamp, key, value and headers in order: what must be the same.
    pub content: String,
}

/// Records of each partition in their order.
pub type Shown = BTreeMap<(String, i32), Vec<ShownRecord>>;

/// Where a group stands, and what it reads next.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Position {
    /// The committed offset.
    pub offset: i64,
    /// What was committed with it.
    pub metadata: String,
    /// Content of the record it reads next with `read_committed`; nothing at the end.
    pub next: Option<String>,
}

/// Positions by group, topic and partition.
pub type Positions = BTreeMap<(String, String, i32), Position>;

impl Tools {
    /// Reads all topics whose name matches the Java pattern from the beginning to the end, with the console consumer.
    ///
    /// # Errors
    /// It failed or printed something unexpected.
    pub fn read(&self, include: &str, isolation: Isolation) -> Result<Shown, HarnessError> {
        let shown = self.read_once(include, isolation)?;
        // On a busy machine the consumer may give up before its first record; nothing is only believed twice.
        if shown.is_empty() { self.read_once(include, isolation) } else { Ok(shown) }
    }

    fn read_once(&self, include: &str, isolation: Isolation) -> Result<Shown, HarnessError> {
        let options = ["--bootstrap-server", self.bootstrap(), "--include", include, "--from-beginning"];
        let mode = ["--isolation-level", isolation.name(), "--formatter", "RecordPrinter", "--timeout-ms", QUIET];
        let group = unique_group();
        let alone = ["--group", &group, "--command-property", "enable.auto.commit=false"];
        let args = [&options[..], &mode, &alone].concat();
        let output = self.judge(CONSOLE_CONSUMER, &args)?;
        parse_shown(&output.stdout)
    }

    /// Where all groups stand and what each would read next.
    ///
    /// # Errors
    /// The helper failed or printed something unexpected.
    pub fn positions(&self) -> Result<Positions, HarnessError> {
        let output = self.judge("Positions", &[self.bootstrap()])?;
        output.stdout.lines().map(|line| parse_position(line).ok_or_else(|| unexpected("Positions", line))).collect()
    }

    /// Committed offsets as `kafka-consumer-groups.sh --describe --all-groups` shows them, by group, topic and
    /// partition.
    ///
    /// # Errors
    /// The tool failed, or said so each time it was asked.
    pub fn described_offsets(&self) -> Result<BTreeMap<(String, String, i32), i64>, HarnessError> {
        let mut printed = String::new();
        // A group that another test deletes between the list and the description ends the tool, with exit code 0.
        for _ in 0..DESCRIPTIONS {
            printed = self.admin(GROUPS, &["--describe", "--all-groups", "--offsets"])?.stdout;
            if !printed.contains("Error:") {
                return Ok(printed.lines().filter_map(parse_described).collect());
            }
        }
        Err(unexpected(GROUPS, &printed))
    }

    /// Reads all topics whose name matches the Java pattern from the beginning to the end, with the console consumer of
    /// the version of these tools.
    ///
    /// # Errors
    /// It failed or printed something unexpected.
    pub fn read_by_own(&self, include: &str, isolation: Isolation) -> Result<Shown, HarnessError> {
        let shown = self.read_by_own_once(include, isolation)?;
        if shown.is_empty() { self.read_by_own_once(include, isolation) } else { Ok(shown) }
    }

    fn read_by_own_once(&self, include: &str, isolation: Isolation) -> Result<Shown, HarnessError> {
        let version = self.jars().numbers();
        let consumer = if version < (3, 7) { OLD_CONSOLE_CONSUMER } else { CONSOLE_CONSUMER };
        let formatter = if version < (2, 6) { "OldRecordPrinter" } else { "RecordPrinter" };
        let topics = if version < (3, 0) { "--whitelist" } else { "--include" };
        let properties = if version < (4, 2) { "--consumer-property" } else { "--command-property" };
        let group = unique_group();
        let args = [
            &["--bootstrap-server", self.bootstrap(), topics, include, "--from-beginning"][..],
            &["--isolation-level", isolation.name(), "--formatter", formatter, "--timeout-ms", QUIET],
            &[properties, &format!("group.id={group}"), properties, "enable.auto.commit=false"],
        ];
        let launch = Launch { helpers: Some(helpers::compiled(self.jars())?), ..Launch::default() };
        let output = self.start(consumer, &args.concat(), &launch)?.finish(TIMEOUT)?;
        parse_shown(&output.stdout)
    }

    /// Committed offsets of the groups by group, topic and partition, as the group tool of this version describes them.
    ///
    /// # Errors
    /// The tool failed.
    pub fn offsets_by_own(&self, groups: &[&str]) -> Result<BTreeMap<(String, String, i32), i64>, HarnessError> {
        let class = if self.jars().numbers() < (3, 6) { OLD_GROUPS } else { GROUPS };
        let command = |group| vec![class, "--describe", "--group", group, "--timeout", GROUP_TIMEOUT];
        let commands: Vec<Vec<&str>> = groups.iter().map(|group| command(group)).collect();
        let commands: Vec<&[&str]> = commands.iter().map(Vec::as_slice).collect();
        let printed = self.several(&commands)?;
        let mut offsets = BTreeMap::new();
        for (group, text) in groups.iter().zip(&printed) {
            // It ends well all the same.
            if text.contains("Error:") {
                return Err(unexpected(class, text));
            }
            let rows = text.lines().filter_map(parse_described);
            offsets.extend(rows.map(|((_, topic, at), offset)| (((*group).to_owned(), topic, at), offset)));
        }
        Ok(offsets)
    }

    fn judge(&self, class: &str, args: &[&str]) -> Result<ToolOutput, HarnessError> {
        let tools = self.with_current_clients()?;
        let launch = Launch { helpers: Some(helpers::compiled(tools.jars())?), ..Launch::default() };
        tools.start(class, args, &launch)?.finish(TIMEOUT)
    }
}

/// Only what must be the same after a restore.
pub fn contents(shown: &Shown) -> BTreeMap<&(String, i32), Vec<&str>> {
    shown.iter().map(|(at, records)| (at, records.iter().map(|record| record.content.as_str()).collect())).collect()
}

/// Two readers in one group would share the partitions.
fn unique_group() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("ktape-judge-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn unexpected(what: &str, line: &str) -> HarnessError {
    HarnessError::Output { what: what.into(), output: line.chars().take(500).collect() }
}

fn parse_shown(printed: &str) -> Result<Shown, HarnessError> {
    let mut shown = Shown::new();
    for line in printed.lines() {
        let (partition, record) = parse_record(line).ok_or_else(|| unexpected("the console consumer", line))?;
        shown.entry(partition).or_default().push(record);
    }
    Ok(shown)
}

fn parse_record(line: &str) -> Option<((String, i32), ShownRecord)> {
    let mut fields = line.splitn(5, '\t');
    let topic = fields.next()?.to_owned();
    let partition = fields.next()?.parse().ok()?;
    let offset = fields.next()?.parse().ok()?;
    let timestamp_type = fields.next()?.to_owned();
    let content = fields.next()?.to_owned();
    Some(((topic, partition), ShownRecord { offset, timestamp_type, content }))
}

fn parse_position(line: &str) -> Option<((String, String, i32), Position)> {
    let mut fields = line.splitn(6, '\t');
    let group = fields.next()?.to_owned();
    let topic = fields.next()?.to_owned();
    let partition = fields.next()?.parse().ok()?;
    let offset = fields.next()?.parse().ok()?;
    let metadata = fields.next()?.to_owned();
    let next = match fields.next()? {
        "END" => None,
        record => Some(parse_record(record)?.1.content),
    };
    Some(((group, topic, partition), Position { offset, metadata, next }))
}

/// `GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID`; a group's name may have spaces.
fn parse_described(line: &str) -> Option<((String, String, i32), i64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let tail = words.len().checked_sub(8)?;
    let [topic, partition, offset, ..] = words.get(tail..)? else { return None };
    let group = words.get(..tail)?.join(" ");
    Some(((group, (*topic).to_owned(), partition.parse().ok()?), offset.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{parse_described, parse_position, parse_record};

    #[test]
    fn lines_of_the_judges_are_read() {
        let ((topic, partition), record) = parse_record("t\t3\t17\tCreateTime\t5\tx61\tnull\tx62=x63;").unwrap();
        assert_eq!((topic.as_str(), partition, record.offset), ("t", 3, 17));
        assert_eq!(record.content, "5\tx61\tnull\tx62=x63;");
        let (_, at_end) = parse_position("g\tt\t0\t9\tmeta\tEND").unwrap();
        assert_eq!((at_end.offset, at_end.next), (9, None));
        let ((group, ..), offset) = parse_described("a b  t  0  12  20  8  -  -  -").unwrap();
        assert_eq!((group.as_str(), offset), ("a b", 12));
        assert!(
            parse_described("GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID")
                .is_none()
        );
    }
}
