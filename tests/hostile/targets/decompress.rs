//! The payload of a compressed batch: bounded output, whatever the stream says.

use ktape::batch::{Attributes, Batch, BatchError, BatchHeader, Codec, records_up_to};

/// Bytes that may come out.
const LIMIT: usize = 1 << 20;

pub(super) fn run(data: &[u8]) {
    let Some((codec, payload)) = data.split_first() else { return };
    let codec = Codec::ALL[1 + usize::from(*codec) % 4];
    let header = BatchHeader {
        base_offset: 7,
        batch_length: 0,
        leader_epoch: 0,
        magic: 2,
        crc: 0,
        attributes: Attributes::of(codec),
        last_offset_delta: i32::MAX - 1,
        base_timestamp: 0,
        max_timestamp: 0,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        record_count: i32::MAX,
    };
    let bytes = [&header.encode_for(payload), payload].concat();
    let batch = Batch::parse(&bytes).unwrap();
    match records_up_to(&batch, LIMIT) {
        Ok(records) => {
            assert!(records.size() <= LIMIT);
            assert!(records.iter().count() <= records.size() + 1, "every record takes a byte");
        }
        Err(BatchError::TooLarge { limit, .. }) => assert_eq!(limit, LIMIT),
        Err(BatchError::Decompress { .. }) => {}
        Err(other) => panic!("{other}"),
    }
}
