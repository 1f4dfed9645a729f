//! One authentication, from the client's side: what to say first, and what to say to each answer. No bytes move here.

use zeroize::Zeroizing;

use super::scram::Scram;
use super::{Mechanism, SaslError, bearer, plain};
use crate::model::Secret;

/// What comes next.
#[derive(PartialEq, Eq)]
pub enum Step {
    /// Send this, and hand in the answer.
    Send(Zeroizing<Vec<u8>>),
    /// The exchange is over, and the server has proved what it has to.
    Done,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::Done { "Done" } else { "Send([secret])" })
    }
}

/// An exchange under way.
pub struct Client(State);

enum State {
    /// Nothing but an empty answer may follow.
    Said(Option<Zeroizing<Vec<u8>>>),
    /// The token was shown; a refusal comes as text.
    Bearer(Option<Zeroizing<Vec<u8>>>),
    /// The refusal was confirmed; the broker has to end it.
    Refused,
    Scram(Box<Scram>),
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client([secret])")
    }
}

/// Messages of all mechanisms are far below this.
const LARGEST: usize = 64 << 10;

impl Client {
    /// Begins an exchange; `token` is asked for only with OAUTHBEARER.
    pub fn new(mechanism: &Mechanism, token: Option<&Secret>) -> Result<Self, SaslError> {
        Ok(Self(match mechanism {
            Mechanism::Plain { username, password } => State::Said(Some(plain::message(username, password)?)),
            Mechanism::Scram { hash, username, password, delegation_token } => {
                State::Scram(Box::new(Scram::new(*hash, username, password, *delegation_token)?))
            }
            Mechanism::OAuthBearer { extensions, .. } => {
                let none = Secret::new("");
                State::Bearer(Some(bearer::message(token.unwrap_or(&none), extensions)?))
            }
        }))
    }

    /// What the client says first.
    pub fn first(&mut self) -> Zeroizing<Vec<u8>> {
        match &mut self.0 {
            State::Said(message) | State::Bearer(message) => message.take().unwrap_or_default(),
            State::Scram(scram) => scram.first(),
            State::Refused => Zeroizing::default(),
        }
    }

    /// What the client says to an answer of the server that is no error.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Step, SaslError> {
        if challenge.len() > LARGEST {
            return Err(SaslError::Oversize { size: challenge.len(), most: LARGEST });
        }
        match &mut self.0 {
            State::Said(_) | State::Bearer(_) if challenge.is_empty() => Ok(Step::Done),
            State::Said(_) => Err(SaslError::Malformed { mechanism: "PLAIN", fault: "nothing was asked" }),
            State::Bearer(_) => {
                self.0 = State::Refused;
                Ok(Step::Send(Zeroizing::new(vec![bearer::END])))
            }
            State::Refused => Err(SaslError::Malformed { mechanism: "OAUTHBEARER", fault: "the refusal goes on" }),
            State::Scram(scram) => Ok(scram.respond(challenge)?.map_or(Step::Done, Step::Send)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::sasl::OAuthSource;

    fn plain() -> Client {
        let mechanism = Mechanism::Plain { username: "u".to_owned(), password: Secret::new("hunter2") };
        Client::new(&mechanism, None).unwrap()
    }

    fn bearer() -> Client {
        let source = OAuthSource::File("/token".into());
        let mechanism = Mechanism::OAuthBearer { source, extensions: Vec::new() };
        Client::new(&mechanism, Some(&Secret::new("hunter2"))).unwrap()
    }

    #[test]
    fn plain_and_bearer_end_with_an_empty_answer() {
        for (mut client, first) in
            [(plain(), &b"\0u\0hunter2"[..]), (bearer(), &b"n,,\x01auth=Bearer hunter2\x01\x01"[..])]
        {
            assert!(!format!("{client:?}").contains("hunter2"));
            assert_eq!(client.first().as_slice(), first);
            assert_eq!(client.respond(b""), Ok(Step::Done));
        }
        assert!(plain().respond(b"more").is_err());
    }

    #[test]
    fn a_refused_token_is_confirmed_once() {
        let mut client = bearer();
        let confirmed = Ok(Step::Send(Zeroizing::new(vec![1])));
        assert_eq!(client.respond(b"{\"status\":\"invalid_token\"}"), confirmed);
        assert!(client.respond(b"{\"status\":\"invalid_token\"}").is_err());
        let mut client = bearer();
        assert_eq!(client.respond(b"{}"), confirmed);
        assert!(client.respond(b"").is_err(), "a refusal cannot turn into a success");
    }

    #[test]
    fn no_mechanism_reads_a_large_message() {
        assert!(matches!(bearer().respond(&vec![b'a'; LARGEST + 1]), Err(SaslError::Oversize { .. })));
    }
}
