//! What becomes of object stores that refuse, fail or lose answers: a server of our own that answers as told.

mod credentials;
mod headers;
pub(crate) mod locked;
mod serve;
pub(crate) mod way;

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ktape::model::describe;
use ktape::repository::{Repository, RepositoryError};
use ktape::store::{ConnectError, Key, RemoteStore, Store, StoreError, StoreErrorKind, random_hex};

use self::serve::serve;
use self::way::{Mishap, every_third, way_to};
use crate::not_run::not_run;

const SECRET: &str = "s3cretS3CRETs3cret";

fn connect(url: &str) -> Result<RemoteStore, ConnectError> {
    connect_as(&format!("s3://bucket/prefix?endpoint={url}"), SECRET)
}

fn connect_as(location: &str, secret: &str) -> Result<RemoteStore, ConnectError> {
    let secret = secret.to_owned();
    RemoteStore::connect(location, &move |name| match name {
        "AWS_ACCESS_KEY_ID" => Some(std::env::var(name).unwrap_or("key".to_owned())),
        "AWS_SECRET_ACCESS_KEY" => Some(secret.clone()),
        _ => None,
    })
}

fn refusal(result: Result<RemoteStore, ConnectError>) -> StoreError {
    match result {
        Err(ConnectError::Store(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn xml(code: &str) -> String {
    format!("<Error><Code>{code}</Code><Message>Words of the service.</Message></Error>")
}

#[test]
fn refusals_say_what_is_wrong_and_show_no_secret() {
    for (status, code, kind, says) in [
        (404, "NoSuchBucket", StoreErrorKind::NoBucket, "no such bucket"),
        (403, "AccessDenied", StoreErrorKind::PermissionDenied, "access denied"),
        (403, "SignatureDoesNotMatch", StoreErrorKind::Credentials, "does not accept the credentials"),
        (400, "ExpiredToken", StoreErrorKind::Credentials, "does not accept the credentials"),
        (403, "RequestTimeTooSkewed", StoreErrorKind::Clock, "clock"),
        (400, "AuthorizationHeaderMalformed", StoreErrorKind::Region, "another region"),
        (301, "PermanentRedirect", StoreErrorKind::Region, "another region"),
    ] {
        let error = refusal(connect(&serve(move |_| Some((status, xml(code))))));
        assert_eq!(error.kind, kind, "{code}: {error:?}");
        let text = describe(&error);
        assert!(text.contains("s3://bucket/prefix") && text.contains(says), "{code}: {text}");
        assert!(!format!("{text} {error:?}").contains(SECRET), "{code}");
    }
}

#[test]
fn what_is_not_there_yet_is_no_failure() {
    let store = connect(&serve(|_| Some((404, xml("NoSuchKey"))))).unwrap();
    assert!(store.info(&Key::new("a").unwrap()).unwrap().is_none());
    assert!(!format!("{store:?}").contains(SECRET), "{store:?}");
}

#[test]
fn an_overloaded_service_is_asked_again() {
    let mut asked = 0;
    let url = serve(move |_| {
        asked += 1;
        match asked {
            1 => Some((503, xml("SlowDown"))),
            2 => Some((500, xml("InternalError"))),
            3 => None,
            _ => Some((404, xml("NoSuchKey"))),
        }
    });
    connect(&url).unwrap();
}

#[test]
fn a_service_out_of_reach_is_named_within_seconds() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let began = Instant::now();
    let error = refusal(connect(&format!("http://{closed}")));
    assert_eq!(error.kind, StoreErrorKind::Unreachable);
    assert!(describe(&error).contains("refused"), "{}", describe(&error));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn a_host_without_any_credentials_hears_it_within_seconds() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let began = Instant::now();
    let found = RemoteStore::connect("s3://bucket/prefix?region=r", &move |name| {
        (name == "AWS_EC2_METADATA_SERVICE_ENDPOINT").then(|| format!("http://{closed}"))
    });
    let error = refusal(found);
    assert_eq!(error.kind, StoreErrorKind::Credentials, "{}", describe(&error));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

/// A bucket with one object whose first write gets no answer.
fn forgetful(others: Option<&'static [u8]>) -> String {
    let mut there: Option<Vec<u8>> = None;
    let mut written = false;
    serve(move |request| match request.method.as_str() {
        "PUT" if there.is_some() && request.create_only => Some((412, xml("PreconditionFailed"))),
        "PUT" => {
            there = Some(others.map_or_else(|| request.body.clone(), <[u8]>::to_vec));
            if std::mem::replace(&mut written, true) { Some((200, String::new())) } else { None }
        }
        "GET" | "HEAD" if request.path.contains("object") => match &there {
            Some(bytes) => Some((200, String::from_utf8(bytes.clone()).unwrap())),
            None => Some((404, xml("NoSuchKey"))),
        },
        _ => Some((404, xml("NoSuchKey"))),
    })
}

#[test]
fn put_if_absent_whose_answer_got_lost_knows_its_own_object() {
    let key = Key::new("object").unwrap();
    let store = connect(&forgetful(None)).unwrap();
    store.put_if_absent(&key, b"ours").unwrap();
    assert!(store.put_if_absent(&key, b"ours").unwrap_err().is_already_exists(), "the second is a stranger's");
    let store = connect(&forgetful(Some(b"theirs"))).unwrap();
    assert!(store.put_if_absent(&key, b"ours").unwrap_err().is_already_exists());
}

/// The address and the bucket of the plain server that a variable names, and its keys.
pub(crate) fn plain_server() -> Option<(String, String)> {
    let location = std::env::var("KTAPE_TEST_S3").ok()?;
    let (place, options) = location.split_once('?')?;
    let server = options.split('&').find_map(|option| option.strip_prefix("endpoint=http://"))?;
    Some((server.to_owned(), format!("{place}/{}", random_hex(16).unwrap())))
}

#[test]
fn nothing_is_lost_or_doubled_where_every_third_request_has_a_mishap() {
    let Some((server, place)) = plain_server() else {
        return not_run("mishaps on the way to an S3 server", "KTAPE_TEST_S3 with a plain endpoint");
    };
    let seed = std::env::var("KTAPE_TEST_SEED").ok().map_or(20_261_123, |text| text.parse().unwrap());
    println!("KTAPE_TEST_SEED={seed}");
    let url = way_to(server, every_third(seed));
    let secret = std::env::var("AWS_SECRET_ACCESS_KEY").unwrap();
    let store = connect_as(&format!("{place}?endpoint={url}"), &secret).unwrap();
    let key = |name: String| Key::new(name).unwrap();
    for number in 0..25_u8 {
        let name = key(format!("snapshots/{number}"));
        store.put_if_absent(&name, &[number; 100]).unwrap();
        assert!(store.put_if_absent(&name, b"another").unwrap_err().is_already_exists());
        assert_eq!(store.get(&name).unwrap(), [number; 100]);
    }
    for number in 0..4_u8 {
        let bytes = vec![number; (12 << 20) + 5];
        let early = key(format!("topics/early-{number}"));
        let mut writer = store.create(&early).unwrap();
        bytes.chunks(1 << 20).for_each(|piece| writer.write(piece).unwrap());
        let name = writer.publish(&key(format!("topics/{number}"))).unwrap();
        assert!(store.get(&name).unwrap() == bytes, "object {number} is not what was written");
    }
    assert_eq!(store.list(None).unwrap().len(), 29);
}

#[test]
fn bytes_that_change_on_their_way_are_refused() {
    let Some((server, place)) = plain_server() else {
        return not_run("damage on the way to an S3 server", "KTAPE_TEST_S3 with a plain endpoint");
    };
    let url = way_to(server, || Mishap::BodyDamaged);
    let secret = std::env::var("AWS_SECRET_ACCESS_KEY").unwrap();
    let key = Key::new("object").unwrap();
    // By the signature's SHA-256, and by CRC-64 alone, as over TLS.
    for options in ["&checksum=false", "&sign-payload=false"] {
        let store = connect_as(&format!("{place}?endpoint={url}{options}"), &secret).unwrap();
        let error = store.put_if_absent(&key, b"sound").unwrap_err();
        assert!(describe(&error).contains("changed on their way"), "{options}: {}", describe(&error));
        assert!(store.info(&key).unwrap().is_none(), "{options}");
    }
}

/// A server that knows no conditions, as there are some.
fn unconditional() -> String {
    let mut objects: HashMap<String, Vec<u8>> = HashMap::new();
    serve(move |request| {
        let path = request.path.split('?').next().unwrap_or_default().to_owned();
        match request.method.as_str() {
            "PUT" => {
                objects.insert(path, request.body.clone());
                Some((200, String::new()))
            }
            "GET" if request.path.contains("list-type") => {
                let empty = "<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated></ListBucketResult>";
                Some((200, empty.to_owned()))
            }
            _ => match objects.get(&path) {
                Some(bytes) => Some((200, String::from_utf8(bytes.clone()).unwrap())),
                None => Some((404, xml("NoSuchKey"))),
            },
        }
    })
}

#[test]
fn a_server_that_ignores_conditions_is_noticed_and_can_be_used_with_a_word() {
    let location = format!("s3://bucket/prefix?endpoint={}", unconditional());
    let store = connect_as(&location, SECRET).unwrap();
    let error = Repository::init_in(Arc::new(store)).unwrap_err();
    assert!(matches!(error, RepositoryError::Unconditional { .. }), "{error:?}");
    let location = format!("s3://bucket/prefix?endpoint={}&conditional-put=false", unconditional());
    let store = connect_as(&location, SECRET).unwrap();
    Repository::init_in(Arc::new(store.clone())).unwrap();
    let key = Key::new("snapshots/0000000001.json").unwrap();
    store.put_if_absent(&key, b"one").unwrap();
    assert!(store.put_if_absent(&key, b"two").unwrap_err().is_already_exists());
    assert_eq!(store.get(&key).unwrap(), b"one");
}

#[test]
fn a_part_that_cannot_be_sent_ends_the_object() {
    let url = serve(|request| match request.method.as_str() {
        "POST" => {
            let started = "<InitiateMultipartUploadResult><UploadId>7</UploadId></InitiateMultipartUploadResult>";
            Some((200, started.to_owned()))
        }
        "PUT" => Some((403, xml("AccessDenied"))),
        "DELETE" => Some((204, String::new())),
        _ => Some((404, xml("NoSuchKey"))),
    });
    let store = connect(&url).unwrap();
    let key = Key::new("a").unwrap();
    assert_eq!(store.try_writing(&key, b"x").unwrap_err().kind, StoreErrorKind::PermissionDenied);
    let mut writer = store.create(&key).unwrap();
    let piece = vec![7; 1 << 20];
    let refused = (0..64).find_map(|_| writer.write(&piece).err());
    let error = refused.unwrap_or_else(|| writer.publish(&Key::new("b").unwrap()).unwrap_err());
    assert_eq!(error.kind, StoreErrorKind::PermissionDenied, "{error:?}");
}

#[test]
fn locations_without_what_they_need_say_what_it_is() {
    for (location, says) in [
        ("s3://bucket/prefix", "region"),
        ("s3://bucket?region=r&profile=none", "profile"),
        ("az://container/prefix", "account"),
        ("s3://bucket?region=r&ca=/not/there.pem", "/not/there.pem"),
    ] {
        let text = describe(&connect_as(location, SECRET).unwrap_err());
        assert!(text.contains(says) && !text.contains(SECRET), "{location}: {text}");
        assert!(!text.contains("ssl."), "no property of Kafka's can help: {text}");
    }
}

#[test]
fn a_server_whose_certificate_is_not_trusted_is_refused_at_once() {
    let Ok(location) = std::env::var("KTAPE_TEST_S3_TLS") else {
        return not_run("a certificate of a real S3 server that is not trusted", "KTAPE_TEST_S3_TLS");
    };
    let began = Instant::now();
    let untrusting = location.split('&').filter(|option| !option.starts_with("ca=")).collect::<Vec<_>>().join("&");
    let error = refusal(connect_as(&untrusting, SECRET));
    assert_eq!(error.kind, StoreErrorKind::Certificate, "{}", describe(&error));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn a_real_server_refuses_wrong_keys_and_buckets_that_are_not_there() {
    let Ok(location) = std::env::var("KTAPE_TEST_S3") else {
        return not_run("refusals of a real S3 server", "KTAPE_TEST_S3");
    };
    let error = refusal(connect_as(&location, SECRET));
    assert_eq!(error.kind, StoreErrorKind::Credentials, "{}", describe(&error));
    let (_, options) = location.split_once('?').unwrap_or_default();
    let right = std::env::var("AWS_SECRET_ACCESS_KEY").unwrap();
    let error = refusal(connect_as(&format!("s3://not-there-at-all/x?{options}"), &right));
    assert_eq!(error.kind, StoreErrorKind::NoBucket, "{}", describe(&error));
}
