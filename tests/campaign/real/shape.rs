//! What lies in the cluster, and how it changes between two backups.

use super::World;

const TOPICS: [&str; 3] = ["orders", "paid", "quiet"];
const GROUPS: [&str; 2] = ["shop", "reader"];
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];
/// Partitions of a topic at most.
const PARTITIONS: u64 = 4;

impl World<'_> {
    /// Topics that have seen something already.
    pub fn begin(&mut self) {
        for topic in &TOPICS[..=self.random.below(3) as usize] {
            let (topic, partitions) = (format!("{}{topic}", self.name), 1 + self.random.below(PARTITIONS) as i32);
            self.step(&format!("topic:{topic}:{partitions}"));
            self.topics.insert(topic, partitions);
        }
        for _ in 0..3 {
            self.write(3_000);
        }
        self.commit();
    }

    /// What happens between two backups.
    pub fn go_on(&mut self) {
        for _ in 0..self.random.below(4) {
            self.write(1_000);
        }
        if self.random.once_in(2) {
            self.commit();
        }
    }

    /// Records over all partitions of a topic, or a transaction in its first.
    fn write(&mut self, records: u64) {
        let (topic, partitions) = self.any_topic();
        if self.random.once_in(3) {
            let (count, how) = (1 + self.random.below(40), ["commit", "abort"][self.random.below(2) as usize]);
            return self.step(&format!("transaction:{topic}:{count}:{how}"));
        }
        let (count, size) = (1 + self.random.below(records), 1 + self.random.below(900));
        let codec = *self.random.pick(&CODECS).unwrap();
        self.step(&format!("bulk:{topic}:{partitions}:{count}:{size}:{codec}"));
    }

    /// Positions anywhere in the log, on markers and in aborted transactions too.
    fn commit(&mut self) {
        for group in GROUPS {
            let (topic, partitions) = self.any_topic();
            let partition = self.random.below(partitions as u64) as i32;
            let end = self.logs(&topic, &topic, partitions).remove(partition as usize).1.bounds[3];
            let offset = self.random.below(end as u64 + 1) as i64;
            let group = format!("{}{group}", self.name);
            self.step(&format!("commit:{group}:{topic}:{partition}:{offset}"));
            self.groups.entry(group).or_default().insert((topic, partition), offset);
        }
    }

    pub fn any_topic(&mut self) -> (String, i32) {
        let at = self.random.below(self.topics.len() as u64) as usize;
        let (topic, partitions) = self.topics.iter().nth(at).unwrap();
        (topic.clone(), *partitions)
    }

    /// Makes room for the next world.
    pub fn end(&mut self) {
        let renamed = |topic: &String| topic.replacen("world", "back", 1);
        let topics: Vec<String> = self.topics.keys().flat_map(|topic| [topic.clone(), renamed(topic)]).collect();
        for topic in topics {
            self.step(&format!("delete:{topic}"));
        }
    }
}
