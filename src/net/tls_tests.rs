//! TLS against peers of every kind, well-meaning and not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kafka_protocol::messages::ListGroupsRequest;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::tests::{answer, greet, no_groups, peer, request};
use super::{Connection, ConnectionError, Opening};
use crate::model::{Classify, ErrorClass, Secret};
use crate::security::Security;
use crate::security::tls::{IdentityStore, Material, TlsError, TlsSettings, TlsVersion, TrustStore};

/// Where the peer is expected to answer; the machine may be busy.
const AMPLE: Duration = Duration::from_secs(20);
/// Where it is expected not to.
const SHORT: Duration = Duration::from_millis(400);

type Authority = CertifiedIssuer<'static, KeyPair>;

/// Certificate and key in PEM.
struct Pair {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn named(common_name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

fn signed(authority: &Authority, params: &CertificateParams) -> Pair {
    let key = KeyPair::generate().unwrap();
    Pair { certificate: params.signed_by(&key, authority).unwrap(), key }
}

fn broker(authority: &Authority) -> Pair {
    signed(authority, &named("broker", &["localhost", "127.0.0.1"]))
}

const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12, &rustls::version::TLS13];

/// A server's side; `clients` signs the certificates it insists on.
fn server(pair: &Pair, clients: Option<&Authority>, versions: &[&'static SupportedProtocolVersion]) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(versions).unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            config.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::Pkcs8(pair.key.serialize_der().into());
    TlsAcceptor::from(Arc::new(config.with_single_cert(vec![pair.certificate.der().clone()], key).unwrap()))
}

/// A broker behind TLS that answers two requests.
async fn kafka(acceptor: TlsAcceptor) -> String {
    peer(|stream| async move {
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        greet(&mut stream).await;
        if let Some((_, _, correlation, _)) = request(&mut stream).await {
            answer(&mut stream, correlation, &no_groups(0)).await;
        }
        let _ = stream.read_u8().await;
    })
    .await
}

fn trusting(pem: &str) -> TlsSettings {
    let trust = TrustStore { material: Material::Inline(Secret::new(pem)), password: None, kind: None };
    TlsSettings { trust: Some(trust), ..TlsSettings::default() }
}

fn showing(settings: TlsSettings, pair: &Pair) -> TlsSettings {
    let pem = pair.certificate.pem() + &pair.key.serialize_pem();
    let material = Material::Inline(Secret::new(pem));
    let identity = IdentityStore { material, key: None, store_password: None, key_password: None, kind: None };
    TlsSettings { identity: Some(identity), ..settings }
}

async fn open(address: &str, tls: &TlsSettings, patience: Duration) -> Result<Connection, ConnectionError> {
    let security = Security { tls: Some(tls.clone()), sasl: None };
    let opening = Opening { address, client_id: "test", security: &security, patience, frame_limit: 10_000 };
    Connection::open(opening).await
}

/// Connects, and asks something.
async fn ask(address: &str, tls: &TlsSettings) -> Result<usize, ConnectionError> {
    let connection = open(address, tls, AMPLE).await?;
    connection.call(&ListGroupsRequest::default(), AMPLE).await.map(|answer| answer.groups.len())
}

async fn failure(address: &str, tls: &TlsSettings, patience: Duration) -> TlsError {
    match open(address, tls, patience).await {
        Err(ConnectionError::Tls { source, .. }) => *source,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn requests_go_through_both_versions_of_tls() {
    let authority = authority("ca");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let address = kafka(server(&broker(&authority), None, &[version])).await;
        assert_eq!(ask(&address, &trusting(&authority.pem())).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_certificate_that_is_trusted_itself_needs_no_authority() {
    let mut params = named("localhost", &["127.0.0.1"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let own = Pair { certificate: params.self_signed(&key).unwrap(), key };
    let address = kafka(server(&own, None, BOTH)).await;
    assert_eq!(ask(&address, &trusting(&own.certificate.pem())).await.unwrap(), 0);
    // Another one that says the same is not it.
    let key = KeyPair::generate().unwrap();
    let twin = Pair { certificate: params.self_signed(&key).unwrap(), key };
    let address = kafka(server(&twin, None, BOTH)).await;
    let error = failure(&address, &trusting(&own.certificate.pem()), AMPLE).await;
    assert!(!matches!(error, TlsError::Io(_) | TlsError::TimedOut(_)), "{error:?}");
    assert_eq!(error.class(), ErrorClass::Reject);
}

#[tokio::test]
async fn certificates_are_refused_for_the_reason_that_is_told() {
    let (authority, other) = (authority("ca"), authority("another"));
    let settings = trusting(&authority.pem());

    let address = kafka(server(&broker(&other), None, BOTH)).await;
    let error = failure(&address, &settings, AMPLE).await;
    let TlsError::UnknownIssuer { subject, issuer } = &error else { panic!("{error:?}") };
    assert!(subject.contains("CN=broker") && issuer.contains("CN=another"), "{error}");
    assert!(error.to_string().contains("ssl.truststore.location"), "{error}");

    let mut params = named("old broker", &["127.0.0.1"]);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 2);
    let address = kafka(server(&signed(&authority, &params), None, BOTH)).await;
    let error = failure(&address, &settings, AMPLE).await;
    assert!(
        error.to_string().starts_with("the certificate of CN=old broker expired at 2021-01-02T00:00:00"),
        "{error}"
    );

    params.not_before = date_time_ymd(2090, 1, 1);
    params.not_after = date_time_ymd(2091, 1, 1);
    let address = kafka(server(&signed(&authority, &params), None, BOTH)).await;
    let error = failure(&address, &settings, AMPLE).await;
    assert!(error.to_string().contains("is valid only from 2090-01-01T00:00:00"), "{error}");
}

#[tokio::test]
async fn names_are_checked_unless_that_is_turned_off() {
    let authority = authority("ca");
    let elsewhere = signed(&authority, &named("x", &["kafka-1.example", "10.1.2.3"]));
    let settings = trusting(&authority.pem());
    let error = failure(&kafka(server(&elsewhere, None, BOTH)).await, &settings, AMPLE).await;
    let said = error.to_string();
    assert!(said.contains("is not for 127.0.0.1, it names kafka-1.example, 10.1.2.3"), "{said}");
    assert!(said.contains("ssl.endpoint.identification.algorithm"), "{said}");

    let unchecked = TlsSettings { verify_hostname: false, ..settings.clone() };
    assert_eq!(ask(&kafka(server(&elsewhere, None, BOTH)).await, &unchecked).await.unwrap(), 0);
    // The chain is checked all the same.
    let wrong = TlsSettings { verify_hostname: false, ..trusting(&super::tls_tests::authority("b").pem()) };
    let error = failure(&kafka(server(&elsewhere, None, BOTH)).await, &wrong, AMPLE).await;
    assert!(matches!(error, TlsError::UnknownIssuer { .. }), "{error:?}");

    // As in Java, the common name counts where no other host is named, and only there.
    let by_name = |address: String| address.replace("127.0.0.1", "localhost");
    let old = signed(&authority, &named("localhost", &[]));
    assert_eq!(ask(&by_name(kafka(server(&old, None, BOTH)).await), &settings).await.unwrap(), 0);
    let both = signed(&authority, &named("localhost", &["kafka-1.example"]));
    let error = failure(&by_name(kafka(server(&both, None, BOTH)).await), &settings, AMPLE).await;
    assert!(matches!(error, TlsError::WrongName { .. }), "{error:?}");
}

#[tokio::test]
async fn brokers_that_want_a_certificate_are_shown_one() {
    let (authority, other) = (authority("ca"), authority("another"));
    let settings = trusting(&authority.pem());
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        let insisting = || kafka(server(&broker(&authority), Some(&authority), versions));
        let good = showing(settings.clone(), &signed(&authority, &named("backup", &[])));
        assert_eq!(ask(&insisting().await, &good).await.unwrap(), 0);

        let error = failure(&insisting().await, &settings, AMPLE).await;
        assert!(matches!(error, TlsError::CertificateWanted | TlsError::ClosedAfterCertificate(_)), "{error:?}");
        assert!(error.to_string().contains("ssl.keystore.location"), "{error}");

        let strange = showing(settings.clone(), &signed(&other, &named("stranger", &[])));
        let error = failure(&insisting().await, &strange, AMPLE).await;
        let told = error.to_string();
        assert!(told.contains("CN=stranger") && told.contains("ssl.keystore.location"), "{error:?}");
    }
}

#[tokio::test]
async fn without_a_common_version_both_sides_are_named() {
    let authority = authority("ca");
    let address = kafka(server(&broker(&authority), None, &[&rustls::version::TLS13])).await;
    let old = TlsSettings { versions: vec![TlsVersion::V12], ..trusting(&authority.pem()) };
    let error = failure(&address, &old, AMPLE).await;
    assert!(matches!(error, TlsError::NothingCommon(_)), "{error:?}");
    assert!(error.to_string().contains("ssl.enabled.protocols"), "{error}");
}

#[tokio::test]
async fn peers_without_tls_are_recognised() {
    let settings = trusting(&authority("ca").pem());
    let closing = peer(|mut stream| async move {
        // A ClientHello is a frame of 369 MB to a broker: it closes the connection.
        let _ = stream.read(&mut [0; 1000]).await;
    })
    .await;
    let talking = peer(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    for address in [closing, talking] {
        let error = failure(&address, &settings, AMPLE).await;
        assert!(matches!(error, TlsError::NotTls { .. }), "{error:?}");
        assert!(error.to_string().contains("security.protocol"), "{error}");
        assert_eq!(error.class(), ErrorClass::Reject);
    }
}

#[tokio::test]
async fn silence_ends_when_the_patience_does() {
    let settings = trusting(&authority("ca").pem());
    let silent = peer(|mut stream| async move {
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let began = Instant::now();
    let error = failure(&silent, &settings, SHORT).await;
    assert!(matches!(error, TlsError::TimedOut(SHORT)), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// Hands on what `server` says up to a number of bytes, then closes.
async fn cut_after(server: String, bytes: usize) -> String {
    peer(move |client| async move {
        let (mut from_client, mut to_client) = client.into_split();
        let (from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
        let forth = async move {
            let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        };
        let back = async move {
            let _ = tokio::io::copy(&mut from_server.take(bytes as u64), &mut to_client).await;
        };
        tokio::select! {
            () = forth => (),
            () = back => (),
        }
    })
    .await
}

#[tokio::test]
async fn a_handshake_cut_anywhere_ends_in_an_error() {
    let authority = authority("ca");
    let settings = trusting(&authority.pem());
    let mut whole = 0;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for bytes in [0, 1, 4, 5, 6, 60, 130, 300, 500, 700, 900, 1_500] {
            let address = cut_after(kafka(server(&broker(&authority), None, &[version])).await, bytes).await;
            let began = Instant::now();
            match open(&address, &settings, AMPLE).await {
                Ok(_) => whole += 1,
                Err(ConnectionError::Tls { .. } | ConnectionError::Handshake { .. }) => {}
                Err(other) => panic!("after {bytes} bytes: {other:?}"),
            }
            assert!(began.elapsed() < AMPLE, "after {bytes} bytes");
        }
    }
    assert!(whole <= 8, "{whole} of the handshakes were not cut at all");
}

/// Says `head` once and then `tail` for as long as somebody listens; counts the bytes.
async fn babbler(head: Vec<u8>, tail: Vec<u8>) -> (String, Arc<AtomicU64>) {
    let said = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&said);
    let address = peer(|mut stream| async move {
        let mut next = head;
        while stream.write_all(&next).await.is_ok() {
            counter.fetch_add(next.len() as u64, Ordering::Relaxed);
            next.clone_from(&tail);
        }
    })
    .await;
    (address, said)
}

/// A TLS record of this type.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3], &(body.len() as u16).to_be_bytes()[..], body].concat()
}

#[tokio::test]
async fn servers_that_talk_without_end_are_left_soon() {
    let settings = trusting(&authority("ca").pem());
    let hello = |length: [u8; 3]| [&[2][..], &length, &[0; 1000]].concat();
    let endless: [(&str, Vec<u8>, Vec<u8>); 7] = [
        ("an oversized record", [&[22, 3, 3, 0xFF, 0xFF][..], &[0; 100]].concat(), vec![0; 4096]),
        ("a hello of 16 MiB", record(22, &hello([0xFF, 0xFF, 0xFF])), record(22, &[0; 4096])),
        ("a hello of 64 kB in tiny records", record(22, &hello([0, 0xFF, 0xFE])), record(22, &[0])),
        ("warnings", record(21, &[1, 90]), record(21, &[1, 90])),
        ("empty records", record(22, &[]), record(22, &[])),
        ("changes of the cipher", record(20, &[1]), record(20, &[1])),
        ("noise", vec![0xA5; 4096], vec![0x5A; 4096]),
    ];
    for (what, head, tail) in endless {
        let (address, said) = babbler(head, tail).await;
        let began = Instant::now();
        let error = failure(&address, &settings, Duration::from_secs(5)).await;
        assert!(began.elapsed() < Duration::from_secs(10), "{what}: {error:?}");
        assert!(!matches!(error, TlsError::TimedOut(_)), "{what} is recognised before the time is up");
        // What the sockets between the two can hold, and not much more.
        assert!(said.load(Ordering::Relaxed) < 16 << 20, "{what}: {said:?} bytes");
    }
}

#[tokio::test]
async fn noise_after_the_handshake_ends_the_connection() {
    let authority = authority("ca");
    for noise in [record(23, &[0xA5; 500]), vec![0xA5; 4096], record(22, &[0xA5; 100])] {
        let acceptor = server(&broker(&authority), None, BOTH);
        let address = peer(move |stream| async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let (mut stream, _) = stream.into_inner();
            let _ = stream.write_all(&noise).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let error = failure(&address, &trusting(&authority.pem()), AMPLE).await;
        assert!(matches!(error, TlsError::Handshake(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_renewed_file_is_found_by_the_next_connection() {
    let (old, new) = (authority("old"), authority("new"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, old.pem()).unwrap();
    let trust = TrustStore { material: Material::File(path.clone()), password: None, kind: None };
    let settings = TlsSettings { trust: Some(trust), ..TlsSettings::default() };
    let address = || kafka(server(&broker(&new), None, BOTH));
    let error = failure(&address().await, &settings, AMPLE).await;
    assert!(matches!(error, TlsError::UnknownIssuer { .. }), "{error:?}");
    std::fs::write(&path, new.pem()).unwrap();
    assert_eq!(ask(&address().await, &settings).await.unwrap(), 0);
}

#[tokio::test]
async fn large_answers_come_whole_through_tls() {
    let authority = authority("ca");
    let acceptor = server(&broker(&authority), None, BOTH);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let size = 3_000_000;
    tokio::spawn(async move {
        let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
        greet(&mut stream).await;
        while let Some((_, _, correlation, body)) = request(&mut stream).await {
            assert_eq!(body.len(), size);
            answer(&mut stream, correlation, &body).await;
        }
    });
    let security = Security { tls: Some(trusting(&authority.pem())), sasl: None };
    let opening =
        Opening { address: &address, client_id: "test", security: &security, patience: AMPLE, frame_limit: 1 << 23 };
    let connection = Connection::open(opening).await.unwrap();
    let body: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
    for _ in 0..2 {
        let correlation = connection.next_correlation();
        let head = [&((size + 8) as i32).to_be_bytes()[..], &[0; 4], &correlation.to_be_bytes()].concat();
        let pieces = vec![head.into(), body.clone().into()];
        let frame = connection.exchange("Test", correlation, pieces, AMPLE).await.unwrap();
        assert!(frame[4..] == body[..]);
    }
}
