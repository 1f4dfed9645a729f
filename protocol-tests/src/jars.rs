//! Apache Kafka's own jars, fetched once by Maven into a per-user cache.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};

use crate::error::{HarnessError, io, on};
use crate::prerequisites;

/// The version of Apache Kafka that is run unless another is asked for.
pub const DEFAULT_VERSION: &str = "4.2.0";

/// The Maven plugin, by full name so that no other version of it is looked up.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// The jars of one version of Apache Kafka.
#[derive(Clone, Debug)]
pub struct Jars {
    version: String,
    folder: PathBuf,
}

impl Jars {
    /// The jars of `version`, fetched if the cache does not hold them yet. Two processes that ask at once fetch once.
    ///
    /// # Errors
    /// Prerequisites are missing, or Maven failed.
    pub fn get(version: &str) -> Result<Self, HarnessError> {
        let folder = cache_root()?.join(version);
        let jars = Self { version: version.to_owned(), folder };
        fs::create_dir_all(&jars.folder).map_err(on("create", &jars.folder))?;
        let _lock = jars.lock()?;
        if !jars.folder.join("jars").is_dir() {
            jars.fetch()?;
        }
        Ok(jars)
    }

    /// The version of Apache Kafka.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The class path of all jars, in the form that the `java` launcher expands.
    pub fn class_path(&self) -> String {
        format!("{}/jars/*", self.folder.display())
    }

    /// The folder of this version in the cache, for what is made from the jars once.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps other processes from making the same thing in the cache, until the file is dropped.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn lock(&self) -> Result<File, HarnessError> {
        let path = self.folder.join("lock");
        let file = File::create(&path).map_err(on("create", &path))?;
        flock(&file, FlockOperation::LockExclusive).map_err(|e| on("lock", &path)(e.into()))?;
        Ok(file)
    }

    fn fetch(&self) -> Result<(), HarnessError> {
        prerequisites::check()?;
        let part = self.folder.join("jars.part");
        let _ = fs::remove_dir_all(&part);
        let pom = self.folder.join("pom.xml");
        fs::write(&pom, self.pom()).map_err(on("write", &pom))?;
        let output = Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(&pom)
            .args([COPY, "-DincludeScope=runtime"])
            .arg(format!("-DoutputDirectory={}", part.display()))
            .stdin(Stdio::null())
            .output()
            .map_err(io("run mvn"))?;
        if !output.status.success() {
            return Err(HarnessError::Failed {
                what: format!("mvn, fetching the jars of Kafka {}", self.version),
                status: output.status.code().unwrap_or(-1),
                output: String::from_utf8_lossy(&output.stdout).into_owned(),
            });
        }
        fs::rename(&part, self.folder.join("jars")).map_err(on("rename", &part))
    }

    fn pom(&self) -> String {
        let scala = if self.numbers() < (2, 4) { "2.12" } else { "2.13" };
        let mut dependencies = dependency("org.apache.kafka", &format!("kafka_{scala}"), &self.version);
        if self.numbers() >= (3, 4) {
            dependencies += &dependency("org.apache.kafka", "kafka-tools", &self.version);
        }
        // All but the oldest bring no binding of their logging interface, and would log nothing at all.
        if self.numbers() >= (4, 0) {
            dependencies += &dependency("org.slf4j", "slf4j-simple", "1.7.36");
        } else if self.numbers() >= (1, 0) {
            dependencies += &dependency("org.slf4j", "slf4j-reload4j", "1.7.36");
        }
        if self.numbers() < (1, 0) {
            // A part of Java until 9.
            dependencies += &dependency("javax.xml.bind", "jaxb-api", "2.3.1");
        }
        if self.numbers() < (2, 4) {
            // The ZooKeeper that came with 2.0 to 2.3 does not start on Java 17.
            dependencies += &dependency("org.apache.zookeeper", "zookeeper", "3.4.10");
        }
        format!(
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\n\
             <groupId>ktape</groupId><artifactId>kafka-jars</artifactId><version>1</version>\n\
             <dependencies>\n{dependencies}</dependencies></project>\n"
        )
    }

    /// Whether its brokers need a ZooKeeper here: those without KRaft, or with one not meant for production.
    pub fn need_zookeeper(&self) -> bool {
        self.numbers() < (3, 3)
    }

    /// The first two numbers of the version.
    pub fn numbers(&self) -> (u32, u32) {
        let mut numbers = self.version.split('.').map(|number| number.parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }
}

fn dependency(group: &str, artifact: &str, version: &str) -> String {
    format!(
        "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
         <version>{version}</version></dependency>\n"
    )
}

/// Where jars and what is made from them are kept: `KTAPE_KAFKA_CACHE`, or `ktape/kafka` in the user's cache folder.
///
/// # Errors
/// No variable names a folder.
pub fn cache_root() -> Result<PathBuf, HarnessError> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("KTAPE_KAFKA_CACHE")
        .or_else(|| named("XDG_CACHE_HOME").map(|dir| dir.join("ktape/kafka")))
        .or_else(|| named("HOME").map(|dir| dir.join(".cache/ktape/kafka")))
        .ok_or_else(|| HarnessError::Prerequisites(vec!["- none of KTAPE_KAFKA_CACHE, XDG_CACHE_HOME, HOME".into()]))
}
