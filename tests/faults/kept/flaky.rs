//! A way to a server on which requests and answers get lost, and that may close for good. HTTP/1.1 without TLS, one
//! request a connection: the host's name, which is signed, stays the proxy's.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Pass,
    /// The connection ends before it arrives.
    Cut,
    /// It arrives, and the connection ends instead of an answer.
    LoseAnswer,
    /// Too busy.
    Busy,
    /// Not allowed, and not worth to be asked again.
    Refuse,
}

type Rule = dyn FnMut(u64) -> Fate + Send;

/// The proxy; it ends with the test's process.
pub(super) struct Flaky {
    pub(super) url: String,
    seen: Arc<AtomicU64>,
}

impl Flaky {
    /// Before the server at `upstream` (`127.0.0.1:9000`); `rule` is asked what becomes of the nth request, from 1.
    pub(super) fn start(upstream: &str, rule: impl FnMut(u64) -> Fate + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(AtomicU64::new(0));
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(rule));
        let (upstream, count) = (upstream.to_owned(), Arc::clone(&seen));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, rule, count) = (upstream.clone(), Arc::clone(&rule), Arc::clone(&count));
                thread::spawn(move || {
                    let Ok(request) = read_request(&client) else { return };
                    let nth = 1 + count.fetch_add(1, Ordering::SeqCst);
                    let fate = rule.lock().unwrap()(nth);
                    // A connection that breaks is what this is about.
                    let _ = pass(&client, &upstream, &request, fate);
                });
            }
        });
        Self { url, seen }
    }

    /// Requests so far.
    pub(super) fn requests(&self) -> u64 {
        self.seen.load(Ordering::SeqCst)
    }
}

fn pass(mut client: &TcpStream, upstream: &str, request: &[u8], fate: Fate) -> io::Result<()> {
    let refusal = |status: &str| {
        let body = "<Error><Code>AccessDenied</Code><Message>told to</Message></Error>";
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
    };
    match fate {
        Fate::Cut => return Ok(()),
        Fate::Busy => return client.write_all(refusal("503 Slow Down").as_bytes()),
        Fate::Refuse => return client.write_all(refusal("403 Forbidden").as_bytes()),
        Fate::Pass | Fate::LoseAnswer => {}
    }
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(request)?;
    if fate == Fate::LoseAnswer {
        return io::copy(&mut server, &mut io::sink()).map(drop);
    }
    io::copy(&mut server, &mut client).map(drop)
}

/// A whole request, with `connection: close` among its headers.
fn read_request(client: &TcpStream) -> io::Result<Vec<u8>> {
    let mut reader = BufReader::new(client);
    let (mut request, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if line == "\r\n" {
            request.extend_from_slice(b"connection: close\r\n\r\n");
            break;
        }
        if !lower.starts_with("connection:") {
            request.extend_from_slice(line.as_bytes());
        }
    }
    let begin = request.len();
    request.resize(begin + length, 0);
    reader.read_exact(&mut request[begin..])?;
    Ok(request)
}
