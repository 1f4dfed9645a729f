//! `DescribeConfigs` v0, as 0.11 and 1.0 have it; kafka-protocol knows only later versions.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;

use super::{At, Call, text};

/// Source of a value that nobody set.
const DEFAULT: i8 = 5;

/// The answer's frame.
pub(super) fn answer(frame: &Bytes, at: &mut At<'_>) -> Option<Bytes> {
    let (mut out, mut rest) = begin(frame)?;
    let mut resources = Vec::new();
    for _ in 0..rest.try_get_i32().ok()? {
        let kind = rest.try_get_i8().ok()?;
        let name = take_text(&mut rest)?;
        let mut keys = Vec::new();
        let count = rest.try_get_i32().ok()?;
        for _ in 0..count {
            keys.push(text(&take_text(&mut rest)?));
        }
        let resource = DescribeConfigsResource::default().with_resource_type(kind).with_resource_name(text(&name));
        resources.push(resource.with_configuration_keys((count >= 0).then_some(keys)));
    }
    let answer = DescribeConfigsRequest::default().with_resources(resources).answer(at);
    out.put_i32(answer.throttle_time_ms);
    out.put_i32(answer.results.len() as i32);
    for result in &answer.results {
        out.put_i16(result.error_code);
        put_text(&mut out, result.error_message.as_deref());
        out.put_i8(result.resource_type);
        put_text(&mut out, Some(&result.resource_name));
        out.put_i32(result.configs.len() as i32);
        for config in &result.configs {
            put_text(&mut out, Some(&config.name));
            put_text(&mut out, config.value.as_deref());
            out.put_u8(u8::from(config.read_only));
            out.put_u8(u8::from(config.config_source == DEFAULT));
            out.put_u8(u8::from(config.is_sensitive));
        }
    }
    end(out)
}

/// The answer's header, and the request's body.
pub(super) fn begin(frame: &Bytes) -> Option<(BytesMut, Bytes)> {
    let mut rest = frame.clone();
    let correlation = rest.get(4..8)?.get_i32();
    rest.advance(8);
    take_text(&mut rest)?;
    let mut out = BytesMut::new();
    out.put_i32(0);
    out.put_i32(correlation);
    Some((out, rest))
}

/// The whole frame.
pub(super) fn end(mut out: BytesMut) -> Option<Bytes> {
    let size = i32::try_from(out.len() - 4).ok()?;
    out.get_mut(..4)?.copy_from_slice(&size.to_be_bytes());
    Some(out.freeze())
}

/// Null is empty.
pub(super) fn take_text(rest: &mut Bytes) -> Option<String> {
    let length = usize::try_from(rest.try_get_i16().ok()?).unwrap_or(0);
    (length <= rest.len()).then(|| String::from_utf8_lossy(&rest.split_to(length)).into_owned())
}

pub(super) fn put_text(out: &mut BytesMut, value: Option<&str>) {
    match value {
        None => out.put_i16(-1),
        Some(value) => {
            out.put_i16(value.len() as i16);
            out.put_slice(value.as_bytes());
        }
    }
}
