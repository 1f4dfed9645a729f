//! Every way a verb can fail, with its exit code and one thing to do about it. The only place that maps the two.

use std::error::Error;
use std::io;

use super::exit_code::ExitCode;

/// Why a verb ended without its result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Flags that contradict each other, or name nothing.
    #[error("{0}")]
    Usage(String),
    /// A file or a stream of our own could not be written.
    #[error("writing {what}")]
    Write {
        /// The file, or standard output.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The process could not set itself up.
    #[error("starting up")]
    Start(#[source] io::Error),
}

impl Failure {
    /// How the process ends.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::Usage,
            Self::Write { .. } | Self::Start(_) => ExitCode::Failed,
        }
    }

    /// One thing to do, as a sentence without a final stop.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage(_) => Some("`ktape VERB --help` shows what a verb takes, with examples".to_owned()),
            Self::Write { .. } => Some("make room or choose another place, and run the same command again".to_owned()),
            Self::Start(_) => Some("look at the limits of this process (`ulimit -a`)".to_owned()),
        }
    }

    /// The error and its causes on one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let next = error.to_string();
            // A transparent wrapper, or a text that quotes its cause, says it already.
            if !text.ends_with(&next) {
                text = format!("{text}: {next}");
            }
            cause = error.source();
        }
        text.replace('\n', " ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_one_line_and_says_nothing_twice() {
        let failure = Failure::Write { what: "a file".to_owned(), source: io::Error::other("no\nspace") };
        assert_eq!(failure.chain(), "writing a file: no space");
    }
}
