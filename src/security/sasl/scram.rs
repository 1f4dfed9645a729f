//! SCRAM (RFC 5802, RFC 7677) without channel binding: both sides prove that they know the password, and neither shows
//! it. Delegation tokens (KIP-48) are a user and a password with an extension.

use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::hash::{Expected, Hash};
use super::{SaslError, ScramHash, clean};
use crate::model::Secret;

/// Kafka's lower limit (class `ScramMechanism`), and an upper one that takes about a second.
const ITERATIONS: RangeInclusive<u32> = 4096..=1_000_000;
/// No channel binding, no other identity.
const HEADER: &str = "n,,";
/// The header in base64, as it comes back in the final message.
const BINDING: &str = "c=biws";

/// One exchange, from the client's side.
pub(super) struct Scram {
    hash: Hash,
    name: &'static str,
    username: String,
    password: Secret,
    token: bool,
    nonce: String,
    expected: Option<Expected>,
}

impl Scram {
    /// A new exchange with a nonce of its own.
    pub(super) fn new(hash: ScramHash, username: &str, password: &Secret, token: bool) -> Result<Self, SaslError> {
        let mut random = [0; 24];
        SystemRandom::new().fill(&mut random).map_err(|_| SaslError::Random)?;
        Self::with_nonce(hash, username, password, token, STANDARD.encode(random))
    }

    fn with_nonce(
        hash: ScramHash,
        username: &str,
        password: &Secret,
        token: bool,
        nonce: String,
    ) -> Result<Self, SaslError> {
        for (what, text) in [("username", username), ("password", password.expose())] {
            if text.is_empty() {
                return Err(SaslError::Credentials { what, fault: "is empty" });
            }
        }
        let (username, password) = (username.to_owned(), password.clone());
        Ok(Self { hash: Hash::of(hash), name: hash.name(), username, password, token, nonce, expected: None })
    }

    /// User and nonce.
    pub(super) fn first(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(format!("{HEADER}{}", self.first_bare()).into_bytes())
    }

    fn first_bare(&self) -> String {
        let username = self.username.replace('=', "=3D").replace(',', "=2C");
        let extension = if self.token { ",tokenauth=true" } else { "" };
        format!("n={username},r={}{extension}", self.nonce)
    }

    /// The proof for the server's first message; nothing more after its last one.
    pub(super) fn respond(&mut self, challenge: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, SaslError> {
        let text = std::str::from_utf8(challenge).map_err(|_| self.malformed("it is not text"))?;
        match self.expected.take() {
            None => self.prove(text).map(Some),
            Some(expected) => self.check(text, &expected).map(|()| None),
        }
    }

    fn prove(&mut self, challenge: &str) -> Result<Zeroizing<Vec<u8>>, SaslError> {
        let mut parts = challenge.split(',');
        let mut part = |key: &str| parts.next().and_then(|part| part.strip_prefix(key));
        let nonce = part("r=").ok_or_else(|| self.malformed("the nonce is missing"))?;
        let salt = part("s=").and_then(|salt| STANDARD.decode(salt).ok()).filter(|salt| !salt.is_empty());
        let salt = salt.ok_or_else(|| self.malformed("the salt is missing"))?;
        let given = part("i=").and_then(|count| count.parse::<u64>().ok());
        let given = given.ok_or_else(|| self.malformed("the number of iterations is missing"))?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(SaslError::Nonce);
        }
        let iterations = u32::try_from(given).ok().filter(|count| ITERATIONS.contains(count));
        let iterations = iterations.ok_or(SaslError::Iterations { given, accepted: ITERATIONS })?;
        let unproved = format!("{BINDING},r={nonce}");
        let exchanged = format!("{},{challenge},{unproved}", self.first_bare());
        let proof = self.hash.prove(self.password.expose(), &salt, iterations, exchanged.as_bytes());
        self.expected = Some(proof.expected);
        Ok(Zeroizing::new(format!("{unproved},p={}", STANDARD.encode(proof.client_proof)).into_bytes()))
    }

    fn check(&self, challenge: &str, expected: &Expected) -> Result<(), SaslError> {
        let first = challenge.split(',').next().unwrap_or_default();
        if let Some(error) = first.strip_prefix("e=") {
            return Err(SaslError::Server(clean(error, &[&self.password])));
        }
        let signature = first.strip_prefix("v=").and_then(|signature| STANDARD.decode(signature).ok());
        let signature = signature.ok_or_else(|| self.malformed("the signature is missing"))?;
        if expected.is(&signature) { Ok(()) } else { Err(SaslError::ServerSignature) }
    }

