//! A way to a broker on which requests and answers get lost.
//!
//! It understands no more of the protocol than frames: a size, then API key, version and correlation id of a request,
//! or the correlation id of an answer.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::error::{HarnessError, io as failed};
use crate::ports::Ports;

const LARGEST_FRAME: usize = 128 << 20;

/// API keys of requests (`ApiKeys` of Kafka).
pub mod api {
    /// Produce.
    pub const PRODUCE: i16 = 0;
    /// Fetch.
    pub const FETCH: i16 = 1;
    /// `ListOffsets`.
    pub const LIST_OFFSETS: i16 = 2;
    /// `OffsetFetch`.
    pub const OFFSET_FETCH: i16 = 9;
}

/// A request on its way to the broker.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Which API.
    pub api: i16,
    /// How many of this API there were over this proxy, this one included.
    pub number: usize,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It arrives, and so does its answer.
    Pass,
    /// It arrives, and the connection ends when the broker has answered.
    LoseAnswer,
    /// It arrives, and the connection ends after so many bytes of its answer's frame.
    CutAnswer(usize),
    /// The connection ends before it arrives.
    Cut,
    /// It never arrives, and the connection stays.
    Swallow,
}

/// An answer that came over a proxy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// Which API.
    pub api: i16,
    /// The version of the request, and so of the answer.
    pub version: i16,
    /// Its frame after the size.
    pub frame: Vec<u8>,
}

type Rule = dyn FnMut(Request) -> Fate + Send;
/// Who is shown every answer.
type Witness = dyn Fn(Answer) + Send + Sync;

struct Shared {
    rule: Mutex<(Box<Rule>, BTreeMap<i16, usize>)>,
    witness: Box<Witness>,
    ended: AtomicBool,
    upstream: u16,
}

/// A proxy in front of one broker, until it is dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
    accepting: Option<JoinHandle<()>>,
    _ports: Ports,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Listens, and asks `rule` about every request. The rule may take its time: the request waits meanwhile.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(upstream: u16, rule: impl FnMut(Request) -> Fate + Send + 'static) -> Result<Self, HarnessError> {
        Self::start_with(upstream, Box::new(rule), Box::new(drop))
    }

    /// Listens, lets everything pass, and shows every answer to a witness.
    ///
    /// # Errors
    /// No port is free.
    pub fn watched(upstream: u16, witness: impl Fn(Answer) + Send + Sync + 'static) -> Result<Self, HarnessError> {
        Self::start_with(upstream, Box::new(|_| Fate::Pass), Box::new(witness))
    }

    fn start_with(upstream: u16, rule: Box<Rule>, witness: Box<Witness>) -> Result<Self, HarnessError> {
        let ports = Ports::reserve(1)?;
        let port = ports.all().first().copied().unwrap_or_default();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed("listen"))?;
        let rule = Mutex::new((rule, BTreeMap::new()));
        let shared = Arc::new(Shared { rule, witness, ended: AtomicBool::new(false), upstream });
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Ok(Self { shared, port, accepting: Some(accepting), _ports: ports })
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        // Wakes up whoever accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.ended.load(Ordering::Relaxed) {
            return;
        }
        let (Ok(client), Ok(broker)) = (client, TcpStream::connect((Ipv4Addr::LOCALHOST, shared.upstream))) else {
            continue;
        };
        let shared = Arc::clone(shared);
        // The threads end with their connection, which ends with either of its two ends.
        thread::spawn(move || serve(&client, &broker, &shared));
    }
}

/// A request whose answer has not come: API, version, and how many bytes of the answer's frame arrive before the
/// connection ends, if it does.
type Asked = (i16, i16, Option<usize>);
/// By correlation id.
type Pending = HashMap<[u8; 4], Asked>;

fn serve(client: &TcpStream, broker: &TcpStream, shared: &Shared) {
    let pending = Mutex::new(HashMap::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = answers(broker, client, shared, &pending);
            end(client, broker);
        });
        let _ = requests(client, broker, shared, &pending);
        end(client, broker);
    });
}

fn end(client: &TcpStream, broker: &TcpStream) {
    let _ = client.shutdown(Shutdown::Both);
    let _ = broker.shutdown(Shutdown::Both);
}

fn requests(
    mut client: &TcpStream,
    mut broker: &TcpStream,
    shared: &Shared,
    pending: &Mutex<Pending>,
) -> io::Result<()> {
    loop {
        let frame = frame(&mut client)?;
        let Some([a, b, c, d, correlation @ ..]) = frame.first_chunk::<8>() else { return Ok(()) };
        let (api, version) = (i16::from_be_bytes([*a, *b]), i16::from_be_bytes([*c, *d]));
        let cut = match shared.fate(api) {
            Fate::Pass => None,
            Fate::Cut => return Ok(()),
            Fate::Swallow => continue,
            Fate::LoseAnswer => Some(0),
            Fate::CutAnswer(bytes) => Some(bytes),
        };
        pending.lock().unwrap_or_else(PoisonError::into_inner).insert(*correlation, (api, version, cut));
        send(&mut broker, &frame)?;
    }
}

fn answers(
    mut broker: &TcpStream,
    mut client: &TcpStream,
    shared: &Shared,
    pending: &Mutex<Pending>,
) -> io::Result<()> {
    loop {
        let frame = frame(&mut broker)?;
        let correlation: [u8; 4] = frame.get(..4).and_then(|id| id.try_into().ok()).unwrap_or_default();
        let asked = pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&correlation);
        let Some((api, version, cut)) = asked else { return Ok(()) };
        (shared.witness)(Answer { api, version, frame: frame.clone() });
        if let Some(bytes) = cut {
            let size = u32::try_from(frame.len()).unwrap_or(0).to_be_bytes();
            let whole = [&size, frame.as_slice()].concat();
            return client.write_all(whole.get(..bytes).unwrap_or(&whole));
        }
        send(&mut client, &frame)?;
    }
}

impl Shared {
    fn fate(&self, api: i16) -> Fate {
        let mut held = self.rule.lock().unwrap_or_else(PoisonError::into_inner);
        let (rule, seen) = &mut *held;
        let number = seen.entry(api).or_insert(0);
        *number += 1;
        rule(Request { api, number: *number })
    }
}

fn frame(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut size = [0; 4];
    from.read_exact(&mut size)?;
    let size = u32::from_be_bytes(size) as usize;
    if size > LARGEST_FRAME {
        return Err(io::Error::other("a frame that is too large"));
    }
    let mut frame = vec![0; size];
    from.read_exact(&mut frame)?;
    Ok(frame)
}

fn send(to: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    to.write_all(&u32::try_from(frame.len()).unwrap_or(0).to_be_bytes())?;
    to.write_all(frame)
}
