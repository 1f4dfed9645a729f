//! Why a client's properties cannot be used. No variant holds the value of a property that may be secret.

use std::io;
use std::path::PathBuf;

use crate::model::{Classify, ErrorClass};

/// Why a client's properties cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PropertiesError {
    /// A file is not there, or may not be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is larger than any that is meant.
    #[error("{} is larger than {max} bytes: is it the right file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes it may have.
        max: u64,
    },
    /// `\u` without a number behind it.
    #[error("line {line} has a \\u that is not followed by four hexadecimal digits of a character")]
    Escape {
        /// Counted from 1.
        line: usize,
    },
    /// Something else asks for a property that is not there.
    #[error("{property} is missing: {because}")]
    Missing {
        /// The property.
        property: String,
        /// What asks for it.
        because: String,
    },
    /// What ktape cannot do.
    #[error("{property}={value} is not supported: {instead}")]
    Unsupported {
        /// The property.
        property: String,
        /// Its value, which is no secret.
        value: String,
        /// What can be written.
        instead: String,
    },
    /// A value that makes no sense.
    #[error("{property} is not valid: {expected}")]
    Invalid {
        /// The property.
        property: String,
        /// What would be.
        expected: String,
    },
    /// A reference to a variable or a file that leads nowhere.
    #[error("{property} refers to {reference}, {problem}")]
    Reference {
        /// The property.
        property: String,
        /// The variable or the file.
        reference: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A login module that cannot be read.
    #[error("sasl.jaas.config cannot be read: {problem}")]
    Jaas {
        /// What is wrong with it.
        problem: String,
    },
}

impl PropertiesError {
    pub(super) fn missing(property: impl Into<String>, because: impl Into<String>) -> Self {
        Self::Missing { property: property.into(), because: because.into() }
    }

    pub(super) fn unsupported(property: impl Into<String>, value: &str, instead: impl Into<String>) -> Self {
        // Whoever pastes a secret into the wrong line must not find it in a log as a whole.
        let value = value.chars().take(SHOWN).collect();
        Self::Unsupported { property: property.into(), value, instead: instead.into() }
    }

    pub(super) fn invalid(property: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Invalid { property: property.into(), expected: expected.into() }
    }

    pub(super) fn jaas(problem: impl Into<String>) -> Self {
        Self::Jaas { problem: problem.into() }
    }
}

impl Classify for PropertiesError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Read { .. } => ErrorClass::Fatal,
            _ => ErrorClass::Reject,
        }
    }
}

/// Letters of a value that an error shows.
const SHOWN: usize = 120;
