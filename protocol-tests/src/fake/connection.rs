//! One connection to a broker: it carries out one request after the other, as Kafka does, and lets the script spoil it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::api::{self, At};
use super::script::Action;
use super::shared::Shared;

/// As `socket.request.max.bytes`.
const LARGEST: usize = 100 << 20;
/// How long an answer is held back for one that is to overtake it.
const OVERTAKE: Duration = Duration::from_millis(200);

/// Serves until one of the two ends closes.
pub(crate) fn serve(stream: TcpStream, shared: &Arc<Shared>, node: i32) {
    let id = shared.enter(node, &stream);
    let _ = stream.set_nodelay(true);
    let _ = Line { stream, shared, node, id, waiting: None }.run();
    shared.exit(id);
}

struct Line<'a> {
    stream: TcpStream,
    shared: &'a Arc<Shared>,
    node: i32,
    id: u64,
    /// An answer that the next one is to overtake.
    waiting: Option<Bytes>,
}

fn end<T>() -> io::Result<T> {
    Err(io::ErrorKind::ConnectionAborted.into())
}

impl Line<'_> {
    fn run(&mut self) -> io::Result<()> {
        loop {
            let frame = self.receive()?;
            if !self.shared.answers(self.node) {
                return Ok(());
            }
            let Some((api, version)) = head(&frame) else { return Ok(()) };
            self.request(frame, api, version)?;
        }
    }

    fn request(&mut self, frame: Bytes, api: i16, version: i16) -> io::Result<()> {
        let fate = self.shared.script.decide(self.node, self.id, api, version);
        for change in &fate.before {
            Shared::change(self.shared, change);
        }
        if fate.actions.contains(&Action::Cut) || !self.shared.answers(self.node) {
            return end();
        }
        if fate.actions.contains(&Action::Swallow) {
            return self.drain();
        }
        let mut at = At { shared: self.shared, node: self.node, version, throttle: 0, refuse: None };
        for action in &fate.actions {
            match action {
                Action::Throttle(milliseconds) => at.throttle = *milliseconds,
                Action::Refuse(code) => at.refuse = Some(*code),
                _ => {}
            }
        }
        let muted = at.throttle;
        let Some(answer) = api::answer(api, frame, &mut at) else { return end() };
        for change in &fate.after {
            Shared::change(self.shared, change);
        }
        if !self.shared.answers(self.node) {
            return end();
        }
        self.deliver(answer, &fate.actions)?;
        // A throttled client is not read for that time (KIP-219).
        self.shared.pause(Duration::from_millis(u64::try_from(muted).unwrap_or(0)));
        Ok(())
    }

    fn deliver(&mut self, answer: Bytes, actions: &[Action]) -> io::Result<()> {
        let mut frame = answer;
        let mut twice = false;
        for action in actions {
            match action {
                Action::Delay(time) => self.shared.pause(*time),
                Action::Lose => return end(),
                Action::CutAfter(count) => {
                    self.send(frame.get(..*count).unwrap_or(&frame))?;
                    return end();
                }
                Action::StallAfter(count) => {
                    self.send(frame.get(..*count).unwrap_or(&frame))?;
                    return self.drain();
                }
                Action::Trickle(count, pause) => return self.trickle(&frame, *count, *pause),
                Action::Duplicate => twice = true,
                Action::Corrupt(at, with) => frame = spoiled(&frame, 4, frame.len(), *at, *with),
                Action::CorruptTail(back, with) => {
                    let at = frame.len().saturating_sub(*back).max(4);
                    frame = spoiled(&frame, at, frame.len(), 0, *with);
                }
                Action::CorruptSize(at, with) => frame = spoiled(&frame, 0, 4, *at, *with),
                Action::Overtaken if self.waiting.is_none() => {
                    self.waiting = Some(frame);
                    return Ok(());
                }
                _ => {}
            }
        }
        self.send(&frame)?;
        if twice {
            self.send(&frame)?;
        }
        match self.waiting.take() {
            Some(held) => self.send(&held),
            None => Ok(()),
        }
    }

    fn trickle(&mut self, frame: &[u8], count: usize, pause: Duration) -> io::Result<()> {
        for piece in frame.chunks(count.max(1)) {
            self.send(piece)?;
            self.shared.pause(pause);
            if self.shared.ended() {
                return end();
            }
        }
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads and forgets until the client goes.
    fn drain(&mut self) -> io::Result<()> {
        let mut bytes = [0; 4096];
        while self.stream.read(&mut bytes)? > 0 {}
        Ok(())
    }

    fn receive(&mut self) -> io::Result<Bytes> {
        let mut size = [0; 4];
        self.first_bytes(&mut size)?;
        let size = u32::from_be_bytes(size) as usize;
        if size > LARGEST {
            return end();
        }
        let mut frame = vec![0; size];
        self.stream.read_exact(&mut frame)?;
        Ok(frame.into())
    }

    /// The size of the next request. An answer that is held back goes out if none comes in time.
    fn first_bytes(&mut self, size: &mut [u8; 4]) -> io::Result<()> {
        if self.waiting.is_some() {
            self.stream.set_read_timeout(Some(OVERTAKE))?;
            let peeked = self.stream.peek(&mut [0]);
            self.stream.set_read_timeout(None)?;
            let nothing =
                |error: &io::Error| matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
            if peeked.as_ref().is_err_and(nothing)
                && let Some(held) = self.waiting.take()
            {
                self.send(&held)?;
            }
        }
        self.stream.read_exact(size)
    }
}

/// Key and version of the API.
fn head(frame: &Bytes) -> Option<(i16, i16)> {
    let number = |at: usize| Some(i16::from_be_bytes(frame.get(at..at + 2)?.try_into().ok()?));
    Some((number(0)?, number(2)?))
}

fn spoiled(frame: &Bytes, from: usize, to: usize, at: usize, with: u8) -> Bytes {
    let mut bytes = frame.to_vec();
    let room = to.min(bytes.len()).saturating_sub(from).max(1);
    if let Some(byte) = bytes.get_mut(from + at % room) {
        *byte ^= with;
    }
    bytes.into()
}
