//! The client credentials grant against a scripted identity provider.

use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{OAuthError, ProviderFault, TokenCache};
use crate::model::{Classify, Secret, describe};
use crate::security::sasl::{OAuthSource, OidcSettings};
use crate::security::tls::{Material, TlsSettings, TrustStore};

/// Answers every connection with the same bytes; gives back what the last one asked through the channel.
async fn provider(answer: Vec<u8>) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/oauth/token", listener.local_addr().unwrap());
    let (tell, asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.windows(11).any(|window| window == b"grant_type=") {
                if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    break;
                }
            }
            let _ = tell.send(String::from_utf8(request).unwrap());
            let _ = stream.write_all(&answer).await;
        }
    });
    (endpoint, asked)
}

fn source(endpoint: String, read_timeout: Duration) -> OAuthSource {
    OAuthSource::Oidc(Box::new(OidcSettings {
        endpoint,
        client_id: "ktape".to_owned(),
        client_secret: Secret::new("hunter2"),
        scope: Some("kafka/read é".to_owned()),
        tls: TlsSettings::default(),
        connect_timeout: Duration::from_secs(5),
        read_timeout,
    }))
}

fn http(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

async fn refused(answer: Vec<u8>, read_timeout: Duration) -> OAuthError {
    let (endpoint, _asked) = provider(answer).await;
    let error = TokenCache::default().get(&source(endpoint, read_timeout)).await.unwrap_err();
    let told = format!("{} {error:?}", describe(&error));
    assert!(!told.contains("hunter2") && !told.contains("aHVudGVyM"), "{told}");
    error
}

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_token_is_asked_for_once_and_kept() {
    let (endpoint, mut asked) =
        provider(http("200 OK", r#"{"access_token":"opaque-1","token_type":"Bearer","expires_in":3600}"#)).await;
    let source = source(endpoint, SOON);
    let cache = TokenCache::default();
    for _ in 0..3 {
        assert_eq!(cache.get(&source).await.unwrap().expose(), "opaque-1");
    }
    let request = asked.recv().await.unwrap();
    assert!(request.starts_with("POST /oauth/token HTTP/1.1\r\n"), "{request}");
    let lower = request.to_lowercase();
    assert!(lower.contains("content-type: application/x-www-form-urlencoded\r\n"), "{request}");
    assert!(request.contains("Basic a3RhcGU6aHVudGVyMg=="), "{request}");
    assert!(request.ends_with("grant_type=client_credentials&scope=kafka%2Fread+%C3%A9"), "{request}");
    assert!(asked.try_recv().is_err(), "asked once");
}

#[tokio::test]
async fn the_earlier_end_counts() {
    let answer = http("200 OK", r#"{"access_token":"opaque-1","expires_in":60}"#);
    let (endpoint, _asked) = provider(answer).await;
    let token = super::fetch(&source(endpoint, SOON)).await.unwrap();
    let left = token.expires.unwrap().duration_since(SystemTime::now()).unwrap();
    assert!(left <= Duration::from_secs(60) && left > Duration::from_secs(30), "{left:?}");
}

#[tokio::test]
async fn refusals_are_told_in_the_providers_words_and_only_passing_ones_are_tried_again() {
    let body = r#"{"error":"invalid_client","error_description":"secret hunter2 is\nwrong"}"#;
    let error = refused(http("401 Unauthorized", body), SOON).await;
    let text = describe(&error);
    assert!(text.contains("it answers 401 (invalid_client: secret [secret] is wrong)"), "{text}");
    assert!(text.contains("sasl.oauthbearer.token.endpoint.url"), "{text}");
    assert!(!error.class().is_retriable());
    assert!(refused(http("503 Service Unavailable", "<html>"), SOON).await.class().is_retriable());
    assert!(!refused(http("302 Found\r\nLocation: http://127.0.0.1:1/", ""), SOON).await.class().is_retriable());
}

#[tokio::test]
async fn hostile_answers_end_in_errors_and_in_time() {
    let began = std::time::Instant::now();
    for body in ["", "[]", "{", r#"{"access_token":1}"#, r#"{"access_token":""}"#, r#"{"access_token":"a b"}"#] {
        assert!(!refused(http("200 OK", body), SOON).await.class().is_retriable(), "{body}");
    }
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'a'; 8 << 20]].concat();
    let error = refused(endless, SOON).await;
    assert!(matches!(&error, OAuthError::Provider { fault: ProviderFault::Nonsense(_), .. }), "{error:?}");
    for cut in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"garbage\r\n\r\n",
        b"\x15\x03\x03\0\x02\x02\x50",
    ] {
        assert!(refused(cut.to_vec(), SOON).await.class().is_retriable());
    }
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn silence_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let OAuthSource::Oidc(mut settings) = source(endpoint, Duration::from_millis(100)) else { unreachable!() };
    settings.connect_timeout = Duration::from_millis(200);
    let began = std::time::Instant::now();
    let error = TokenCache::default().get(&OAuthSource::Oidc(settings)).await.unwrap_err();
    assert!(error.class().is_retriable(), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_told_at_once() {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![key.cert.der().clone()], private).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let _ = acceptor.accept(stream).await;
    });
    let OAuthSource::Oidc(mut settings) = source(format!("https://localhost:{port}/"), SOON) else { unreachable!() };
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let material = Material::Inline(Secret::new(other.cert.pem()));
    settings.tls.trust = Some(TrustStore { material, password: None, kind: None });
    let error = TokenCache::default().get(&OAuthSource::Oidc(settings)).await.unwrap_err();
    assert!(matches!(&error, OAuthError::Provider { fault: ProviderFault::Tls(_), .. }), "{error:?}");
    assert!(!error.class().is_retriable() && describe(&error).contains("https.ca.location"), "{}", describe(&error));
}
