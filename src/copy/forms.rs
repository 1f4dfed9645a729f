//! Whether stored bytes can go over as they are: to the same recipients, and compressed as the target would have it.

use std::collections::{BTreeSet, HashMap};

use super::{Context, CopyError};
use crate::repository::format::Seal;
use crate::repository::{Form, Repository, RepositoryError};

/// How something goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Its stored bytes, encrypted to the target's keys of that number, if at all.
    AsItIs(Option<u64>),
    /// Its content, stored as the target stores.
    Anew,
}

/// How both ends store.
#[derive(Debug, Default)]
pub(super) struct Forms {
    /// The target compresses what is not compressed.
    compresses: bool,
    /// Number of the target's keys; `None` where nothing is encrypted there.
    target: Option<u64>,
    /// Numbers of the source's keys that are the same recipients as the target's.
    same: HashMap<u64, bool>,
}

impl Forms {
    /// Compares the recipients of both.
    pub(super) fn of(context: Context<'_>) -> Result<Self, CopyError> {
        let Context { source, target, .. } = context;
        let mut forms = Self { compresses: target.document().compression.is_some(), ..Self::default() };
        let Some(theirs) = target.in_force() else { return Ok(forms) };
        forms.target = Some(theirs.number);
        let theirs: BTreeSet<&String> = theirs.recipients.recipients.iter().collect();
        forms.same = same(source, &theirs).map_err(|error| CopyError::source(source, error))?;
        Ok(forms)
    }

    /// For what is encrypted with these keys of the source (`None`: not at all).
    pub(super) fn keys(&self, source: Option<u64>) -> Way {
        match (source, self.target) {
            (None, None) => Way::AsItIs(None),
            (Some(number), Some(target)) if self.same.get(&number) == Some(&true) => Way::AsItIs(Some(target)),
            _ => Way::Anew,
        }
    }

    /// For a segment, which must also be compressed as the target would.
    pub(super) fn segment(&self, seal: &Seal) -> Way {
        let compressed = Form::of(&seal.object).zstd;
        let as_wanted = if self.compresses { compressed || !seal.codecs.contains(&0) } else { !compressed };
        if as_wanted { self.keys(seal.keys) } else { Way::Anew }
    }
}

fn same(source: &Repository, theirs: &BTreeSet<&String>) -> Result<HashMap<u64, bool>, RepositoryError> {
    let mut same = HashMap::new();
    if source.is_encrypted() {
        for number in std::iter::once(0).chain(source.keys_numbers()?) {
            let ours = source.recipients_at(number)?;
            same.insert(number, ours.recipients.iter().collect::<BTreeSet<_>>() == *theirs);
        }
    }
    Ok(same)
}
