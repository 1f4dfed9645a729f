//! Words of a peer, fit to be shown.

use crate::model::Secret;

/// Letters of a peer's words that are kept.
const KEPT: usize = 300;

/// One line of a peer's words: no control characters, not endless, and none of our secrets, should it send one back.
pub fn clean(words: &str, secrets: &[&Secret]) -> String {
    let mut text = words.to_owned();
    for secret in secrets.iter().map(|secret| secret.expose()).filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "[secret]");
    }
    text.chars().take(KEPT).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_line_without_secrets() {
        let secret = Secret::new("hunter2");
        assert_eq!(clean("bad\x1b[0m\nhunter2hunter2!", &[&secret]), "bad [0m [secret][secret]!");
        assert_eq!(clean(&"a".repeat(1000), &[&Secret::new("")]).len(), KEPT);
    }
}
