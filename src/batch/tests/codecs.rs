//! Decompressors against bytes that mean them no good.

use super::*;
use crate::batch::compress::payload;

fn decompress(codec: Codec, bytes: &[u8], limit: usize) -> Result<Vec<u8>, BatchError> {
    let mut header = BatchHeader::parse(&batch_of(&[plain("x")], Codec::None)).unwrap();
    header.attributes = Attributes::of(codec);
    payload(&header, bytes, limit).map(std::borrow::Cow::into_owned)
}

fn compress(codec: Codec, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compress::compress(codec, plain, &mut out).unwrap();
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn garbage_gives_an_error_or_little(codec in any_codec(), bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(plain) = decompress(codec, &bytes, 1000) {
            prop_assert!(plain.len() <= 1000);
        }
    }

    #[test]
    fn damaged_streams_give_an_error_or_little(
        codec in any_codec(), plain in vec(0..4_u8, 0..600), at in any::<prop::sample::Index>(), byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = compress(codec, &plain);
        if bytes.is_empty() {
            return Ok(());
        }
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            if let Ok(plain) = decompress(codec, bytes, 1000) {
                prop_assert!(plain.len() <= 1000);
            }
        }
    }

    #[test]
    fn what_was_compressed_comes_back(codec in any_codec(), piece in vec(any::<u8>(), 0..500), times in 0..300_usize) {
        let plain = piece.repeat(times);
        prop_assert_eq!(decompress(codec, &compress(codec, &plain), plain.len()), Ok(plain));
    }
}

#[test]
fn bombs_stop_at_the_limit() {
    let zeros = vec![0; 10 << 20];
    for codec in Codec::ALL.into_iter().skip(1) {
        let bomb = compress(codec, &zeros);
        assert!(bomb.len() < zeros.len() / 20, "{codec}");
        let limit = 1 << 20;
        assert_eq!(decompress(codec, &bomb, limit), Err(BatchError::TooLarge { base_offset: 0, codec, limit }));
        assert_eq!(decompress(codec, &bomb, zeros.len()).unwrap().len(), zeros.len());
    }
}

#[test]
fn snappy_is_read_raw_and_in_several_streams() {
    let raw = snap::raw::Encoder::new().compress_vec(b"one block without framing").unwrap();
    assert_eq!(decompress(Codec::Snappy, &raw, 100).unwrap(), b"one block without framing");
    let streams = [compress(Codec::Snappy, b"one "), compress(Codec::Snappy, b"two")].concat();
    assert_eq!(decompress(Codec::Snappy, &streams, 100).unwrap(), b"one two");
}

#[test]
fn a_snappy_block_cannot_announce_more_than_it_can_hold() {
    // The length says 2^32 - 1, and one literal byte follows.
    let block = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, b'x'];
    let error = decompress(Codec::Snappy, &block, usize::MAX).unwrap_err();
    assert!(matches!(error, BatchError::Decompress { codec: Codec::Snappy, .. }), "{error}");
}

#[test]
fn ten_megabytes_in_one_record() {
    let noise = (0..10_u32 << 20).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let record = Owned { value: Some(noise), ..plain("") };
    for codec in Codec::ALL {
        let bytes = batch_of(std::slice::from_ref(&record), codec);
        let header = reheader(&bytes, ProducerStamp { producer_id: 9, producer_epoch: 1, base_sequence: 5 }).unwrap();
        let restored = [&header, &bytes[HEADER_SIZE..]].concat();
        assert!(contents(&restored) == [(0, record.clone())], "{codec}");
    }
}
