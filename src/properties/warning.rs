//! What a person should know about a file of properties that can be used all the same.

use std::fmt;
use std::path::PathBuf;

/// What a person should know about a file of properties that can be used all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A property that no Kafka client has.
    Unknown {
        /// Counted from 1.
        line: usize,
        /// Its name, if it looks like one: a line that was torn off a key or a password is not shown.
        name: Option<String>,
        /// A known name that is spelled almost so.
        meant: Option<&'static str>,
    },
    /// The same property twice; the last is taken, as Java does.
    Repeated {
        /// Counted from 1.
        line: usize,
        /// The property.
        name: String,
    },
    /// Letters that Java takes for others, because it reads the file as ISO 8859-1.
    Encoding {
        /// Counted from 1.
        line: usize,
        /// The property.
        name: String,
    },
    /// A property that does nothing because of another.
    Idle {
        /// The property.
        name: &'static str,
        /// Why it does nothing, and what would change that.
        because: String,
    },
    /// A part of a value that ktape leaves out.
    LeftOut {
        /// The property.
        name: String,
        /// The part.
        part: String,
        /// Why.
        because: &'static str,
    },
    /// Anybody on this host can read or change a file with secrets.
    Exposed {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { line, name: None, .. } => {
                write!(
                    f,
                    "line {line} is no property of a Kafka client: does the line before it lack its \\ at the end?"
                )
            }
            Self::Unknown { line, name: Some(name), meant: None } => {
                write!(f, "{name} (line {line}) is no property of a Kafka client")
            }
            Self::Unknown { line, name: Some(name), meant: Some(meant) } => {
                write!(f, "{name} (line {line}) is no property of a Kafka client: is {meant} meant?")
            }
            Self::Repeated { line, name } => write!(f, "{name} is set again on line {line}, and the last one is taken"),
            Self::Encoding { line, name } => write!(
                f,
                "{name} (line {line}) is read as ISO 8859-1, as Java does: write letters beyond ASCII as \\uXXXX"
            ),
            Self::Idle { name, because } => write!(f, "{name} does nothing: {because}"),
            Self::LeftOut { name, part, because } => write!(f, "{name}: {part} is left out: {because}"),
            Self::Exposed { path } => write!(
                f,
                "{} holds secrets, and everybody on this host can read or change it: chmod o-rw {}",
                path.display(),
                path.display()
            ),
        }
    }
}
