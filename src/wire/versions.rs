//! What a broker offers (`ApiVersions`), and which version both sides speak.

use std::collections::HashMap;

use super::{Api, WireError};

/// The versions of each API that one broker announces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BrokerVersions(HashMap<i16, (i16, i16)>);

impl BrokerVersions {
    /// Takes (key, lowest, highest) for each API.
    pub fn new(announced: impl IntoIterator<Item = (i16, i16, i16)>) -> Self {
        Self(announced.into_iter().map(|(key, least, most)| (key, (least, most))).collect())
    }

    /// The highest version both sides speak.
    pub fn pick(&self, api: &Api) -> Result<i16, WireError> {
        self.pick_between(api, api.least, api.most)
    }

    /// The highest version both sides speak among those from `least` to `most`.
    pub fn pick_between(&self, api: &Api, least: i16, most: i16) -> Result<i16, WireError> {
        let refusal = |theirs| WireError::NoCommonVersion { api: api.name, theirs, least, most };
        let Some((lowest, highest)) = self.0.get(&api.key) else {
            return Err(refusal("no version".to_owned()));
        };
        let version = most.min(*highest);
        if version < least || version < *lowest {
            return Err(refusal(format!("v{lowest}-v{highest}")));
        }
        Ok(version)
    }

    /// Whether a version of at least `least` is spoken by both sides.
    pub fn has(&self, api: &Api, least: i16) -> bool {
        self.pick_between(api, least.max(api.least), api.most).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: Api = Api { name: "Thing", key: 7, least: 3, most: 9 };

    fn pick(least: i16, most: i16) -> Result<i16, WireError> {
        BrokerVersions::new([(7, least, most)]).pick(&API)
    }

    #[test]
    fn the_highest_common_version_is_taken() {
        assert_eq!(pick(0, 20), Ok(9));
        assert_eq!(pick(0, 5), Ok(5));
        assert_eq!(pick(9, 12), Ok(9));
        assert_eq!(pick(3, 3), Ok(3));
    }

    #[test]
    fn without_a_common_version_both_ranges_are_named() {
        let error = pick(10, 12).unwrap_err().to_string();
        assert_eq!(error, "the broker speaks Thing in v10-v12, this program in v3-v9");
        assert!(pick(0, 2).is_err());
        assert!(BrokerVersions::default().pick(&API).is_err());
    }
}
