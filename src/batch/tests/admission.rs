//! What becomes of which batch.

use super::*;
use crate::model::OffsetRange;

fn context() -> AdmissionContext {
    AdmissionContext { aborted: false, keep: OffsetRange { base: 100, next: 200 }, target_codecs: CodecSet::ALL }
}

/// Ten records at 150 to 159.
fn ten() -> BatchHeader {
    let records = (0..10).map(|delta| (delta, plain("v"))).collect::<Vec<_>>();
    BatchHeader::parse(&stored(&records, 150, Attributes::of(Codec::Zstd), |_| {})).unwrap()
}

fn outcome(change: impl FnOnce(&mut BatchHeader, &mut AdmissionContext)) -> Admission {
    let (mut header, mut context) = (ten(), context());
    change(&mut header, &mut context);
    admit(&header, &context).unwrap()
}

#[test]
fn a_whole_batch_gets_a_new_header() {
    assert_eq!(outcome(|_, _| {}), Admission::Reheadered);
    let bits = Attributes::TRANSACTIONAL | Attributes::DELETE_HORIZON;
    assert_eq!(outcome(|header, _| header.attributes.0 |= bits), Admission::Reheadered);
    assert_eq!(outcome(|_, context| context.keep = OffsetRange { base: 150, next: 160 }), Admission::Reheadered);
}

#[test]
fn what_is_dropped() {
    let dropped = Admission::Dropped;
    assert_eq!(outcome(|header, _| header.attributes.0 |= Attributes::CONTROL), dropped(DropReason::Control));
    assert_eq!(outcome(|header, _| header.record_count = 0), dropped(DropReason::Empty));
    assert_eq!(outcome(|_, context| context.aborted = true), dropped(DropReason::Aborted));
    assert_eq!(outcome(|header, _| header.base_offset = 90), dropped(DropReason::OutOfRange));
    assert_eq!(outcome(|header, _| header.base_offset = 200), dropped(DropReason::OutOfRange));
}

#[test]
fn what_is_written_anew() {
    let again = Admission::Reencoded;
    assert_eq!(outcome(|header, _| header.base_offset = 91), again(ReencodeReason::Cut));
    assert_eq!(outcome(|header, _| header.base_offset = 199), again(ReencodeReason::Cut));
    assert_eq!(outcome(|header, _| header.record_count = 9), again(ReencodeReason::Holes));
    let append_time = |header: &mut BatchHeader, _: &mut AdmissionContext| header.attributes.0 |= 8;
    assert_eq!(outcome(append_time), again(ReencodeReason::LogAppendTime));
    let old_target = |_: &mut BatchHeader, context: &mut AdmissionContext| {
        context.target_codecs = CodecSet::ALL.without(Codec::Zstd);
    };
    assert_eq!(outcome(old_target), again(ReencodeReason::Codec));
}

#[test]
fn a_codec_nobody_knows_is_refused() {
    let header = BatchHeader { attributes: Attributes(7), ..ten() };
    assert_eq!(admit(&header, &context()), Err(BatchError::Codec { base_offset: 150, code: 7 }));
}

#[test]
fn a_new_header_is_refused_where_it_would_harm() {
    let records = [(0, plain("a")), (2, plain("b"))];
    let unfit = |bytes: &[u8]| matches!(reheader(bytes, ProducerStamp::NONE), Err(BatchError::Unfit { .. }));
    assert!(unfit(&stored(&records, 5, Attributes(0), |_| {})));
    assert!(unfit(&stored(&records[..1], 5, Attributes(Attributes::CONTROL), |_| {})));
    assert!(unfit(&stored(&records[..1], 5, Attributes(Attributes::LOG_APPEND_TIME), |_| {})));
}

proptest! {
    #[test]
    fn every_header_has_an_outcome_and_what_is_reheadered_can_be(
        bits in any::<i16>(), base in 0..300_i64, deltas in 0..200_i32, count in 0..200_i32, aborted in any::<bool>(),
    ) {
        let mut bytes = batch_of(&[plain("v")], Codec::None);
        with_header(&mut bytes, |header| {
            header.base_offset = base;
            header.attributes = Attributes(bits);
            header.last_offset_delta = deltas;
            header.record_count = count;
        });
        let header = BatchHeader::parse(&bytes).unwrap();
        let outcome = admit(&header, &AdmissionContext { aborted, ..context() });
        prop_assert_eq!(outcome.is_err(), header.attributes.codec().is_none() && matches!(outcome, Err(BatchError::Codec { .. })));
        if outcome == Ok(Admission::Reheadered) {
            prop_assert!(base >= 100 && header.next_offset() <= 200 && !aborted);
            prop_assert!(reheader(&bytes, ProducerStamp::NONE).is_ok());
        }
    }
}
