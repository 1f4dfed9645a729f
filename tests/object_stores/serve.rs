//! A server of our own that answers as told.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request, as far as the answers depend on it.
pub(super) struct Request {
    pub(super) method: String,
    /// With the query.
    pub(super) path: String,
    pub(super) create_only: bool,
    /// By their names in lower case.
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// What a server does with a request: an answer, or `None` to close the connection without one.
pub(super) type Answers = dyn FnMut(&Request) -> Option<(u16, String)> + Send;

/// Starts a server; gives its URL. It ends with the test's process.
pub(super) fn serve(answers: impl FnMut(&Request) -> Option<(u16, String)> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers: Arc<Mutex<Answers>> = Arc::new(Mutex::new(answers));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = Arc::clone(&answers);
            std::thread::spawn(move || while answer(&stream, &answers).is_some() {});
        }
    });
    url
}

fn answer(stream: &TcpStream, answers: &Mutex<Answers>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let head = method == "HEAD";
    let request = Request { method, path, create_only: headers.contains_key("if-none-match"), headers, body };
    let (status, body) = answers.lock().unwrap()(&request)?;
    let shown = if head { "" } else { &body };
    let answer = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\netag: \"1\"\r\nlast-modified: Mon, 23 Nov 2026 00:00:00 GMT\r\n\r\n{shown}",
        body.len()
    );
    (&mut (&*stream)).write_all(answer.as_bytes()).ok()
}
