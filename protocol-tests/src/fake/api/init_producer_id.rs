//! `InitProducerId`: a producer id that nobody else has, or the one of a transactional id under its next epoch.

use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::transactions::finish;
use super::{At, Call};
use crate::fake::state::{State, Transaction};

impl Call for InitProducerIdRequest {
    type Answer = InitProducerIdResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let (id, epoch) = at.shared.with(|state| match &self.transactional_id {
            None => (next(state), 0),
            Some(id) => begin(state, id),
        });
        InitProducerIdResponse::default()
            .with_throttle_time_ms(at.throttle)
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(epoch)
    }
}

fn next(state: &mut State) -> i64 {
    state.next_producer += 1;
    state.next_producer - 1
}

/// A transaction that the one before left open is aborted.
fn begin(state: &mut State, id: &str) -> (i64, i16) {
    let Some(known) = state.transactions.get_mut(id) else {
        let producer_id = next(state);
        let fresh = Transaction { producer_id, epoch: 0, partitions: std::collections::BTreeSet::new() };
        state.transactions.insert(id.to_owned(), fresh);
        return (producer_id, 0);
    };
    known.epoch += 1;
    let now = (known.producer_id, known.epoch);
    finish(state, id, false);
    now
}
