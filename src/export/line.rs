//! One record as one line.

use std::io::Write;

use serde::Serialize;
use serde::ser::Serializer;

use super::encoding::{Encoding, Shown};
use super::error::ExportError;
use crate::batch::{Header, Record};

/// What is the same for all records of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineStyle<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) append_time: bool,
    pub(super) encoding: Encoding,
}

#[derive(Serialize)]
struct Line<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: i64,
    timestamp_type: &'static str,
    key: Shown<'a>,
    value: Shown<'a>,
    headers: Headers<'a>,
}

/// A list, not an object: keys may come twice, and need not be text.
struct Headers<'a> {
    headers: &'a [Header<'a>],
    encoding: Encoding,
}

#[derive(Serialize)]
struct HeaderLine<'a> {
    key: Shown<'a>,
    value: Shown<'a>,
}

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoding = self.encoding;
        serializer.collect_seq(self.headers.iter().map(|(key, value)| HeaderLine {
            key: Shown { bytes: Some(key), encoding },
            value: Shown { bytes: *value, encoding },
        }))
    }
}

impl LineStyle<'_> {
    /// Writes the record and ends the line.
    pub(super) fn write(&self, record: &Record<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
        let encoding = self.encoding;
        let line = Line {
            topic: self.topic,
            partition: self.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            timestamp_type: if self.append_time { "LogAppendTime" } else { "CreateTime" },
            key: Shown { bytes: record.key, encoding },
            value: Shown { bytes: record.value, encoding },
            headers: Headers { headers: &record.headers, encoding },
        };
        serde_json::to_writer(&mut *out, &line).map_err(|error| ExportError::Write(error.into()))?;
        out.write_all(b"\n").map_err(ExportError::Write)
    }
}
