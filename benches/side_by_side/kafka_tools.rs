//! Kafka's own performance tools and kcat.

use std::process::Command;

use protocol_tests::{prerequisites, tools};

use crate::Outcome;
use crate::contender::Contender;
use crate::measure::{self, Used};
use crate::scene::{Scene, Topic, expect};

/// As `kafka-run-class.sh` and the scripts of the two tools set them.
const JVM: &[&str] = &[
    "-Xmx512M",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
];

pub(crate) const KCAT: &str = "kcat -C to a file";
pub(crate) const PERF_CONSUMER: &str = "Kafka's perf consumer";
pub(crate) const PERF_PRODUCER: &str = "Kafka's perf producer";

/// kcat's consumer, or why there is none.
pub(crate) fn kcat<'a>(scene: &'a Scene, topic: &'a Topic) -> Result<Contender<'a>, String> {
    match Command::new("kcat").arg("-V").output() {
        Ok(output) if output.status.success() => {
            Ok(Contender::new(KCAT, topic.amount, move |_| consume_with_kcat(scene, topic)))
        }
        _ => Err("kcat is not installed (Debian: kcat)".to_owned()),
    }
}

fn consume_with_kcat(scene: &Scene, topic: &Topic) -> Outcome<Used> {
    topic.settle()?;
    let out = scene.folder().join("kcat");
    let mut command = Command::new("kcat");
    command.args(["-C", "-q", "-e", "-o", "beginning", "-b", scene.bootstrap(), "-t", &topic.name]);
    let used = measure::run_into(&mut command, &out, scene.folder())?;
    // Values, each with a line's end.
    expect("bytes of values", out.metadata()?.len(), topic.amount.records * (topic.load.shape.value_bytes as u64 + 1))?;
    std::fs::remove_file(out)?;
    Ok(used)
}

/// `kafka-consumer-perf-test.sh`. It commits nothing, so that backups do not find more and more groups.
pub(crate) fn perf_consumer<'a>(scene: &'a Scene, topic: &'a Topic) -> Contender<'a> {
    Contender::new(PERF_CONSUMER, topic.amount, move |_| {
        topic.settle()?;
        let records = topic.amount.records.to_string();
        let mut command = java(scene, tools::PERF_CONSUMER);
        command.args(["--bootstrap-server", scene.bootstrap(), "--topic", &topic.name, "--num-records", &records]);
        command.args(["--hide-header", "--command-property", "enable.auto.commit=false"]);
        let ran = measure::run(&mut command, scene.folder())?;
        expect("records", consumed(&ran.stdout)?, topic.amount.records)?;
        Ok(ran.used)
    })
}

/// Start, end, MB, MB/s, records, ...
fn consumed(line: &str) -> Outcome<u64> {
    let count = line.trim().split(',').nth(4).and_then(|count| count.trim().parse().ok());
    Ok(count.ok_or_else(|| format!("the perf consumer said {line:?}"))?)
}

/// `kafka-producer-perf-test.sh` with batches of 1 MB and acks from all: as many records of the same size.
pub(crate) fn perf_producer<'a>(scene: &'a Scene, topic: &'a Topic) -> Contender<'a> {
    Contender::new(PERF_PRODUCER, topic.amount, move |round| {
        let target = format!("{}-perf-{round}", topic.name);
        scene.create(&target, topic.load.partitions)?;
        topic.settle()?;
        let used = produce(scene, topic, &target)?;
        let ends = scene.ends(&target)?;
        let sum = ends.as_array().into_iter().flatten().filter_map(serde_json::Value::as_u64).sum();
        expect("records", sum, topic.amount.records)?;
        scene.remove(&target)?;
        Ok(used)
    })
}

fn produce(scene: &Scene, topic: &Topic, target: &str) -> Outcome<Used> {
    let (records, size) = (topic.amount.records.to_string(), topic.load.shape.value_bytes.to_string());
    let codec = format!("compression.type={}", topic.load.shape.codec);
    let mut command = java(scene, tools::PERF_PRODUCER);
    command.args(["--bootstrap-server", scene.bootstrap(), "--topic", target, "--throughput", "-1"]);
    command.args(["--num-records", &records, "--record-size", &size]);
    command.args(["--command-property", "acks=all", "batch.size=1000000", &codec]);
    Ok(measure::run(&mut command, scene.folder())?.used)
}

fn java(scene: &Scene, class: &str) -> Command {
    let mut command = Command::new(prerequisites::java());
    command.args(JVM).args(["-cp", &scene.cluster().tools().jars().class_path(), class]);
    command
}
