//! Credentials that a cloud hands out, from a server of our own that plays its part: each way ends in requests that carry
//! what was handed out.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex};

use ktape::model::describe;
use ktape::store::{Key, RemoteStore, Store, StoreErrorKind};

use super::serve::{Request, serve};
use super::xml;

/// When what is handed out ends: after any test.
const EXPIRES: &str = "2099-01-01T00:00:00Z";

/// What reached the server: the line and the header that says who asks.
type Seen = Arc<Mutex<Vec<String>>>;

/// Starts a server that hands out credentials where `hands_out` says so, and else is a bucket without objects.
fn cloud(mut hands_out: impl FnMut(&Request) -> Option<String> + Send + 'static) -> (String, Seen) {
    let seen = Seen::default();
    let notes = Arc::clone(&seen);
    let url = serve(move |request| {
        let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let token = header("x-amz-security-token");
        let note = format!("{} {} {} {token} {body}", request.method, request.path, header("authorization"));
        notes.lock().unwrap().push(note);
        Some(match hands_out(request) {
            Some(answer) => (200, answer),
            None => (404, xml("NoSuchKey")),
        })
    });
    (url, seen)
}

/// Connects with exactly these variables, and looks for an object.
fn looks(location: &str, variables: &[(&str, &str)]) {
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let store = RemoteStore::connect(location, &move |name| variables.get(name).cloned());
    let store = store.unwrap_or_else(|error| panic!("{}", describe(&error)));
    assert!(store.info(&Key::new("a").unwrap()).unwrap().is_none());
    assert!(!format!("{store:?}").contains("handed-out-secret"), "{store:?}");
}

/// The last request carries these words, and no request the secret.
#[track_caller]
fn last_has(seen: &Seen, words: &[&str]) {
    let seen = seen.lock().unwrap();
    let last = seen.last().unwrap();
    assert!(words.iter().all(|word| last.contains(word)), "{words:?}: {seen:#?}");
    assert!(!seen.concat().contains("handed-out-secret"), "{seen:#?}");
}

fn keys() -> String {
    format!(
        r#"{{"AccessKeyId":"ASIAHANDEDOUT","SecretAccessKey":"handed-out-secret","Token":"session","Expiration":"{EXPIRES}"}}"#
    )
}

#[test]
fn a_web_identity_becomes_keys() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "a-signed-token").unwrap();
    let (url, seen) = cloud(|request| {
        let asks = request.path.contains("Action=AssumeRoleWithWebIdentity")
            && request.path.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fbackup")
            && request.path.contains("WebIdentityToken=a-signed-token");
        asks.then(|| {
            format!(
                "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
                 <AccessKeyId>ASIAHANDEDOUT</AccessKeyId><SecretAccessKey>handed-out-secret</SecretAccessKey>\
                 <SessionToken>session</SessionToken><Expiration>{EXPIRES}</Expiration>\
                 </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
            )
        })
    });
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/backup"),
        ("AWS_ENDPOINT_URL_STS", &url),
    ];
    looks(&format!("s3://bucket/prefix?endpoint={url}"), &variables);
    last_has(&seen, &["Credential=ASIAHANDEDOUT/", " session "]);
    let asked = seen.lock().unwrap().iter().filter(|line| line.contains("AssumeRole")).count();
    assert_eq!(asked, 1, "keys are asked for again only when they end");
}

#[test]
fn a_pod_identity_becomes_keys() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "pods-token").unwrap();
    let (url, seen) = cloud(|request| {
        let asks = request.path == "/v1/credentials" && request.headers["authorization"] == "pods-token";
        asks.then(keys)
    });
    let full = format!("{url}/v1/credentials");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", full.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.to_str().unwrap()),
    ];
    looks(&format!("s3://bucket/prefix?endpoint={url}"), &variables);
    last_has(&seen, &["Credential=ASIAHANDEDOUT/", " session "]);
}

#[test]
fn an_instance_s_role_becomes_keys_by_a_session_with_its_metadata_service() {
    let (url, seen) = cloud(|request| {
        let in_session = request.headers.get("x-aws-ec2-metadata-token").is_some_and(|token| token == "imds-session");
        match (request.method.as_str(), request.path.as_str(), in_session) {
            ("PUT", "/latest/api/token", _) => Some("imds-session".to_owned()),
            ("GET", "/latest/meta-data/iam/security-credentials/", true) => Some("backup-role".to_owned()),
            ("GET", "/latest/meta-data/iam/security-credentials/backup-role", true) => Some(keys()),
            _ => None,
        }
    });
    looks(&format!("s3://bucket/prefix?endpoint={url}"), &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())]);
    last_has(&seen, &["Credential=ASIAHANDEDOUT/", " session "]);
}

