//! One warm JVM that takes the steps of [`crate::load`] over a socket: a change takes milliseconds, not a start.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{HarnessError, io};
use crate::ports::Ports;
use crate::tools::{RunningTool, Tools};

/// A JVM on a machine that is also building.
const START: Duration = Duration::from_secs(90);
const STEP: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(50);

/// A JVM that waits for steps, killed on drop.
#[derive(Debug)]
pub struct Desk {
    line: Mutex<BufReader<TcpStream>>,
    _jvm: RunningTool,
    _ports: Ports,
}

impl Desk {
    /// Starts it for the cluster of these tools.
    ///
    /// # Errors
    /// It does not come up.
    pub fn open(tools: &Tools) -> Result<Self, HarnessError> {
        let ports = Ports::reserve(1)?;
        let port = ports.all()[0];
        let jvm = tools.start_load(&[&format!("serve:{port}")])?;
        let deadline = Instant::now() + START;
        let stream = loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() >= deadline => return Err(io("reach the JVM that takes steps")(error)),
                Err(_) => sleep(PAUSE),
            }
        };
        stream.set_read_timeout(Some(STEP)).map_err(io("set a timeout"))?;
        Ok(Self { line: Mutex::new(BufReader::new(stream)), _jvm: jvm, _ports: ports })
    }

    /// Runs one step, such as `topic:orders:3`, and gives what it has to say.
    ///
    /// # Errors
    /// It failed, or took more than 90 seconds.
    pub fn step(&self, step: &str) -> Result<String, HarnessError> {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = String::new();
        line.get_mut().write_all(format!("{step}\n").as_bytes()).map_err(io(format!("ask for {step}")))?;
        line.read_line(&mut answer).map_err(io(format!("do {step}")))?;
        match answer.trim_end().split_once('\t') {
            Some(("ok", said)) => Ok(said.to_owned()),
            None if answer.trim_end() == "ok" => Ok(String::new()),
            _ => Err(HarnessError::Output { what: step.to_owned(), output: answer }),
        }
    }
}
