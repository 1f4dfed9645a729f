//! Where to begin: one input for each thing that is decoded, all of them sound or nearly so.

use std::fs;
use std::path::Path;

use ktape::batch::{Codec, Record, build, walk};

use super::targets::{Form, objects, repository_seeds};

type Seeds = Vec<(String, Vec<u8>)>;

/// The seeds of a target.
pub fn of(target: &str) -> Seeds {
    match target {
        "answers" => answers(),
        "batches" => batches(),
        "cluster" => cluster(),
        "decompress" => decompress(),
        "properties" => properties(),
        "repository" => repository(),
        "secrets" => secrets(),
        "stores" => stores(),
        other => panic!("no seeds for {other}"),
    }
}

/// Zeros are an answer in nearly every layout: no error, empty lists, nulls.
fn answers() -> Seeds {
    let mut seeds = Vec::new();
    for api in 0..36_u8 {
        for (version, length) in [(0_u8, 16), (3, 24), (5, 40), (12, 60)] {
            seeds.push((format!("api {api} v+{version}"), [&[api, version], &vec![0; length][..]].concat()));
        }
    }
    seeds
}

/// Batches that Kafka wrote (`protocol-tests/golden`).
fn golden() -> Seeds {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-tests/golden");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let logs = files.filter(|file| file.extension().is_some_and(|extension| extension == "log"));
    logs.map(|file| (file.file_stem().unwrap().to_string_lossy().into_owned(), fs::read(&file).unwrap())).collect()
}

fn batches() -> Seeds {
    let mut seeds = Vec::new();
    for (name, log) in golden() {
        for (number, codec) in Codec::ALL.iter().enumerate() {
            let how = (number as u8) << 1 | 1;
            seeds.push((format!("{name} to {codec}"), [&[how], &log[..]].concat()));
        }
        seeds.push((format!("{name} as it is"), [&[0], &log[..]].concat()));
    }
    seeds
}

fn decompress() -> Seeds {
    let mut seeds = Vec::new();
    for (codec, stored) in Codec::ALL.into_iter().skip(1).zip(0_u8..) {
        for values in [&[&b"a"[..]][..], &[b"value", b"value", &[7; 300]]] {
            let records = values.iter().map(|value| Record { value: Some(value), ..Record::default() });
            let records: Vec<Record<'_>> = records.collect();
            let batch = build(&records, codec).unwrap();
            seeds.push((format!("{codec} of {}", values.len()), [&[stored], &batch[61..]].concat()));
        }
    }
    for (name, log) in golden() {
        for batch in walk(&log).map_while(Result::ok).filter(|batch| batch.codec_code() > 0 && !batch.is_legacy()) {
            seeds.push((name.clone(), [&[batch.codec_code() - 1], batch.payload()].concat()));
        }
    }
    seeds
}

fn cluster() -> Seeds {
    let mut seeds = Vec::new();
    for request in 0..24_u8 {
        for cap in [0, 3, 17] {
            let answer = [&[0, 40][..], &[0; 40]].concat();
            seeds.push((format!("request {request} up to {cap}"), [&[request, cap], &answer[..], &answer].concat()));
        }
    }
    seeds.push(("greeting of another".to_owned(), b"\x80\0HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
    seeds
}

fn repository() -> Seeds {
    let mut seeds = repository_seeds();
    let (_, head) = objects(Form::Plain).into_iter().find(|(name, _)| name.starts_with("snapshots/")).unwrap();
    seeds.push(("a document of a program".to_owned(), [&[0x40, 0], &head[..]].concat()));
    seeds
}

fn properties() -> Seeds {
    let texts = [
        "bootstrap.servers=a.example:9093,b.example:9093\nclient.id=x\nrequest.timeout.ms=30000\n",
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nssl.truststore.location=/nowhere\n\
         sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n  username=\"u\" \
         password=\"hunter2\" tokenauth=true;\n",
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=\
         org.apache.kafka.common.security.plain.PlainLoginModule required username='a' password='b';\n",
        "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=https://a.example/t\n\
         sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
         clientId=\"i\" clientSecret=\"s\" scope=\"a b\" extension_logicalCluster=\"l\";\n",
        "security.protocol=ssl\nssl.keystore.type=PEM\nssl.keystore.key=-----BEGIN PRIVATE KEY-----\\nAAAA\\n\
         -----END PRIVATE KEY-----\nssl.key.password=${env:HOME}\nssl.truststore.certificates=x\n",
        "sasl.username=u\nsasl.password=${file:/nowhere/a.properties:key}\nsecurity.protocol:sasl_plaintext\n\
         sasl.mechanisms PLAIN\nssl.endpoint.identification.algorithm=\nssl.enabled.protocols=TLSv1.3,TLSv1.2\n",
        "a=\\u00fc\\t\\n\\\\\n! comment\n# comment\nssl.protocol = TLSv1.3 \\\n\n",
        "security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI\nsasl.kerberos.service.name=kafka\nssl.provider=x\n",
    ];
    texts.iter().enumerate().map(|(number, text)| (format!("text {number}"), text.as_bytes().to_vec())).collect()
}

fn secrets() -> Seeds {
    let claims = "eyJzdWIiOiJ4IiwiZXhwIjoxNzAwMDAwMDAwfQ";
    let inputs: [&[u8]; 12] = [
        b"\0r=NONCEx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096\0v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        b"\x01r=NONCEx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096\0e=other-error hunter2",
        b"\0r=NONCEx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=5000,x=y\0v=\0",
        b"\x02{\"status\":\"invalid_token\"}\0\0",
        b"\x03aa.eyJzdWIiOiJ4In0.cc",
        b"\x04untrusted comment: minisign public key\nRWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n",
        b"\x04untrusted comment: minisign secret key\nRWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        b"\x05orders-*\n2026-11-23T06:00:00Z\n1/7\ns3://bucket/prefix?region=x\nsnapshots/0000000001.json",
        b"\x05{a,b}*[c-d]:0-3\n@1700000000\naz://account/container\n..\na//b",
        b"\x052026-11-23T06:00:00.123+01:00\n-1\n9223372036854775807",
        b"\x03hunter2\x1b[0m hunter2",
        b"\x02",
    ];
    let mut seeds: Seeds =
        inputs.iter().enumerate().map(|(number, bytes)| (format!("words {number}"), bytes.to_vec())).collect();
    seeds.push(("a token that ends".to_owned(), format!("\x03aa.{claims}.cc").into_bytes()));
    seeds
}

/// Stores that OpenSSL and Java made, with and without a password, as keys and as authorities.
fn stores() -> Seeds {
    let made = super::committed("keystores");
    let texts = [include_str!("targets/authority.pem"), "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"];
    let mut seeds = made;
    seeds.extend(texts.iter().map(|text| ("text".to_owned(), text.as_bytes().to_vec())));
    let ways = |(name, bytes): (String, Vec<u8>)| {
        (0..4_u8).map(move |how| (format!("{name} {how}"), [&[how], &bytes[..]].concat()))
    };
    seeds.into_iter().flat_map(ways).collect()
}
