//! Transactions: `AddPartitionsToTxn`, `EndTxn`, `ListTransactions` and `DescribeTransactions`. Markers are written before
//! `EndTxn` is answered, which a real coordinator does only soon after.

use std::collections::BTreeMap;

use kafka_protocol::messages as m;
use kafka_protocol::messages::describe_transactions_response::{TopicData, TransactionState};

use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::list_transactions_response::TransactionState as Listed;

use super::{At, Call, text, topic_name};
use crate::fake::batch::Batch;
use crate::fake::code;
use crate::fake::state::{State, Transaction};

/// The transaction, if this is its producer. Since version 2 of the requests a producer of another epoch is fenced.
fn known<'a>(
    state: &'a mut State,
    id: &str,
    producer: i64,
    epoch: i16,
    version: i16,
) -> Result<&'a mut Transaction, i16> {
    let known = state.transactions.get_mut(id).filter(|known| known.producer_id == producer);
    let known = known.ok_or(code::INVALID_PRODUCER_ID_MAPPING)?;
    let fenced = if version >= 2 { code::PRODUCER_FENCED } else { code::INVALID_PRODUCER_EPOCH };
    if known.epoch == epoch { Ok(known) } else { Err(fenced) }
}

/// Writes the markers.
pub(super) fn finish(state: &mut State, id: &str, commit: bool) {
    let (release, now) = (state.release, state.now());
    let Some(known) = state.transactions.get_mut(id) else { return };
    let (producer, epoch) = (known.producer_id, known.epoch);
    for (topic, number) in std::mem::take(&mut known.partitions) {
        if let (Some(partition), Ok(batch)) =
            (state.partition_mut(&topic, number), Batch::marker(producer, epoch, commit, 0, now).encode())
        {
            let leader_epoch = partition.epoch;
            partition.log.append(batch, leader_epoch, release, -1);
        }
    }
}

impl Call for m::AddPartitionsToTxnRequest {
    type Answer = m::AddPartitionsToTxnResponse;

    /// As clients ask; what brokers ask each other since v4 is answered with nothing.
    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let answer = m::AddPartitionsToTxnResponse::default().with_throttle_time_ms(at.throttle);
        if at.version >= 4 {
            return answer;
        }
        let (id, producer, epoch) =
            (&self.v3_and_below_transactional_id, self.v3_and_below_producer_id.0, self.v3_and_below_producer_epoch);
        let version = at.version;
        let topics = at.shared.with(|state| {
            let mut by_topic: BTreeMap<String, Vec<AddPartitionsToTxnPartitionResult>> = BTreeMap::new();
            for topic in &self.v3_and_below_topics {
                for number in &topic.partitions {
                    let there = state.partition(&topic.name, *number).is_some();
                    let code = match known(state, id, producer, epoch, version) {
                        Err(code) => code,
                        Ok(_) if !there => code::UNKNOWN_TOPIC_OR_PARTITION,
                        Ok(known) => {
                            known.partitions.insert((topic.name.to_string(), *number));
                            code::NONE
                        }
                    };
                    let result = AddPartitionsToTxnPartitionResult::default()
                        .with_partition_index(*number)
                        .with_partition_error_code(code);
                    by_topic.entry(topic.name.to_string()).or_default().push(result);
                }
            }
            by_topic
        });
        let topic = |(name, results): (String, Vec<AddPartitionsToTxnPartitionResult>)| {
            AddPartitionsToTxnTopicResult::default().with_name(topic_name(&name)).with_results_by_partition(results)
        };
        answer.with_results_by_topic_v3_and_below(topics.into_iter().map(topic).collect())
    }
}

impl Call for m::EndTxnRequest {
    type Answer = m::EndTxnResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let id = self.transactional_id.as_str();
        let code = at.shared.with(|state| {
            let open = known(state, id, self.producer_id.0, self.producer_epoch, at.version)
                .map(|known| !known.partitions.is_empty());
            match open {
                Err(code) => code,
                Ok(false) => code::INVALID_TXN_STATE,
                Ok(true) => {
                    finish(state, id, self.committed);
                    code::NONE
                }
            }
        });
        m::EndTxnResponse::default().with_throttle_time_ms(at.throttle).with_error_code(code)
    }
}

impl Call for m::ListTransactionsRequest {
    type Answer = m::ListTransactionsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let listed = at.shared.look(|state| {
            let one = |(id, known): (&String, &Transaction)| {
                Listed::default()
                    .with_transactional_id(m::TransactionalId(text(id)))
                    .with_producer_id(m::ProducerId(known.producer_id))
                    .with_transaction_state(text(state_of(known)))
            };
            // The coordinator of all of them is the first broker.
            let mine = state.alive().first() == Some(&at.node);
            state.transactions.iter().filter(|_| mine).map(one).collect()
        });
        m::ListTransactionsResponse::default().with_throttle_time_ms(at.throttle).with_transaction_states(listed)
    }
}

impl Call for m::DescribeTransactionsRequest {
    type Answer = m::DescribeTransactionsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let states = at.shared.look(|state| {
            let one = |id: &m::TransactionalId| {
                let answer = TransactionState::default().with_transactional_id(id.clone());
                match state.transactions.get(id.as_str()) {
                    None => answer.with_error_code(code::TRANSACTIONAL_ID_NOT_FOUND),
                    Some(known) => described(answer, known),
                }
            };
            self.transactional_ids.iter().map(one).collect()
        });
        m::DescribeTransactionsResponse::default().with_throttle_time_ms(at.throttle).with_transaction_states(states)
    }
}

fn state_of(known: &Transaction) -> &'static str {
    if known.partitions.is_empty() { "Empty" } else { "Ongoing" }
}

fn described(answer: TransactionState, known: &Transaction) -> TransactionState {
    let mut by_topic: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for (topic, number) in &known.partitions {
        by_topic.entry(topic).or_default().push(*number);
    }
    let topic = |(name, numbers)| TopicData::default().with_topic(topic_name(name)).with_partitions(numbers);
    answer
        .with_transaction_state(text(state_of(known)))
        .with_transaction_timeout_ms(60_000)
        .with_transaction_start_time_ms(-1)
        .with_producer_id(m::ProducerId(known.producer_id))
        .with_producer_epoch(known.epoch)
        .with_topics(by_topic.into_iter().map(topic).collect())
}
