//! A file of `client.properties`, and what it refers to.

use std::io::Write;

pub(super) fn run(data: &[u8]) {
    // What opens a device or a pipe for ever is the user's own word; here it would only hold up the others.
    if data.windows(4).any(|word| word == b"/dev" || word == b"/pro" || word == b"/sys") {
        return;
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(data).unwrap();
    if let Ok(settings) = ktape::properties::read(file.path()) {
        for server in &settings.bootstrap {
            assert!(server.contains(':'), "{server}");
        }
        for warning in &settings.warnings {
            let _ = warning.to_string();
        }
    }
}
