//! What a location asks for goes with every object: encryption by the service, its key, the class of storage, a checksum.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ktape::store::{Key, RemoteStore, Store};

use super::serve::serve;
use super::xml;

/// Writes a small and a large object; gives the headers of the requests that name them: the put and the begin of the
/// upload.
fn written(location: &str, variables: &[(&str, &str)]) -> Vec<HashMap<String, String>> {
    let seen: Arc<Mutex<Vec<HashMap<String, String>>>> = Arc::default();
    let notes = Arc::clone(&seen);
    let url = serve(move |request| {
        let is_part = request.path.contains("partNumber=") || request.path.contains("comp=block&");
        let names = request.method == "PUT" && !is_part || request.path.contains("?uploads");
        if names {
            notes.lock().unwrap().push(request.headers.clone());
        }
        Some(match request.method.as_str() {
            "POST" if request.path.contains("uploadId=") => {
                (200, "<CompleteMultipartUploadResult><ETag>2</ETag></CompleteMultipartUploadResult>".to_owned())
            }
            "POST" => {
                let id = "<InitiateMultipartUploadResult><UploadId>7</UploadId></InitiateMultipartUploadResult>";
                (200, id.to_owned())
            }
            "PUT" => (201, String::new()),
            _ => (404, xml("NoSuchKey")),
        })
    });
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let store = RemoteStore::connect(&location.replace("URL", &url), &move |name| variables.get(name).cloned());
    let store = store.unwrap();
    let key = Key::new("a").unwrap();
    store.put(&key, b"small").unwrap();
    let mut writer = store.create(&key).unwrap();
    writer.write(&vec![1; 11 << 20]).unwrap();
    writer.publish(&key).unwrap();
    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 2, "{seen:#?}");
    seen
}

#[test]
fn s3_hears_of_encryption_storage_class_and_checksum() {
    let location = "s3://bucket/prefix?endpoint=URL&storage-class=STANDARD_IA&sse=aws:kms&sse-kms-key-id=key-1";
    let keys = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    for headers in written(location, &keys) {
        for (name, value) in [
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-aws-kms-key-id", "key-1"),
            ("x-amz-storage-class", "STANDARD_IA"),
        ] {
            assert_eq!(headers.get(name).map(String::as_str), Some(value), "{headers:#?}");
        }
        let checked = ["x-amz-checksum-crc64nvme", "x-amz-checksum-algorithm"];
        assert!(checked.iter().any(|name| headers.contains_key(*name)), "{headers:#?}");
        assert!(!headers["authorization"].contains("secret"));
    }
}

#[test]
fn azure_hears_of_the_access_tier() {
    let location = "az://container/prefix?account=backups&endpoint=URL/backups&storage-class=Cool";
    for headers in written(location, &[("AZURE_STORAGE_KEY", "c2VjcmV0")]) {
        assert_eq!(headers.get("x-ms-access-tier").map(String::as_str), Some("Cool"), "{headers:#?}");
    }
}
