//! Bytes of a store, out of its file or the configuration.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::StoreFault;
use crate::security::tls::Material;

/// A bundle of all public authorities has a quarter of a megabyte.
const LARGEST: usize = 8 << 20;

impl Material {
    /// All bytes; read again every time.
    pub(in crate::security::tls) fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, StoreFault> {
        match self {
            Self::Inline(text) => Ok(Zeroizing::new(text.expose().as_bytes().to_vec())),
            Self::File(path) => {
                let failed = |error| StoreFault::Read(Arc::new(error));
                let mut bytes = Zeroizing::new(Vec::new());
                let file = File::open(path).map_err(failed)?;
                file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
                if bytes.len() > LARGEST { Err(StoreFault::TooLarge(LARGEST)) } else { Ok(bytes) }
            }
        }
    }

    /// For errors and for commands to type.
    pub(in crate::security::tls) fn place(&self) -> String {
        match self {
            Self::Inline(_) => "PEM in the configuration".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// The property that names it: one for files, one for text (KIP-651).
    pub(in crate::security::tls) fn property(&self, file: &'static str, inline: &'static str) -> &'static str {
        match self {
            Self::File(_) => file,
            Self::Inline(_) => inline,
        }
    }
}
