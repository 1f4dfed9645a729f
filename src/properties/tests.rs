//! Whole files, as people have them.

use std::collections::BTreeMap;
use std::fs;

use super::*;
use crate::security::sasl::{Mechanism, OAuthSource, OidcSettings, ScramHash};
use crate::security::tls::{Material, StoreKind, TlsVersion};

fn with(variables: &[(&str, &str)], text: &str) -> Result<ClientSettings, PropertiesError> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    let notes = Notes::default();
    let entries = entries(text.as_bytes(), &notes)?;
    settings(&entries, &|name| variables.get(name).map(|value| (*value).to_owned()), notes)
}

fn read_text(text: &str) -> ClientSettings {
    let settings = with(&[], text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert!(settings.warnings.is_empty(), "{text}: {:?}", settings.warnings);
    settings
}

fn mechanism(text: &str) -> Mechanism {
    read_text(text).security.sasl.expect("SASL").mechanism
}

fn oidc(text: &str) -> OidcSettings {
    match mechanism(text) {
        Mechanism::OAuthBearer { source: OAuthSource::Oidc(settings), .. } => *settings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_said_is_plain_text() {
    let settings = read_text("# nothing\n");
    assert!(settings.security.tls.is_none() && settings.security.sasl.is_none() && settings.bootstrap.is_empty());
}

#[test]
fn the_client_itself() {
    let settings = read_text(
        "bootstrap.servers = SASL_SSL://a.example:9093 , b.example\nclient.id=nightly\nrequest.timeout.ms=5000\n\
         socket.connection.setup.timeout.ms=7000\nacks=all\ngroup.id=x\nclient.dns.lookup=use_all_dns_ips\n\
         key.deserializer=org.apache.kafka.common.serialization.StringDeserializer\n",
    );
    assert_eq!(settings.bootstrap, ["a.example:9093", "b.example:9092"]);
    assert_eq!(settings.client_id.as_deref(), Some("nightly"));
    assert_eq!(settings.request_timeout, Some(Duration::from_secs(5)));
    assert_eq!(settings.connect_timeout, Some(Duration::from_secs(7)));
    assert_eq!(read_text("socket.timeout.ms=1").request_timeout, Some(Duration::from_millis(1)));
}

#[test]
fn mtls_with_stores_of_java() {
    let settings = read_text(
        "security.protocol=SSL\nssl.truststore.location=/etc/kafka/trust.jks\nssl.truststore.password=changeit\n\
         ssl.keystore.type=PKCS12\nssl.keystore.location=/etc/kafka/client.p12\nssl.keystore.password=hunter2\n\
         ssl.key.password=hunter3\nssl.endpoint.identification.algorithm=\nssl.enabled.protocols=TLSv1.3\n",
    );
    let tls = settings.security.tls.expect("TLS");
    let (trust, identity) = (tls.trust.expect("trust"), tls.identity.expect("identity"));
    assert!(matches!(trust.material, Material::File(path) if path.as_os_str() == "/etc/kafka/trust.jks"));
    assert_eq!((trust.password.unwrap().expose(), trust.kind), ("changeit", None));
    assert_eq!(identity.kind, Some(StoreKind::Pkcs12));
    assert_eq!(identity.store_password.unwrap().expose(), "hunter2");
    assert_eq!(identity.key_password.unwrap().expose(), "hunter3");
    assert!(identity.key.is_none() && !tls.verify_hostname);
    assert_eq!(tls.versions, [TlsVersion::V13]);
    let plain = read_text("security.protocol=ssl").security.tls.expect("TLS");
    assert!(plain.trust.is_none() && plain.identity.is_none() && plain.verify_hostname);
}

#[test]
fn pem_inside_the_file() {
    let settings = read_text(
        "security.protocol=SSL\nssl.keystore.type=PEM\nssl.truststore.type=PEM\n\
         ssl.keystore.key=-----BEGIN PRIVATE KEY----- \\\n  AAAA \\\n  -----END PRIVATE KEY-----\n\
         ssl.keystore.certificate.chain=-----BEGIN CERTIFICATE-----\\nBBBB\\n-----END CERTIFICATE-----\n\
         ssl.truststore.certificates=file:/etc/ca.pem\n",
    );
    let tls = settings.security.tls.expect("TLS");
    let identity = tls.identity.expect("identity");
    let inline = |material: &Material| match material {
        Material::Inline(pem) => pem.expose().to_owned(),
        Material::File(path) => panic!("{}", path.display()),
    };
    assert_eq!(inline(&identity.key.unwrap()), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    assert_eq!(inline(&identity.material), "-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n");
    assert!(matches!(tls.trust.unwrap().material, Material::File(path) if path.as_os_str() == "/etc/ca.pem"));
}

#[test]
fn librdkafkas_names() {
    let settings = read_text(
        "metadata.broker.list=a.example\nsecurity.protocol=sasl_ssl\nssl.ca.location=/etc/ca.pem\n\
         ssl.certificate.location=/etc/client.crt\nssl.key.location=/etc/client.key\nssl.key.password=hunter2\n\
         sasl.mechanisms=SCRAM-SHA-512\nsasl.username=alice\nsasl.password=hunter2\n\
         ssl.endpoint.identification.algorithm=none\ndebug=broker\n",
    );
    assert_eq!(settings.bootstrap, ["a.example:9092"]);
    let tls = settings.security.tls.expect("TLS");
    assert!(!tls.verify_hostname);
    let identity = tls.identity.expect("identity");
    assert!(matches!(identity.material, Material::File(path) if path.as_os_str() == "/etc/client.crt"));
    assert!(matches!(identity.key, Some(Material::File(path)) if path.as_os_str() == "/etc/client.key"));
    match settings.security.sasl.expect("SASL").mechanism {
        Mechanism::Scram { hash: ScramHash::Sha512, username, password, delegation_token: false } => {
            assert_eq!((username.as_str(), password.expose()), ("alice", "hunter2"));
        }
        other => panic!("{other:?}"),
    }
    assert!(read_text("security.protocol=ssl\nssl.ca.location=probe").security.tls.unwrap().trust.is_none());
}

#[test]
fn login_modules_of_java() {
    let text = |mechanism: &str, module: &str| {
        format!("security.protocol=SASL_PLAINTEXT\nsasl.mechanism={mechanism}\nsasl.jaas.config={module}")
    };
    let plain = "shaded.org.apache.kafka.common.security.plain.PlainLoginModule required \\\n  username=\"a b \" \\\n  \
                 password=\"hun;ter2\";";
    match mechanism(&text("PLAIN", plain)) {
        Mechanism::Plain { username, password } => assert_eq!((&*username, password.expose()), ("a b ", "hun;ter2")),
        other => panic!("{other:?}"),
    }
    let token = "org.apache.kafka.common.security.scram.ScramLoginModule required username=id password=\"h+/=\" \
                 tokenauth=\"true\";";
    match mechanism(&text("SCRAM-SHA-256", token)) {
        Mechanism::Scram { hash: ScramHash::Sha256, username, password, delegation_token: true } => {
            assert_eq!((&*username, password.expose()), ("id", "h+/="));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn secrets_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pw");
    fs::write(&path, "hunter2\n").unwrap();
    let base = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n";
    let file = path.display();
    for (more, variables) in [
        (format!("sasl.username=alice\nsasl.password=file:{file}"), &[][..]),
        (format!("sasl.username=alice\nsasl.password=${{file:{file}}}"), &[]),
        ("sasl.username=${env:WHO}\nsasl.password=${env:PW}".to_owned(), &[("PW", "hunter2"), ("WHO", "alice")]),
        (format!("sasl.jaas.config=a.PlainLoginModule required username=alice password=\"file:{file}\";"), &[]),
        (
            "sasl.jaas.config=a.PlainLoginModule required username=alice password=\"${env:PW}\";".to_owned(),
            &[("PW", "hunter2")],
        ),
        (
            "sasl.jaas.config=${env:JAAS}".to_owned(),
            &[("JAAS", "a.PlainLoginModule required username=alice password=hunter2;")],
        ),
    ] {
        let settings = with(variables, &format!("{base}{more}")).unwrap_or_else(|error| panic!("{more}: {error}"));
        match settings.security.sasl.unwrap().mechanism {
            Mechanism::Plain { username, password } => {
                assert_eq!((&*username, password.expose()), ("alice", "hunter2"), "{more}");
            }
            other => panic!("{other:?}"),
        }
    }
}

const OAUTH: &str = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\n";

#[test]
fn tokens_by_client_credentials() {
    let settings = oidc(&format!(
        "{OAUTH}sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.\
         OAuthBearerLoginCallbackHandler\nsasl.oauthbearer.token.endpoint.url=https://id.example/token\n\
         sasl.login.read.timeout.ms=2000\nsasl.jaas.config=a.OAuthBearerLoginModule required clientId=\"me\" \
         clientSecret=\"hunter2\" scope=\"kafka\" ssl.truststore.location=\"/etc/id.pem\";"
    ));
    assert_eq!((&*settings.endpoint, &*settings.client_id), ("https://id.example/token", "me"));
    assert_eq!((settings.client_secret.expose(), settings.scope.as_deref()), ("hunter2", Some("kafka")));
    assert_eq!(settings.read_timeout, Duration::from_secs(2));
    assert!(matches!(settings.tls.trust.unwrap().material, Material::File(path) if path.as_os_str() == "/etc/id.pem"));

    let properties = oidc(&format!(
        "{OAUTH}sasl.oauthbearer.token.endpoint.url=http://id.example\nsasl.oauthbearer.scope=s\n\
         sasl.oauthbearer.client.credentials.client.id=me\nsasl.oauthbearer.client.credentials.client.secret=hunter2"
    ));
    assert_eq!((&*properties.client_id, properties.scope.as_deref()), ("me", Some("s")));

    let librdkafka = oidc(&format!(
        "{OAUTH}sasl.oauthbearer.method=oidc\nsasl.oauthbearer.token.endpoint.url=https://id.example\n\
         sasl.oauthbearer.client.id=me\nsasl.oauthbearer.client.secret=hunter2\nhttps.ca.location=/etc/id.pem"
    ));
    assert_eq!(librdkafka.client_secret.expose(), "hunter2");
    assert!(librdkafka.tls.trust.is_some());
}

#[test]
fn tokens_from_elsewhere() {
    let source = |text: &str| match mechanism(&format!("{OAUTH}{text}")) {
        Mechanism::OAuthBearer { source, extensions } => (source, extensions),
        other => panic!("{other:?}"),
    };
    let (file, _) = source("sasl.oauthbearer.token.endpoint.url=file:///run/token.jwt");
    assert!(matches!(file, OAuthSource::File(path) if path.as_os_str() == "/run/token.jwt"));
    let (command, _) = source("ktape.oauthbearer.token.command=/bin/get token 'for me'");
    assert!(matches!(command, OAuthSource::Command(words) if words == ["/bin/get", "token", "for me"]));
    let (unsecured, extensions) = source(
        "sasl.jaas.config=a.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"alice\" \
         unsecuredLoginLifetimeSeconds=\"60\" unsecuredLoginExtension_traceId=\"7\";",
    );
    assert!(matches!(unsecured, OAuthSource::Unsecured { principal, lifetime }
        if principal == "alice" && lifetime == Duration::from_secs(60)));
    assert_eq!(extensions, [("traceId".to_owned(), "7".to_owned())]);
    let (librdkafka, extensions) = source(
        "enable.sasl.oauthbearer.unsecure.jwt=true\nsasl.oauthbearer.config=principal=eve extension_a=b\n\
         sasl.oauthbearer.extensions=c=d,e=f",
    );
    assert!(matches!(librdkafka, OAuthSource::Unsecured { principal, .. } if principal == "eve"));
    assert_eq!(extensions.len(), 3);
}

#[test]
fn what_cannot_be_done_names_the_property_and_what_to_write() {
    let sasl = "security.protocol=SASL_SSL\nsasl.mechanism=";
    for (text, names) in [
        ("security.protocol=SASL".to_owned(), &["security.protocol=SASL", "SASL_SSL"][..]),
        ("security.protocol=SASL_SSL".to_owned(), &["sasl.mechanism is missing", "SCRAM-SHA-512"]),
        (format!("{sasl}GSSAPI"), &["sasl.mechanism=GSSAPI", "Kerberos", "SCRAM-SHA-256", "mTLS"]),
        (format!("{sasl}AWS_MSK_IAM"), &["sasl.mechanism=AWS_MSK_IAM", "ktape.oauthbearer.token.command"]),
        (format!("{sasl}PLAIN"), &["sasl.jaas.config is missing", "KAFKA_OPTS"]),
        (format!("{sasl}PLAIN\nsasl.username=a"), &["sasl.password is missing"]),
        (format!("{sasl}PLAIN\nsasl.jaas.config=a.Krb5LoginModule required;"), &["sasl.jaas.config", "Kerberos"]),
        (format!("{sasl}PLAIN\nsasl.jaas.config=a.PlainLoginModule required username=a;"), &["option password"]),
        (format!("{sasl}PLAIN\nsasl.jaas.config=a.OAuthBearerLoginModule required;"), &["does not fit"]),
        (format!("{sasl}OAUTHBEARER"), &["sasl.oauthbearer.token.endpoint.url is missing", "file:/path"]),
        (format!("{sasl}OAUTHBEARER\nsasl.login.callback.handler.class=x.Y"), &["handler.class=x.Y", "token.command"]),
        (format!("{OAUTH}sasl.oauthbearer.token.endpoint.url=https://x.example"), &["client.id is missing"]),
        (format!("{OAUTH}sasl.oauthbearer.token.endpoint.url=ftp://x.example"), &["https://"]),
        (format!("{OAUTH}sasl.oauthbearer.token.endpoint.url=https://me:hunter2@x.example"), &["before the @"]),
        (format!("{OAUTH}sasl.oauthbearer.grant.type=urn:x"), &["sasl.oauthbearer.grant.type=urn:x"]),
        (format!("{OAUTH}ktape.oauthbearer.token.command='a"), &["ktape.oauthbearer.token.command"]),
        ("security.protocol=SSL\nssl.engine.factory.class=x.Y".to_owned(), &["ssl.engine.factory.class=x.Y"]),
        ("security.protocol=SSL\nssl.cipher.suites=RC4".to_owned(), &["ssl.cipher.suites=RC4", "AES-GCM"]),
        ("security.protocol=SSL\nssl.truststore.type=BCFKS".to_owned(), &["ssl.truststore.type=BCFKS", "PKCS12"]),
        ("security.protocol=SSL\nssl.enabled.protocols=TLSv1.1".to_owned(), &["ssl.enabled.protocols", "TLSv1.2"]),
        (
            "security.protocol=SSL\nenable.ssl.certificate.verification=false".to_owned(),
            &["enable.ssl.certificate.verification=false", "ssl.truststore.location"],
        ),
        (
            "security.protocol=SSL\nssl.ca.pem=x\nssl.truststore.location=y".to_owned(),
            &["ssl.ca.pem", "ssl.truststore.location"],
        ),
        ("security.protocol=SSL\nssl.keystore.key=hunter2".to_owned(), &["ssl.keystore.key", "BEGIN"]),
        ("security.protocol=SSL\nssl.key.location=/k".to_owned(), &["ssl.keystore.certificate.chain is missing"]),
        ("security.protocol=SSL\nssl.ca.location=/".to_owned(), &["ssl.ca.location=/", "not a folder"]),
        ("request.timeout.ms=0".to_owned(), &["request.timeout.ms"]),
        ("bootstrap.servers=a:b".to_owned(), &["bootstrap.servers", "HOST:PORT"]),
        ("client.id=\\u12".to_owned(), &["line 1"]),
    ] {
        let error = with(&[], &text).err().unwrap_or_else(|| panic!("{text} is accepted"));
        let shown = error.to_string();
        assert!(names.iter().all(|name| shown.contains(name)), "{text}: {shown}");
        assert!(!shown.contains("hunter2") && !format!("{error:?}").contains("hunter2"), "{text}: {error:?}");
    }
}

#[test]
fn what_a_person_should_know_is_a_warning() {
    let warnings = |text: &str| -> Vec<String> {
        let settings = with(&[], text).unwrap_or_else(|error| panic!("{text}: {error}"));
        settings.warnings.iter().map(ToString::to_string).collect()
    };
    for (text, parts) in [
        ("ssl.trustore.location=/x", &["ssl.trustore.location (line 1)", "ssl.truststore.location meant"][..]),
        ("schema.registry.url=x", &["schema.registry.url (line 1) is no property"]),
        ("a=b\nMIIEvQhunter2", &["line 1 is", "line 2 is"]),
        ("client.id=a\nclient.id=b", &["client.id is set again on line 2"]),
        ("client.id=\u{fc}", &["client.id (line 1)", "\\uXXXX"]),
        ("sasl.mechanism=PLAIN", &["sasl.mechanism does nothing: security.protocol is PLAINTEXT, its default"]),
        ("security.protocol=PLAINTEXT\nssl.ca.location=/x", &["ssl.ca.location does nothing"]),
        ("security.protocol=SSL\nssl.enabled.protocols=TLSv1.2,TLSv1", &["TLSv1 is left out"]),
    ] {
        let said = warnings(text).join("\n");
        assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
        assert!(!said.contains("hunter2"), "{text}: {said}");
    }
}

#[test]
fn others_who_can_read_the_file_are_told_of() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.properties");
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(folder.path(), 0o755);
    let secret = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=a\nsasl.password=";
    for (password, bits, expected) in
        [("hunter2", 0o644, 1), ("hunter2", 0o640, 0), ("file:pw", 0o644, 1), ("file:pw", 0o604, 1)]
    {
        let pw = folder.path().join("pw");
        fs::write(&pw, "hunter2").unwrap();
        mode(&pw, bits);
        fs::write(&path, format!("{secret}{}", password.replace("pw", pw.to_str().unwrap()))).unwrap();
        mode(&path, bits);
        let warnings = read(&path).unwrap().warnings;
        assert_eq!(warnings.len(), expected, "{password} {bits:o}: {warnings:?}");
    }
    fs::write(&path, "client.id=a").unwrap();
    mode(&path, 0o644);
    assert!(read(&path).unwrap().warnings.is_empty(), "nothing secret stands in it");
    assert!(matches!(read(&folder.path().join("none")), Err(PropertiesError::Read { .. })));
}

#[test]
fn nothing_secret_is_in_the_debug_of_anything() {
    let settings = read_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nssl.keystore.location=/x\nssl.keystore.password=hunter2\n\
         sasl.jaas.config=a.PlainLoginModule required username=alice password=\"hunter2\";",
    );
    assert!(!format!("{settings:?}").contains("hunter2"));
}