    fn malformed(&self, fault: &'static str) -> SaslError {
        SaslError::Malformed { mechanism: self.name, fault }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677, section 3.
    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    const FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    const FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

    fn scram(password: &str) -> Scram {
        let password = Secret::new(password);
        Scram::with_nonce(ScramHash::Sha256, "user", &password, false, NONCE.to_owned()).unwrap()
    }

    #[test]
    fn the_exchange_of_the_rfc_is_reproduced() {
        let mut scram = scram("pencil");
        assert_eq!(scram.first().as_slice(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let sent = scram.respond(FIRST.as_bytes()).unwrap().unwrap();
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(std::str::from_utf8(&sent).unwrap(), expected);
        assert!(scram.respond(FINAL.as_bytes()).unwrap().is_none());
    }

    #[test]
    fn names_are_escaped_and_tokens_say_so() {
        let password = Secret::new("hmac");
        let scram = Scram::with_nonce(ScramHash::Sha512, "a=b,c", &password, true, "x".to_owned()).unwrap();
        assert_eq!(scram.first().as_slice(), b"n,,n=a=3Db=2Cc,r=x,tokenauth=true");
    }

    #[test]
    fn every_exchange_has_a_nonce_of_its_own() {
        let new = || Scram::new(ScramHash::Sha256, "u", &Secret::new("p"), false).unwrap().nonce;
        assert_ne!(new(), new());
        assert!(new().len() >= 32 && !new().contains(','));
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_found_out() {
        let mut wrong = scram("crayon");
        wrong.respond(FIRST.as_bytes()).unwrap();
        assert_eq!(wrong.respond(FINAL.as_bytes()), Err(SaslError::ServerSignature));
        for (last, expected) in [
            ("e=invalid-proof", SaslError::Server("invalid-proof".to_owned())),
            ("e=pencil is wrong\n", SaslError::Server("[secret] is wrong ".to_owned())),
            ("v=", SaslError::ServerSignature),
            ("v=6rri", SaslError::ServerSignature),
        ] {
            let mut scram = scram("pencil");
            scram.respond(FIRST.as_bytes()).unwrap();
            assert_eq!(scram.respond(last.as_bytes()), Err(expected), "{last}");
        }
        for last in ["", "v=*", "x=1", "r=a,v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="] {
            let mut scram = scram("pencil");
            scram.respond(FIRST.as_bytes()).unwrap();
            assert!(matches!(scram.respond(last.as_bytes()), Err(SaslError::Malformed { .. })), "{last}");
        }
    }

    #[test]
    fn hostile_first_messages_are_refused_before_any_work() {
        let with = |iterations: &str| FIRST.replace("4096", iterations);
        for few_or_many in ["0", "1", "4095", "1000001", "4294967296", "18446744073709551615"] {
            let refused = scram("pencil").respond(with(few_or_many).as_bytes());
            assert!(matches!(refused, Err(SaslError::Iterations { .. })), "{few_or_many}: {refused:?}");
        }
        for nonce in ["r=other", "r=", "r=rOprNGfwEbeRWgbNEkqO", "r=rOprNGfwEbeRWgbNEkq"] {
            let challenge = format!("{nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
            assert_eq!(scram("pencil").respond(challenge.as_bytes()), Err(SaslError::Nonce), "{nonce}");
        }
        let nonce = "r=rOprNGfwEbeRWgbNEkqOx";
        for challenge in [
            "",
            "v=6rri",
            "e=no",
            nonce,
            &format!("{nonce},i=4096"),
            &format!("{nonce},s=,i=4096"),
            &format!("{nonce},s=****,i=4096"),
            &format!("{nonce},s=W22ZaJ0SNY7soEsUEjb6gQ=="),
            &format!("{nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-4096"),
            &format!("{nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=99999999999999999999"),
            &format!("m=must,{nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
        ] {
            let refused = scram("pencil").respond(challenge.as_bytes());
            assert!(matches!(refused, Err(SaslError::Malformed { .. })), "{challenge}: {refused:?}");
        }
        assert!(scram("pencil").respond(&[0xff, 0xfe]).is_err());
        assert!(Scram::new(ScramHash::Sha256, "", &Secret::new("p"), false).is_err());
        assert!(Scram::new(ScramHash::Sha256, "u", &Secret::new(""), false).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_challenge_is_too_strange(challenges in proptest::collection::vec(".{0,60}", 1..4), tail in ".{0,30}") {
            let mut client = scram("pencil");
            for challenge in challenges {
                let _ = client.respond(challenge.as_bytes());
            }
            let mut client = scram("pencil");
            let refused = client.respond(format!("r={NONCE}{tail}").as_bytes());
            proptest::prop_assert!(refused.is_err());
        }
    }
}
