//! Keys of an encrypted repository: every document that changed the recipients, and every private key that lies here.

use super::report::VerifyReport;
use crate::repository::Seen;
use crate::repository::{Repository, RepositoryError, Snapshot, layout};

/// Checks them all; `seen` gets their names.
pub(super) fn check(
    repository: &Repository,
    heads: &[Snapshot],
    seen: &mut Seen,
    report: &mut VerifyReport,
) -> Result<(), RepositoryError> {
    let there = repository.keys_numbers()?;
    let named = heads.iter().map(|snapshot| snapshot.head.keys);
    let last = named.chain(there.iter().copied()).max().unwrap_or(0);
    // A number that a head makes up must not keep us here for ever: what lacks is named once, at the end.
    let missing = (1..=last).find(|number| there.binary_search(number).is_err());
    for number in [0].into_iter().chain(there).chain(missing) {
        if number > 0 {
            seen.insert(layout::keys(number)?.as_str());
        }
        let recipients = match repository.recipients_at(number) {
            Ok(recipients) => recipients,
            Err(_) if !repository.is_encrypted() && number == 0 => continue,
            Err(error) => {
                report.find_error(error)?;
                continue;
            }
        };
        for key in &recipients.passphrases {
            if seen.insert(key.object.as_str())
                && let Err(error) = repository.passphrase_key(key)
            {
                report.find_error(error)?;
            }
        }
    }
    Ok(())
}
