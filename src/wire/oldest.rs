//! Version 0 of APIs that kafka-protocol has from version 1 on. Brokers of 0.11 and 1.0 offer no other.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages as m;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

use super::api::{Api, Exchange};
use super::request::{put_length, put_name};
use super::shape::Kind::{List, Record, Text};
use super::shape::{Field, I8, I16, I32, Shape, always, since};
use super::{Cursor, WireError};

const SYNONYM: &[Field] = &[always(Text), always(Text), always(I8)];
const CONFIG: &[Field] = &[
    always(Text),
    always(Text),
    always(I8),
    // In version 0: whether it is the default.
    always(I8),
    always(I8),
    since(1, List(&Record(SYNONYM))),
    since(3, I8),
    since(3, Text),
];
const CONFIGS: &[Field] = &[always(I16), always(Text), always(I8), always(Text), always(List(&Record(CONFIG)))];

/// Sources (Kafka class `DescribeConfigsResponse`): set on the topic, on the broker, and nowhere.
const ON_TOPIC: i8 = 1;
const ON_BROKER: i8 = 4;
const BY_DEFAULT: i8 = 5;
/// Resource type (Kafka class `ConfigResource`).
const TOPIC: i8 = 2;

impl Exchange for m::DescribeConfigsRequest {
    type Answer = m::DescribeConfigsResponse;
    const API: Api = Api { name: "DescribeConfigs", key: 32, least: 0, most: 4 };
    const SHAPE: Shape = Shape { flexible: 4, fields: &[always(I32), always(List(&Record(CONFIGS)))] };

    fn throttle(answer: &Self::Answer) -> i32 {
        answer.throttle_time_ms
    }

    fn put(&self, frame: &mut BytesMut, version: i16) -> Result<(), WireError> {
        self.encode(frame, version.max(1)).map_err(not_written)?;
        if version == 0 {
            // Whether to tell synonyms.
            frame.truncate(frame.len() - 1);
        }
        Ok(())
    }

    fn read(body: &mut Bytes, version: i16) -> Result<Self::Answer, WireError> {
        if version > 0 {
            return Self::Answer::decode(body, version).map_err(not_read);
        }
        let mut cursor = Cursor::new(body);
        let throttle = cursor.i32()?;
        let results = list(&mut cursor, |cursor| {
            let (error_code, error_message) = (cursor.i16()?, text(cursor)?);
            let (resource_type, resource_name) = (byte(cursor)?, text(cursor)?.unwrap_or_default());
            Ok(DescribeConfigsResult::default()
                .with_error_code(error_code)
                .with_error_message(error_message)
                .with_resource_type(resource_type)
                .with_resource_name(resource_name)
                .with_configs(list(cursor, |cursor| config(cursor, resource_type))?))
        })?;
        *body = body.slice(cursor.at()..);
        Ok(m::DescribeConfigsResponse::default().with_throttle_time_ms(throttle).with_results(results))
    }
}

/// What is no default was set on the resource itself: for a topic, brokers count what only they set as a default.
fn config(cursor: &mut Cursor<'_>, resource_type: i8) -> Result<DescribeConfigsResourceResult, WireError> {
    let (name, value) = (text(cursor)?.unwrap_or_default(), text(cursor)?);
    let (read_only, is_default, is_sensitive) = (byte(cursor)? != 0, byte(cursor)? != 0, byte(cursor)? != 0);
    let source = match (is_default, resource_type) {
        (true, _) => BY_DEFAULT,
        (false, TOPIC) => ON_TOPIC,
        (false, _) => ON_BROKER,
    };
    Ok(DescribeConfigsResourceResult::default()
        .with_name(name)
        .with_value(value)
        .with_read_only(read_only)
        .with_config_source(source)
        .with_is_sensitive(is_sensitive))
}

const ACL: &[Field] = &[always(Text), always(Text), always(I8), always(I8)];
const ACL_RESOURCE: &[Field] = &[always(I8), always(Text), since(1, I8), always(List(&Record(ACL)))];

/// Patterns (Kafka class `PatternType`): of any kind, and names as they are, the only kind of version 0.
const ANY: i8 = 1;
const LITERAL: i8 = 3;

