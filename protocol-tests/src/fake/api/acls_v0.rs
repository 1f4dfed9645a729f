//! `DescribeAcls` and `CreateAcls` v0, as releases before 2.0 have them: without pattern types. kafka-protocol knows only
//! later versions.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::{CreateAclsRequest, DescribeAclsRequest};

use super::configs_v0::{begin, end, put_text, take_text};
use super::{At, Call, text};

/// The only pattern there was: the name itself.
const LITERAL: i8 = 3;

/// Everything; filters are not looked at.
pub(super) fn describe(frame: &Bytes, at: &mut At<'_>) -> Option<Bytes> {
    let (mut out, _) = begin(frame)?;
    let answer = DescribeAclsRequest::default().answer(at);
    out.put_i32(answer.throttle_time_ms);
    out.put_i16(answer.error_code);
    put_text(&mut out, answer.error_message.as_deref());
    out.put_i32(answer.resources.len() as i32);
    for resource in &answer.resources {
        out.put_i8(resource.resource_type);
        put_text(&mut out, Some(&resource.resource_name));
        out.put_i32(resource.acls.len() as i32);
        for acl in &resource.acls {
            put_text(&mut out, Some(&acl.principal));
            put_text(&mut out, Some(&acl.host));
            out.put_i8(acl.operation);
            out.put_i8(acl.permission_type);
        }
    }
    end(out)
}

/// Adds rules.
pub(super) fn create(frame: &Bytes, at: &mut At<'_>) -> Option<Bytes> {
    let (mut out, mut rest) = begin(frame)?;
    let mut creations = Vec::new();
    for _ in 0..rest.try_get_i32().ok()? {
        let asked = AclCreation::default()
            .with_resource_pattern_type(LITERAL)
            .with_resource_type(rest.try_get_i8().ok()?)
            .with_resource_name(text(&take_text(&mut rest)?))
            .with_principal(text(&take_text(&mut rest)?))
            .with_host(text(&take_text(&mut rest)?))
            .with_operation(rest.try_get_i8().ok()?)
            .with_permission_type(rest.try_get_i8().ok()?);
        creations.push(asked);
    }
    let answer = CreateAclsRequest::default().with_creations(creations).answer(at);
    out.put_i32(answer.throttle_time_ms);
    out.put_i32(answer.results.len() as i32);
    for result in &answer.results {
        put_result(&mut out, result.error_code, result.error_message.as_deref());
    }
    end(out)
}

fn put_result(out: &mut BytesMut, code: i16, message: Option<&str>) {
    out.put_i16(code);
    put_text(out, message);
}
