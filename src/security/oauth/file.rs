//! A token in a file, kept fresh by somebody else.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::token::LARGEST;
use super::{OAuthError, Token};

/// Reads the file as it is now.
pub(super) async fn read(path: &Path, origin: &str) -> Result<Token, OAuthError> {
    let wrong = |error| OAuthError::File { path: path.to_owned(), source: Arc::new(error) };
    let opened = path.to_owned();
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        std::fs::File::open(opened)?.take(LARGEST as u64 + 2).read_to_string(&mut text).map(|_| text)
    });
    let text = read.await.map_err(std::io::Error::other).and_then(|read| read).map_err(wrong)?;
    Token::parse(&text, origin)
}
