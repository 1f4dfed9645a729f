//! Standard output: the result and nothing else. A reader that goes away (`| head`) is not an error.

use std::io::{self, Write};

use serde::Serialize;

use super::exit_code::ExitCode;
use super::failure::Failure;
use super::report::Text;
use super::terminal;

/// Version of the JSON documents on standard output; it changes when a reader would misread.
pub const JSON_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a, R> {
    ktape: u32,
    verb: &'a str,
    exit_code: u8,
    report: &'a R,
}

#[derive(Serialize)]
struct ErrorDocument<'a> {
    ktape: u32,
    exit_code: u8,
    error: ErrorText<'a>,
}

#[derive(Serialize)]
struct ErrorText<'a> {
    message: &'a str,
    hint: Option<&'a str>,
}

/// Prints a verb's result: as one JSON document, or as the text that `human` writes.
pub fn report<R: Serialize>(
    json: bool,
    verb: &str,
    code: ExitCode,
    report: &R,
    human: impl FnOnce(&mut Text),
) -> Result<ExitCode, Failure> {
    if json {
        print_json(&Document { ktape: JSON_VERSION, verb, exit_code: code.number(), report })?;
    } else {
        let mut text = Text::default();
        human(&mut text);
        raw(text.as_str().as_bytes())?;
    }
    Ok(code)
}

/// Prints a failure: always on standard error, and with `--json` as a document on standard output too.
pub fn failure(json: bool, failure: &Failure) -> ExitCode {
    let (message, hint, code) = (failure.chain(), failure.hint(), failure.exit_code());
    terminal::line(&format!("error: {message}"));
    if let Some(hint) = &hint {
        terminal::line(&format!("hint: {hint}"));
    }
    if json {
        let error = ErrorText { message: &message, hint: hint.as_deref() };
        // Standard error has it already; there is nothing left to tell anybody.
        let _ = print_json(&ErrorDocument { ktape: JSON_VERSION, exit_code: code.number(), error });
    }
    code
}

/// A failure as it stands on standard output with `--json`.
pub fn failure_document(failure: &Failure) -> Vec<u8> {
    let (message, hint, code) = (failure.chain(), failure.hint(), failure.exit_code());
    let error = ErrorText { message: &message, hint: hint.as_deref() };
    line(&ErrorDocument { ktape: JSON_VERSION, exit_code: code.number(), error }).unwrap_or_default()
}

/// A verb's result as it stands on standard output with `--json`.
pub fn document<R: Serialize>(verb: &str, code: ExitCode, report: &R) -> Result<Vec<u8>, Failure> {
    line(&Document { ktape: JSON_VERSION, verb, exit_code: code.number(), report })
}

fn print_json<D: Serialize>(document: &D) -> Result<(), Failure> {
    raw(&line(document)?)
}

fn line<D: Serialize>(document: &D) -> Result<Vec<u8>, Failure> {
    let mut line = serde_json::to_vec(document).map_err(|error| unwritable(error.into()))?;
    line.push(b'\n');
    Ok(line)
}

/// Writes bytes to standard output.
pub fn raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritable(error)),
        _ => Ok(()),
    }
}

fn unwritable(source: io::Error) -> Failure {
    Failure::Write { what: "standard output".to_owned(), source }
}
