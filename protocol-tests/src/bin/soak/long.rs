//! One backup that lasts as long as the soak.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;
use crate::runs::Ktape;
use crate::samples::Sample;

/// What the quota lets through, in bytes a second.
pub(crate) const RATE: u64 = 256 << 10;
/// The client id that the quota is for.
pub(crate) const CLIENT: &str = "ktape-long";
/// Pause between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// How long it may take to end when told to.
const END: Duration = Duration::from_secs(60);

/// A backup under way; killed on drop.
#[derive(Debug)]
pub(crate) struct Long(Child);

impl Long {
    pub(crate) fn start(ktape: &Ktape, bootstrap: &str, folder: &Path) -> Outcome<Self> {
        let properties = folder.join("long.properties");
        fs::write(&properties, format!("client.id={CLIENT}\n"))?;
        let flags = ["--bootstrap-server", bootstrap, "--topics", "long", "--exclude-groups", "*", "--fetch-bytes"];
        let mut command = ktape.command("backup", &[&flags[..], &["64KiB", "--command-config"]].concat());
        let log = fs::File::create(folder.join("long.log"))?;
        Ok(Self(command.arg(&properties).stdout(Stdio::null()).stderr(log).spawn()?))
    }

    /// Looks at it until then. It has far too much to do to end before.
    pub(crate) fn watch(mut self, until: Instant) -> Outcome<Vec<Sample>> {
        let mut samples = Vec::new();
        while Instant::now() < until {
            if let Some(status) = self.0.try_wait()? {
                return Err(format!("the long backup ended with {status} before its time").into());
            }
            samples.extend(Sample::of(self.0.id()));
            thread::sleep(LOOK);
        }
        self.end()?;
        Ok(samples)
    }

    /// As an operator ends it: cleanly, with what it has.
    fn end(&mut self) -> Outcome<()> {
        if let Some(process) = Pid::from_raw(self.0.id().try_into()?) {
            kill_process(process, Signal::TERM)?;
        }
        let told = Instant::now();
        while self.0.try_wait()?.is_none() {
            if told.elapsed() > END {
                return Err("the long backup does not end when told to".into());
            }
            thread::sleep(LOOK / 10);
        }
        Ok(())
    }
}

impl Drop for Long {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
