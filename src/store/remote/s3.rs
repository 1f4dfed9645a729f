//! Amazon S3 and what speaks like it.

use std::io;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum, S3ConditionalPut};

use super::http::Settings;
use super::location::{Location, LocationError, Options};
use super::profile::{Profile, profile};
use super::program::Program;
use super::{ConnectError, fault};
use crate::model::Secret;
use crate::store::StoreErrorKind;

/// Environment variables that are passed on, where no profile was named: keys, web identity, containers, instances.
const IDENTITY: &[(&str, AmazonS3ConfigKey)] = &[
    ("AWS_ACCESS_KEY_ID", AmazonS3ConfigKey::AccessKeyId),
    ("AWS_SECRET_ACCESS_KEY", AmazonS3ConfigKey::SecretAccessKey),
    ("AWS_SESSION_TOKEN", AmazonS3ConfigKey::Token),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", AmazonS3ConfigKey::WebIdentityTokenFile),
    ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
    ("AWS_ROLE_SESSION_NAME", AmazonS3ConfigKey::RoleSessionName),
    ("AWS_ENDPOINT_URL_STS", AmazonS3ConfigKey::StsEndpoint),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", AmazonS3ConfigKey::ContainerCredentialsRelativeUri),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AmazonS3ConfigKey::ContainerCredentialsFullUri),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", AmazonS3ConfigKey::ContainerAuthorizationTokenFile),
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT", AmazonS3ConfigKey::MetadataEndpoint),
];

/// Not nameable otherwise: the crate does not export its type.
const ENCRYPTION: &str = "aws_server_side_encryption";
const ENCRYPTION_KEY: &str = "aws_sse_kms_key_id";

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The bucket.
pub(super) fn service(
    location: &Location,
    http: &Settings,
    variable: Variable<'_>,
    place: &str,
) -> Result<Arc<dyn ObjectStore>, ConnectError> {
    let options = &location.options;
    let profile = found_profile(options, variable, place)?;
    let endpoint = options.endpoint.clone().or_else(|| {
        let of_profile = || profile.as_ref().and_then(|profile| profile.endpoint.clone());
        variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL")).or_else(of_profile)
    });
    let region = options.region.clone().or_else(|| {
        let of_profile = || profile.as_ref().and_then(|profile| profile.region.clone());
        variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).or_else(of_profile)
    });
    // Servers of one's own have none, and take this name for it.
    let region = match (region, &endpoint) {
        (Some(region), _) => region,
        (None, Some(_)) => "us-east-1".to_owned(),
        (None, None) => return Err(no_region().into()),
    };
    let mut builder = AmazonS3Builder::new()
        .with_http_connector(http.clone())
        .with_retry(Settings::retry())
        .with_bucket_name(&location.bucket)
        .with_region(region)
        .with_conditional_put(S3ConditionalPut::ETagMatch);
    builder = addressed(builder, endpoint.as_deref(), location);
    builder = identified(builder, profile.as_ref(), variable, place, options.profile.is_some())?;
    if options.checksum.unwrap_or(true) {
        builder = builder.with_checksum_algorithm(Checksum::CRC64NVME);
    }
    for (name, value) in [(ENCRYPTION, &options.sse), (ENCRYPTION_KEY, &options.sse_kms_key_id)] {
        if let (Ok(key), Some(value)) = (name.parse::<AmazonS3ConfigKey>(), value) {
            builder = builder.with_config(key, value);
        }
    }
    let built = builder.build().map_err(|error| fault::failure("reach", None, place.to_owned(), &error))?;
    Ok(Arc::new(built))
}

fn no_region() -> LocationError {
    LocationError::Lacking {
        what: "the bucket's region",
        say: "add ?region=NAME to the location, or set AWS_REGION or the profile's region",
    }
}

/// The profile that was named, or that there is. One that was named must be there.
fn found_profile(options: &Options, variable: Variable<'_>, place: &str) -> Result<Option<Profile>, ConnectError> {
    let name = options.profile.clone().or_else(|| variable("AWS_PROFILE"));
    let failed = |source| fault::setup(place, StoreErrorKind::Credentials, source);
    let found = profile(name.as_deref(), variable).map_err(failed)?;
    match name {
        Some(name) if found.is_none() => Err(failed(io::Error::other(format!("~/.aws has no profile {name}"))).into()),
        _ => Ok(found),
    }
}

/// Where requests go, and what is signed: over TLS the payload is not, its checksum is. SHA-256 would cost more than all
/// the rest of a backup.
fn addressed(builder: AmazonS3Builder, endpoint: Option<&str>, location: &Location) -> AmazonS3Builder {
    let bucket = &location.bucket;
    // A dot in a bucket's name does not fit the certificate of the provider.
    let path_style = location.options.path_style.unwrap_or(endpoint.is_some() || bucket.contains('.'));
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let builder = builder
        .with_virtual_hosted_style_request(!path_style)
        .with_unsigned_payload(!location.options.sign_payload.unwrap_or(plain))
        .with_allow_http(plain);
    match endpoint.map(|endpoint| (endpoint, endpoint.split_once("://"))) {
        None => builder,
        // object_store wants the bucket in it.
        Some((_, Some((scheme, host)))) if !path_style => builder.with_endpoint(format!("{scheme}://{bucket}.{host}")),
        Some((endpoint, _)) => builder.with_endpoint(endpoint),
    }
}

/// Who asks. As with Amazon's own tools: a profile that the location names, then keys and web identity of the
/// environment, then the profile's keys or its program, then the container's and the instance's role.
fn identified(
    mut builder: AmazonS3Builder,
    profile: Option<&Profile>,
    variable: Variable<'_>,
    place: &str,
    named: bool,
) -> Result<AmazonS3Builder, ConnectError> {
    let keys = profile.is_some_and(|profile| profile.key_id.is_some());
    let ambient = ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"].iter().any(|name| variable(name).is_some());
    let elsewhere = profile.and_then(|profile| profile.elsewhere);
    if let (Some(profile), true) = (profile, keys && (named || !ambient)) {
        let set = [
            (AmazonS3ConfigKey::AccessKeyId, profile.key_id.as_deref()),
            (AmazonS3ConfigKey::SecretAccessKey, profile.secret.as_ref().map(Secret::expose)),
            (AmazonS3ConfigKey::Token, profile.token.as_ref().map(Secret::expose)),
        ];
        for (key, value) in set {
            builder = match value {
                Some(value) => builder.with_config(key, value),
                None => builder,
            };
        }
        return Ok(builder);
    }
    if let (Some(line), true) = (profile.and_then(|profile| profile.process.as_deref()), named || !ambient) {
        let program = Program::new(line).map_err(|error| fault::setup(place, StoreErrorKind::Credentials, error))?;
        return Ok(builder.with_credentials(Arc::new(program)));
    }
    if let (Some(property), true) = (elsewhere, named || !ambient) {
        let why = format!(
            "the profile gets its keys by {property}, which is not supported: \
             eval \"$(aws configure export-credentials --format env)\" puts them into the environment"
        );
        return Err(fault::setup(place, StoreErrorKind::Credentials, io::Error::other(why)).into());
    }
    for (name, key) in IDENTITY {
        if let Some(value) = variable(name) {
            builder = builder.with_config(*key, value);
        }
    }
    Ok(builder)
}