#[test]
fn a_shared_access_signature_goes_with_every_request() {
    let (url, seen) = cloud(|_| None);
    let location = format!("az://container/prefix?account=backups&endpoint={url}/backups");
    looks(&location, &[("AZURE_STORAGE_SAS_TOKEN", "?sv=2024-11-04&sp=rcwl&sig=c2lnbmVk")]);
    last_has(&seen, &["/backups/container/prefix/a", "sp=rcwl", "sig=c2lnbmVk"]);
}

/// A token service that takes requests whose form has all of these words.
fn token_service(words: &'static [&'static str]) -> (String, Seen) {
    cloud(move |request| {
        let form = String::from_utf8_lossy(&request.body).into_owned();
        let asks = request.path == "/tenant/oauth2/v2.0/token" && words.iter().all(|word| form.contains(word));
        asks.then(|| r#"{"access_token":"handed-out-token","expires_in":3600}"#.to_owned())
    })
}

#[test]
fn a_client_s_secret_becomes_a_token() {
    let (url, seen) = token_service(&["client_id=app", "client_secret=apps-secret", "grant_type=client_credentials"]);
    // As Azure's own tools write it: with a slash at its end.
    let authority = format!("{url}/");
    let variables = [
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_CLIENT_SECRET", "apps-secret"),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_AUTHORITY_HOST", &authority),
    ];
    looks(&format!("az://container/prefix?account=backups&endpoint={url}/backups"), &variables);
    last_has(&seen, &["Bearer handed-out-token"]);
}

#[test]
fn a_workload_s_identity_becomes_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "federated").unwrap();
    let (url, seen) = token_service(&["client_id=app", "client_assertion=federated"]);
    let variables = [
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_FEDERATED_TOKEN_FILE", token.to_str().unwrap()),
        ("AZURE_TENANT_ID", "tenant"),
        ("AZURE_AUTHORITY_HOST", &url),
    ];
    looks(&format!("az://container/prefix?account=backups&endpoint={url}/backups"), &variables);
    last_has(&seen, &["Bearer handed-out-token"]);
}

#[test]
fn a_managed_identity_becomes_a_token() {
    let (url, seen) = cloud(|request| {
        let asks = request.path.starts_with("/msi?") && request.headers.contains_key("metadata");
        asks.then(|| r#"{"access_token":"handed-out-token","expires_on":"4070908800"}"#.to_owned())
    });
    let endpoint = format!("{url}/msi");
    let location = format!("az://container/prefix?account=backups&endpoint={url}/backups");
    looks(&location, &[("IDENTITY_ENDPOINT", endpoint.as_str())]);
    last_has(&seen, &["Bearer handed-out-token"]);
}

/// A profile whose keys a program prints.
fn with_program(script: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keys"), script).unwrap();
    let line =
        format!("[profile printed]\ncredential_process = /bin/sh \"{}\"\n", folder.path().join("keys").display());
    fs::write(folder.path().join("config"), line).unwrap();
    folder
}

#[test]
fn a_program_of_the_profile_prints_keys() {
    let script = r#"echo '{"Version":1,"AccessKeyId":"ASIAPRINTED","SecretAccessKey":"handed-out-secret","SessionToken":"session"}'"#;
    let folder = with_program(script);
    let config = folder.path().join("config").display().to_string();
    let (url, seen) = cloud(|_| None);
    let variables = [("AWS_CONFIG_FILE", config.as_str()), ("AWS_PROFILE", "printed")];
    looks(&format!("s3://bucket/prefix?endpoint={url}"), &variables);
    last_has(&seen, &["Credential=ASIAPRINTED/", " session "]);
}

#[test]
fn a_program_that_fails_is_named_and_what_it_printed_is_not_shown() {
    let folder = with_program("echo handed-out-secret; echo handed-out-secret >&2; exit 3");
    let config = folder.path().join("config").display().to_string();
    let location = "s3://bucket/prefix?endpoint=http://127.0.0.1:9&profile=printed";
    let error = RemoteStore::connect(location, &move |name| (name == "AWS_CONFIG_FILE").then(|| config.clone()));
    let error = super::refusal(error);
    let text = describe(&error);
    assert_eq!(error.kind, StoreErrorKind::Credentials, "{text}");
    assert!(text.contains("credential_process") && text.contains("exit status: 3"), "{text}");
    assert!(!format!("{text} {error:?}").contains("handed-out-secret"), "{text}");
}
