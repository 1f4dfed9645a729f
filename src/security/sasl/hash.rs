//! The arithmetic of SCRAM (RFC 5802, section 3).

use std::num::NonZeroU32;

use ring::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

use super::ScramHash;

/// The algorithms of one mechanism.
#[derive(Clone, Copy)]
pub(super) struct Hash {
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
    derive: pbkdf2::Algorithm,
}

/// What this client sends, and what it expects in return.
pub(super) struct Proof {
    /// Goes out.
    pub(super) client_proof: Vec<u8>,
    /// What must come back.
    pub(super) expected: Expected,
}

/// The server's proof, which only who knows the password (or what is derived of it) can make.
pub(super) struct Expected {
    key: hmac::Key,
    exchanged: Vec<u8>,
}

impl Expected {
    /// Whether this is that proof; takes the same time wherever they differ.
    pub(super) fn is(&self, signature: &[u8]) -> bool {
        hmac::verify(&self.key, &self.exchanged, signature).is_ok()
    }
}

impl Hash {
    pub(super) fn of(hash: ScramHash) -> Self {
        match hash {
            ScramHash::Sha256 => {
                Self { digest: &digest::SHA256, hmac: hmac::HMAC_SHA256, derive: pbkdf2::PBKDF2_HMAC_SHA256 }
            }
            ScramHash::Sha512 => {
                Self { digest: &digest::SHA512, hmac: hmac::HMAC_SHA512, derive: pbkdf2::PBKDF2_HMAC_SHA512 }
            }
        }
    }

    /// Both sides' proofs over all that was exchanged.
    pub(super) fn prove(&self, password: &str, salt: &[u8], iterations: u32, exchanged: &[u8]) -> Proof {
        let mut salted = Zeroizing::new(vec![0; self.digest.output_len()]);
        let iterations = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
        pbkdf2::derive(self.derive, iterations, salt, password.as_bytes(), &mut salted);
        let client_key = Zeroizing::new(self.sign(&salted, b"Client Key"));
        let stored_key = digest::digest(self.digest, &client_key);
        let signature = self.sign(stored_key.as_ref(), exchanged);
        let client_proof = client_key.iter().zip(&signature).map(|(key, signature)| key ^ signature).collect();
        let server_key = Zeroizing::new(self.sign(&salted, b"Server Key"));
        let key = hmac::Key::new(self.hmac, &server_key);
        Proof { client_proof, expected: Expected { key, exchanged: exchanged.to_vec() } }
    }

    fn sign(&self, key: &[u8], message: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(self.hmac, key), message).as_ref().to_vec()
    }
}
