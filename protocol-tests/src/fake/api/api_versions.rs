//! `ApiVersions`: what this release offers.

use bytes::{Buf, Bytes};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};

use super::{At, Call, write};
use crate::fake::code;
use crate::fake::release::Release;

fn offered(release: Release) -> Vec<ApiVersion> {
    let one =
        |(key, least, most)| ApiVersion::default().with_api_key(key).with_min_version(least).with_max_version(most);
    release.offers().map(one).collect()
}

impl Call for ApiVersionsRequest {
    type Answer = ApiVersionsResponse;

    fn answer(self, at: &mut At<'_>) -> Self::Answer {
        let release = at.shared.look(|state| state.release);
        let answer = ApiVersionsResponse::default().with_api_keys(offered(release));
        if at.version >= 1 { answer.with_throttle_time_ms(at.throttle) } else { answer }
    }
}

/// A version that is too new is answered in that of v0, since 2.4 with the range of this API (KIP-511).
pub(super) fn too_new(frame: &Bytes, release: Release) -> Option<Bytes> {
    let correlation = frame.get(4..8)?.get_i32();
    let mut answer = ApiVersionsResponse::default().with_error_code(code::UNSUPPORTED_VERSION);
    if release >= Release::V2_4 {
        answer.api_keys = offered(release).into_iter().filter(|api| api.api_key == 18).collect();
    }
    write(&answer, 0, correlation)
}
