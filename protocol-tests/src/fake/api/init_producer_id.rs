//! `InitProducerId`: a producer id that nobody else has.

use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::{At, Call};

impl Call for InitProducerIdRequest {
    type Answer = InitProducerIdResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let id = at.shared.with(|state| {
            let id = state.next_producer;
            state.next_producer += 1;
            id
        });
        InitProducerIdResponse::default()
            .with_throttle_time_ms(at.throttle)
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(0)
    }
}
