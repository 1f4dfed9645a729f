//! What the snapshot itself lacks of what is to be restored.

use super::RestorePlan;
use crate::model::{Patterns, TopicFilter};
use crate::repository::format::{Incomplete, IncompleteKind};
use crate::restore::error::RestoreError;
use crate::restore::options::RestoreOptions;

/// Tells of every loss; those of selected topics and groups make the restore incomplete.
pub(super) fn tell(plan: &mut RestorePlan, options: &RestoreOptions) -> Result<(), RestoreError> {
    let selection = &options.selection;
    let wanted = Wanted {
        topics: selection.topic_filter()?,
        groups: Patterns::new(&selection.groups)?,
        exclude_groups: Patterns::new(&selection.exclude_groups)?,
    };
    for one in &plan.snapshot.head.incomplete {
        let text = format!("the snapshot is incomplete: {}: {}", one.subject, one.detail);
        if !wanted.concerns(one) {
            continue;
        }
        if !one.accepted {
            plan.passed_over.push(text.clone());
        }
        plan.notes.push(text);
    }
    Ok(())
}

struct Wanted {
    topics: TopicFilter,
    groups: Patterns,
    exclude_groups: Patterns,
}

impl Wanted {
    fn concerns(&self, one: &Incomplete) -> bool {
        let subject = one.subject.as_str();
        match one.kind {
            IncompleteKind::Group => self.takes_group(subject),
            // Whoever asks for settings is told by the plan of those.
            IncompleteKind::Settings => false,
            // Which groups are missing nobody knows.
            IncompleteKind::PartialView => !self.exclude_groups.matches("*"),
            _ => self.takes_topic(subject),
        }
    }

    fn takes_group(&self, id: &str) -> bool {
        (self.groups.texts().is_empty() || self.groups.matches(id)) && !self.exclude_groups.matches(id)
    }

    /// The subject is a topic, or a partition as `topic-3`; both are legal names of topics.
    fn takes_topic(&self, subject: &str) -> bool {
        let partition = subject.rsplit_once('-').and_then(|(name, number)| Some((name, number.parse().ok()?)));
        self.topics.takes_topic(subject) || partition.is_some_and(|(name, number)| self.topics.takes(name, number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_selected_counts() {
        let wanted = Wanted {
            topics: TopicFilter::new(&["orders", "notes:3"], &[]).unwrap(),
            groups: Patterns::default(),
            exclude_groups: Patterns::new(&["test-*"]).unwrap(),
        };
        let concerns = |kind, subject: &str| wanted.concerns(&Incomplete::new(kind, subject, ""));
        assert!(concerns(IncompleteKind::Gap, "orders-0"));
        assert!(concerns(IncompleteKind::TopicChanged, "orders"));
        assert!(concerns(IncompleteKind::NotReached, "notes-3"));
        assert!(!concerns(IncompleteKind::NotReached, "notes-4"));
        assert!(!concerns(IncompleteKind::Gap, "payments-0"));
        assert!(concerns(IncompleteKind::Group, "shop"));
        assert!(!concerns(IncompleteKind::Settings, "orders"));
        assert!(!concerns(IncompleteKind::Group, "test-shop"));
        assert!(concerns(IncompleteKind::PartialView, "consumer groups"));
    }
}
