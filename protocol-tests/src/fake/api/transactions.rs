//! `ListTransactions` and `DescribeTransactions`: no coordinator of the fake knows a transactional id.

use kafka_protocol::messages as m;
use kafka_protocol::messages::describe_transactions_response::TransactionState;

use super::{At, Call};
use crate::fake::code;

impl Call for m::ListTransactionsRequest {
    type Answer = m::ListTransactionsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        m::ListTransactionsResponse::default().with_throttle_time_ms(at.throttle)
    }
}

impl Call for m::DescribeTransactionsRequest {
    type Answer = m::DescribeTransactionsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let unknown = |id: &m::TransactionalId| {
            TransactionState::default()
                .with_transactional_id(id.clone())
                .with_error_code(code::TRANSACTIONAL_ID_NOT_FOUND)
        };
        let states = self.transactional_ids.iter().map(unknown).collect();
        m::DescribeTransactionsResponse::default().with_throttle_time_ms(at.throttle).with_transaction_states(states)
    }
}
