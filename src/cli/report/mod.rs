//! Reports as text for people. The JSON has more; nothing is here that it lacks.

pub mod backup;
pub mod check;
pub mod compare;
pub mod copy;
pub mod drill;
pub mod export;
pub mod list;
pub mod offsets;
pub mod prune;
pub mod recipients;
pub mod restore;
pub mod settings;
pub mod show;
pub mod verify;

use std::fmt::Display;

use super::table::Table;
use super::units;
use crate::repository::format::Incomplete;

/// Names shown before "and n more": a report stays readable, `--json` has all.
const SHOWN_MAX: usize = 20;

/// A report as it grows.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// The whole of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends a line.
    pub fn line(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
    }

    /// Appends a table.
    pub fn table(&mut self, table: &Table) {
        table.lines().iter().for_each(|line| self.line(line));
    }

    /// Appends a title and one indented line an item; nothing where there is no item.
    pub fn section<T: Display>(&mut self, title: &str, items: impl IntoIterator<Item = T>) {
        for (index, item) in items.into_iter().enumerate() {
            if index == 0 {
                self.line(format!("{title}:"));
            }
            self.line(format!("  {item}"));
        }
    }

    /// Appends what was left out, shortened.
    pub fn left_out(&mut self, noun: &str, names: &[String]) {
        if names.is_empty() {
            return;
        }
        let shown = names.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
        let more = names.len().saturating_sub(SHOWN_MAX);
        let rest = if more > 0 { format!(", and {more} more (`--json` names all)") } else { String::new() };
        self.line(format!("left out: {}: {shown}{rest}", units::count(names.len() as u64, noun)));
    }

    /// Appends why something is less than it should be.
    pub fn incomplete(&mut self, losses: &[Incomplete]) {
        self.section(
            "INCOMPLETE",
            losses.iter().map(|loss| {
                let accepted = if loss.accepted { " (accepted)" } else { "" };
                format!("{}: {}{accepted}", loss.subject, loss.detail)
            }),
        );
    }
}

/// First digits of a digest: enough to tell two apart.
fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_shortened_and_empty_ones_left_away() {
        let mut out = Text::default();
        out.left_out("topic", &[]);
        out.section("nothing", Vec::<String>::new());
        assert_eq!(out.as_str(), "");
        let names: Vec<String> = (0..25).map(|number| format!("t{number}")).collect();
        out.left_out("topic", &names);
        assert!(out.as_str().starts_with("left out: 25 topics: t0, "), "{out:?}");
        assert!(out.as_str().ends_with(", and 5 more (`--json` names all)\n"), "{out:?}");
    }
}
