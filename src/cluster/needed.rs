//! Which right a broker missed when it refused: its own code says only what kind of thing the right is about.

use super::Subject;
use super::rights::Operation;
use crate::wire::ErrorCode;

/// In words, to stand after the code; empty where the code is about something else.
pub(super) fn in_words(api: &str, subject: &Subject, code: ErrorCode) -> String {
    match code {
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
            let topic = match subject {
                Subject::Topic(name) => format!("topic {name}"),
                Subject::Partition(at) => format!("topic {}", at.topic),
                _ => "a topic".to_owned(),
            };
            format!(" (this client needs {} on {topic})", of_topic(api))
        }
        ErrorCode::GROUP_AUTHORIZATION_FAILED => {
            let group = match subject {
                Subject::Group(id) => format!("group {:?}", id.as_str()),
                _ => "the group".to_owned(),
            };
            format!(" (this client needs {} on {group})", of_group(api))
        }
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED if api == "InitProducerId" => {
            " (this client needs Write on a topic, or before 2.8 IdempotentWrite on the cluster)".to_owned()
        }
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED => {
            format!(" (this client needs {} on the cluster)", of_cluster(api))
        }
        _ => String::new(),
    }
}

fn of_topic(api: &str) -> Operation {
    match api {
        "Fetch" | "OffsetCommit" | "OffsetDelete" | "DescribeProducers" => Operation::Read,
        "Produce" => Operation::Write,
        "CreateTopics" => Operation::Create,
        "DeleteTopics" | "DeleteRecords" => Operation::Delete,
        "DescribeConfigs" => Operation::DescribeConfigs,
        "IncrementalAlterConfigs" | "AlterConfigs" => Operation::AlterConfigs,
        _ => Operation::Describe,
    }
}

fn of_group(api: &str) -> Operation {
    match api {
        "OffsetCommit" => Operation::Read,
        "OffsetDelete" | "DeleteGroups" => Operation::Delete,
        "DescribeConfigs" => Operation::DescribeConfigs,
        "IncrementalAlterConfigs" | "AlterConfigs" => Operation::AlterConfigs,
        _ => Operation::Describe,
    }
}

fn of_cluster(api: &str) -> Operation {
    match api {
        "CreateTopics" => Operation::Create,
        "CreateAcls" | "WriteTxnMarkers" => Operation::Alter,
        "AlterClientQuotas" | "IncrementalAlterConfigs" | "AlterConfigs" => Operation::AlterConfigs,
        "DescribeConfigs" | "DescribeClientQuotas" | "ListConfigResources" => Operation::DescribeConfigs,
        _ => Operation::Describe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterError;
    use crate::model::{GroupId, TopicName, TopicPartition};

    #[test]
    fn a_refusal_names_the_right() {
        let topic = TopicName::new("orders").unwrap();
        let text = |api: &'static str, subject: Subject, code: ErrorCode| {
            ClusterError::Broker { api, subject, code, message: None }.to_string()
        };
        let partition = Subject::Partition(TopicPartition::new(topic.clone(), 3));
        let fetch = text("Fetch", partition, ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        assert!(fetch.ends_with("(this client needs Read on topic orders)"), "{fetch}");
        let configs = text("DescribeConfigs", Subject::Topic(topic.clone()), ErrorCode::TOPIC_AUTHORIZATION_FAILED);
        assert!(configs.ends_with("(this client needs DescribeConfigs on topic orders)"), "{configs}");
        let group = Subject::Group(GroupId::new("shop"));
        let commit = text("OffsetCommit", group, ErrorCode::GROUP_AUTHORIZATION_FAILED);
        assert!(commit.ends_with("(this client needs Read on group \"shop\")"), "{commit}");
        let markers = text("WriteTxnMarkers", Subject::Request, ErrorCode::CLUSTER_AUTHORIZATION_FAILED);
        assert!(markers.ends_with("(this client needs Alter on the cluster)"), "{markers}");
        let other = text("Fetch", Subject::Topic(topic), ErrorCode::UNKNOWN_SERVER_ERROR);
        assert!(!other.contains("needs"), "{other}");
    }
}
