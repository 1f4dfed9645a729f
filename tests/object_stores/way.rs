//! The way to a real server, on which requests have mishaps.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// What happens to one request on its way to a real server.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mishap {
    None,
    Late,
    Overloaded,
    NeverArrives,
    AnswerLost,
    BodyDamaged,
}

/// A way to a server on which requests have mishaps. Gives its URL.
pub(crate) fn way_to(server: String, mut mishap: impl FnMut() -> Mishap + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (server, mishap) = (server.clone(), mishap());
            // A connection is for one request, so that each has its own luck.
            std::thread::spawn(move || forward(&client, &server, mishap));
        }
    });
    url
}

fn forward(client: &TcpStream, server: &str, mishap: Mishap) -> Option<()> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    let mut length = 0;
    while !head.ends_with("\r\n\r\n") {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            head.push_str("connection: close\r\n");
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    match mishap {
        Mishap::NeverArrives => return None,
        Mishap::Overloaded => {
            let answer = b"HTTP/1.1 503 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            return (&mut (&*client)).write_all(answer).ok();
        }
        Mishap::BodyDamaged => body.iter_mut().take(1).for_each(|byte| *byte ^= 1),
        Mishap::Late => std::thread::sleep(Duration::from_millis(700)),
        Mishap::None | Mishap::AnswerLost => {}
    }
    let mut upstream = TcpStream::connect(server).ok()?;
    upstream.write_all(head.as_bytes()).ok()?;
    upstream.write_all(&body).ok()?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).ok()?;
    if mishap == Mishap::AnswerLost {
        return None;
    }
    (&mut (&*client)).write_all(&answer).ok()
}

/// A mishap in nearly a third of all requests, each kind at random, the same ones for the same seed.
pub(crate) fn every_third(seed: u32) -> impl FnMut() -> Mishap + Send + 'static {
    of_all(seed, 28)
}

/// The same, four times as seldom.
pub(crate) fn one_in_twelve(seed: u32) -> impl FnMut() -> Mishap + Send + 'static {
    of_all(seed, 26)
}

fn of_all(seed: u32, shift: u32) -> impl FnMut() -> Mishap + Send + 'static {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match state >> shift {
            0 => Mishap::Overloaded,
            1 => Mishap::NeverArrives,
            2 | 3 => Mishap::AnswerLost,
            4 => Mishap::Late,
            _ => Mishap::None,
        }
    }
}
