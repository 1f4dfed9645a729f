//! What the properties of nodes say.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::ClusterSpec;
use super::node::{Keepers, Places};
use crate::error::{HarnessError, on};
use crate::jars::Jars;

/// Kafka 4 logs with a binding that takes system properties.
const SIMPLE: &[&str] = &[
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
];

/// Older ones take a file.
const LOG4J: &str = "log4j.rootLogger=INFO,out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n\
    log4j.appender.out.layout=org.apache.log4j.PatternLayout\n\
    log4j.appender.out.layout.ConversionPattern=%d{HH:mm:ss,SSS} [%t] %p %c - %m%n\n";

/// The JVM's flags for logs on its standard output or error.
pub(super) fn logging(root: &Path, jars: &Jars) -> Result<Vec<String>, HarnessError> {
    if jars.numbers() >= (4, 0) {
        return Ok(SIMPLE.iter().map(|&flag| flag.to_owned()).collect());
    }
    let file = root.join("log4j.properties");
    fs::write(&file, LOG4J).map_err(on("write", &file))?;
    Ok(vec![format!("-Dlog4j.configuration=file:{}", file.display())])
}

/// `zoo.cfg` of a ZooKeeper for one cluster.
pub(super) fn of_zookeeper(folder: &Path, port: u16) -> String {
    format!(
        "tickTime=2000\ndataDir={}\nclientPort={port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n",
        folder.join("data").display()
    )
}

/// `server.properties` of one node. Retention is off: what is loaded has fixed times, long ago.
pub(super) fn of_broker(folder: &Path, id: usize, places: &Places<'_>, cluster: &ClusterSpec) -> String {
    let port = places.brokers[id - 1];
    let (mut listeners, mut protocols) = (String::new(), String::new());
    for ((name, protocol), port) in cluster.listeners.iter().zip(places.further) {
        let _ = write!(listeners, ",{name}://127.0.0.1:{port}");
        let _ = write!(protocols, ",{name}:{protocol}");
    }
    let replicas = places.brokers.len().min(3);
    let mut text = match places.keepers {
        Keepers::Controllers(ports) => with_controllers(id, ports, port, &listeners, &protocols, replicas),
        Keepers::ZooKeeper(keeper) => format!(
            "broker.id={id}\n\
             zookeeper.connect=127.0.0.1:{keeper}\n\
             zookeeper.connection.timeout.ms=60000\n\
             zookeeper.session.timeout.ms=30000\n\
             listeners=PLAINTEXT://127.0.0.1:{port}{listeners}\n\
             listener.security.protocol.map=PLAINTEXT:PLAINTEXT{protocols}\n"
        ),
    };
    let _ = write!(
        text,
        "advertised.listeners=PLAINTEXT://127.0.0.1:{port}{listeners}\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={data}\n\
         offsets.topic.replication.factor={replicas}\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.num.partitions=4\n\
         transaction.state.log.replication.factor={replicas}\n\
         transaction.state.log.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         log.retention.ms=-1\n\
         log.cleaner.backoff.ms=500\n\
         log.cleaner.dedupe.buffer.size=4194304\n",
        data = folder.join("data").display(),
    );
    for (name, value) in &cluster.properties {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

fn with_controllers(id: usize, ports: &[u16], port: u16, listeners: &str, protocols: &str, replicas: usize) -> String {
    let controller = ports[id - 1];
    let voters: Vec<String> =
        ports.iter().enumerate().map(|(at, port)| format!("{}@127.0.0.1:{port}", at + 1)).collect();
    format!(
        "process.roles=broker,controller\n\
         node.id={id}\n\
         controller.quorum.voters={voters}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}{listeners}\n\
         controller.listener.names=CONTROLLER\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n\
         share.coordinator.state.topic.replication.factor={replicas}\n\
         share.coordinator.state.topic.min.isr=1\n",
        voters = voters.join(","),
    )
}
