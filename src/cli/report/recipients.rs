//! To whom a repository is encrypted, for people.

use super::Text;
use crate::cli::recipients::RecipientsReport;

/// Prints the recipients.
pub fn found(out: &mut Text, report: &RecipientsReport) {
    if report.recipients.is_empty() {
        out.line("nothing is encrypted");
        return;
    }
    if report.changed {
        out.line("what is written from now on is encrypted to:");
    }
    for recipient in &report.recipients {
        out.line(recipient);
    }
    for object in &report.passphrases {
        out.line(format!("one of the private keys lies in {object}, which the passphrase opens"));
    }
}