impl Exchange for m::DescribeAclsRequest {
    type Answer = m::DescribeAclsResponse;
    const API: Api = Api { name: "DescribeAcls", key: 29, least: 0, most: 3 };
    const SHAPE: Shape =
        Shape { flexible: 2, fields: &[always(I32), always(I16), always(Text), always(List(&Record(ACL_RESOURCE)))] };

    fn throttle(answer: &Self::Answer) -> i32 {
        answer.throttle_time_ms
    }

    fn put(&self, frame: &mut BytesMut, version: i16) -> Result<(), WireError> {
        if version > 0 {
            return self.encode(frame, version).map_err(not_written);
        }
        if ![ANY, LITERAL].contains(&self.pattern_type_filter) {
            return Err(WireError::Encode("this broker knows no patterns of names (2.0 does)".to_owned()));
        }
        frame.put_i8(self.resource_type_filter);
        put_text(frame, self.resource_name_filter.as_ref())?;
        put_text(frame, self.principal_filter.as_ref())?;
        put_text(frame, self.host_filter.as_ref())?;
        frame.put_i8(self.operation);
        frame.put_i8(self.permission_type);
        Ok(())
    }

    fn read(body: &mut Bytes, version: i16) -> Result<Self::Answer, WireError> {
        if version > 0 {
            return Self::Answer::decode(body, version).map_err(not_read);
        }
        let mut cursor = Cursor::new(body);
        let (throttle, code, message) = (cursor.i32()?, cursor.i16()?, text(&mut cursor)?);
        let resources = list(&mut cursor, |cursor| {
            let (kind, name) = (byte(cursor)?, text(cursor)?.unwrap_or_default());
            Ok(DescribeAclsResource::default()
                .with_resource_type(kind)
                .with_resource_name(name)
                .with_pattern_type(LITERAL)
                .with_acls(list(cursor, acl)?))
        })?;
        *body = body.slice(cursor.at()..);
        Ok(m::DescribeAclsResponse::default()
            .with_throttle_time_ms(throttle)
            .with_error_code(code)
            .with_error_message(message)
            .with_resources(resources))
    }
}

fn acl(cursor: &mut Cursor<'_>) -> Result<AclDescription, WireError> {
    Ok(AclDescription::default()
        .with_principal(text(cursor)?.unwrap_or_default())
        .with_host(text(cursor)?.unwrap_or_default())
        .with_operation(byte(cursor)?)
        .with_permission_type(byte(cursor)?))
}

const CREATED_ACL: &[Field] = &[always(I16), always(Text)];

impl Exchange for m::CreateAclsRequest {
    type Answer = m::CreateAclsResponse;
    const API: Api = Api { name: "CreateAcls", key: 30, least: 0, most: 3 };
    const SHAPE: Shape = Shape { flexible: 2, fields: &[always(I32), always(List(&Record(CREATED_ACL)))] };

    fn throttle(answer: &Self::Answer) -> i32 {
        answer.throttle_time_ms
    }

    fn put(&self, frame: &mut BytesMut, version: i16) -> Result<(), WireError> {
        if version > 0 {
            return self.encode(frame, version).map_err(not_written);
        }
        put_length(frame, false, self.creations.len())?;
        self.creations.iter().try_for_each(|creation| put_creation(frame, creation))
    }

    /// The answers of both versions are the same.
    fn read(body: &mut Bytes, version: i16) -> Result<Self::Answer, WireError> {
        Self::Answer::decode(body, version.max(1)).map_err(not_read)
    }
}

fn put_creation(frame: &mut BytesMut, creation: &AclCreation) -> Result<(), WireError> {
    if creation.resource_pattern_type != LITERAL {
        return Err(WireError::Encode("this broker knows no patterns of names (2.0 does)".to_owned()));
    }
    frame.put_i8(creation.resource_type);
    put_name(frame, false, &creation.resource_name)?;
    put_name(frame, false, &creation.principal)?;
    put_name(frame, false, &creation.host)?;
    frame.put_i8(creation.operation);
    frame.put_i8(creation.permission_type);
    Ok(())
}

