//! Signed bearer tokens (JWT, ES256), and the key set that brokers check them by.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use crate::error::{HarnessError, on};

pub(super) const AUDIENCE: &str = "kafka";
pub(super) const ISSUER: &str = "test-issuer";
const KEY_ID: &str = "key-1";

/// Signs tokens.
#[derive(Debug)]
pub struct Tokens {
    key: EcdsaKeyPair,
    jwks: PathBuf,
}

impl Tokens {
    pub(super) fn create(folder: &Path) -> Result<Self, HarnessError> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|e| failed(&e))?;
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).map_err(|e| failed(&e))?;
        // An uncompressed point: 4, then both coordinates of 32 bytes.
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let set = serde_json::json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID,
            "x": BASE64.encode(x), "y": BASE64.encode(y),
        }]});
        let jwks = folder.join("jwks.json");
        fs::write(&jwks, set.to_string()).map_err(on("write", &jwks))?;
        Ok(Self { key, jwks })
    }

    /// The file of the key set.
    pub(super) fn jwks(&self) -> &Path {
        &self.jwks
    }

    /// A token for the user, valid as long as told from now on.
    ///
    /// # Errors
    /// It cannot be signed.
    pub fn token(&self, user: &str, lifetime: Duration) -> Result<String, HarnessError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let header = serde_json::json!({ "alg": "ES256", "typ": "JWT", "kid": KEY_ID });
        let claims = serde_json::json!({
            "sub": user, "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + lifetime.as_secs(), "scope": "kafka",
        });
        let signed = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|e| failed(&e))?;
        Ok(format!("{signed}.{}", BASE64.encode(signature)))
    }
}

fn failed(error: &impl ToString) -> HarnessError {
    HarnessError::Certificate { what: "a bearer token".into(), reason: error.to_string() }
}