fn list<T>(
    cursor: &mut Cursor<'_>,
    one: impl Fn(&mut Cursor<'_>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let count = cursor.count(false, 1)?.unwrap_or(0);
    (0..count).map(|_| one(cursor)).collect()
}

fn text(cursor: &mut Cursor<'_>) -> Result<Option<StrBytes>, WireError> {
    let at = cursor.at();
    let Some(length) = cursor.text_length(false)? else { return Ok(None) };
    let text = std::str::from_utf8(cursor.take(length)?);
    let text = text.map_err(|_| WireError::Malformed { at, what: "text" })?;
    Ok(Some(StrBytes::from_string(text.to_owned())))
}

fn byte(cursor: &mut Cursor<'_>) -> Result<i8, WireError> {
    Ok(cursor.take(1)?.first().map_or(0, |byte| byte.cast_signed()))
}

fn put_text(frame: &mut BytesMut, text: Option<&StrBytes>) -> Result<(), WireError> {
    let Some(text) = text else {
        frame.put_i16(-1);
        return Ok(());
    };
    put_name(frame, false, text)
}

fn not_written(error: impl std::fmt::Display) -> WireError {
    WireError::Encode(error.to_string())
}

fn not_read(error: impl std::fmt::Display) -> WireError {
    WireError::Decode(error.to_string())
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;

    use super::*;

    fn name(text: &'static str) -> StrBytes {
        StrBytes::from_static_str(text)
    }

    #[test]
    fn configs_of_version_0_tell_what_is_set_on_the_topic() {
        let resource = DescribeConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(name("t"))
            .with_configuration_keys(None);
        let mut frame = BytesMut::new();
        m::DescribeConfigsRequest::default().with_resources(vec![resource]).put(&mut frame, 0).unwrap();
        assert_eq!(frame[..], [0, 0, 0, 1, 2, 0, 1, b't', 255, 255, 255, 255]);
        let body = [
            &[0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 255, 255, 2, 0, 1, b't', 0, 0, 0, 2][..],
            &[0, 1, b'a', 0, 1, b'1', 0, 0, 0],
            &[0, 1, b'b', 255, 255, 1, 1, 1],
        ];
        let mut body = Bytes::from(body.concat());
        m::DescribeConfigsRequest::SHAPE.check(&body, 0).unwrap();
        let answer = m::DescribeConfigsRequest::read(&mut body, 0).unwrap();
        assert!(body.is_empty());
        assert_eq!(answer.throttle_time_ms, 9);
        let [set, default] = &answer.results[0].configs[..] else { panic!("{answer:?}") };
        assert_eq!((set.value.as_deref(), set.config_source, set.read_only), (Some("1"), ON_TOPIC, false));
        assert_eq!((default.value.as_deref(), default.config_source), (None, BY_DEFAULT));
        assert!(default.read_only && default.is_sensitive);
    }

    #[test]
    fn rules_of_version_0_have_no_patterns() {
        let mut frame = BytesMut::new();
        let all = m::DescribeAclsRequest::default()
            .with_resource_type_filter(1)
            .with_resource_name_filter(None)
            .with_principal_filter(None)
            .with_host_filter(None)
            .with_pattern_type_filter(ANY)
            .with_operation(1)
            .with_permission_type(1);
        all.put(&mut frame, 0).unwrap();
        assert_eq!(frame[..], [1, 255, 255, 255, 255, 255, 255, 1, 1]);
        let mut body = Bytes::from_static(&[
            0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 1, 2, 0, 1, b't', 0, 0, 0, 1, 0, 1, b'p', 0, 1, b'*', 3, 2,
        ]);
        let answer = m::DescribeAclsRequest::read(&mut body, 0).unwrap();
        let resource = &answer.resources[0];
        assert_eq!((resource.resource_type, resource.pattern_type, resource.acls[0].operation), (2, LITERAL, 3));

        let rule = AclCreation::default()
            .with_resource_type(2)
            .with_resource_name(name("t"))
            .with_resource_pattern_type(LITERAL)
            .with_principal(name("p"))
            .with_host(name("*"))
            .with_operation(3)
            .with_permission_type(2);
        let mut frame = BytesMut::new();
        m::CreateAclsRequest::default().with_creations(vec![rule.clone()]).put(&mut frame, 0).unwrap();
        assert_eq!(frame[..], [0, 0, 0, 1, 2, 0, 1, b't', 0, 1, b'p', 0, 1, b'*', 3, 2]);
        let prefixed = m::CreateAclsRequest::default().with_creations(vec![rule.with_resource_pattern_type(4)]);
        assert!(matches!(prefixed.put(&mut frame, 0), Err(WireError::Encode(_))));
    }
}
