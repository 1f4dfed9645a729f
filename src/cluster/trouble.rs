//! What of a client's settings a failure to connect points at.

use super::ClusterError;
use crate::net::{AuthenticationError, ConnectionError, Poison};
use crate::security::tls::TlsError;

/// What of a client's settings a failure to connect points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The listener speaks another protocol.
    Protocol,
    /// The listener wants to know who this client is.
    Login,
    /// The mechanism is not among the listener's.
    Mechanism,
    /// User or password.
    Password,
    /// The bearer token, or where it comes from.
    Token,
    /// Whom this client trusts.
    Trust,
    /// The broker's certificate is not valid now.
    Validity,
    /// The host that was dialled is not in the broker's certificate.
    HostName,
    /// The certificate of this client.
    Identity,
    /// A file with certificates or keys.
    Store,
    /// Versions of TLS.
    Versions,
}

impl ClusterError {
    /// What of the client's settings it points at, if it is about those.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Bootstrap { tried } => tried.iter().find_map(|(_, error)| of_connection(error)),
            Self::Advertised { source, .. } | Self::Override { source, .. } | Self::Connection { source, .. } => {
                of_connection(source)
            }
            Self::OutcomeUnknown(source) => source.trouble(),
            _ => None,
        }
    }
}

fn of_connection(error: &ConnectionError) -> Option<Trouble> {
    match error {
        ConnectionError::SpeaksTls { .. } => Some(Trouble::Protocol),
        ConnectionError::WantsSasl { .. } => Some(Trouble::Login),
        ConnectionError::Tls { source, .. } => of_tls(source),
        ConnectionError::Authentication { source, .. } => Some(of_login(source)),
        ConnectionError::Lost { reason: Poison::SignIn(source), .. } => of_connection(source),
        _ => None,
    }
}

fn of_tls(error: &TlsError) -> Option<Trouble> {
    Some(match error {
        TlsError::Store { .. } => Trouble::Store,
        TlsError::NoSystemTrust(_) | TlsError::UnknownIssuer { .. } | TlsError::Certificate { .. } => Trouble::Trust,
        TlsError::HostName(_) | TlsError::WrongName { .. } => Trouble::HostName,
        TlsError::Expired { .. } | TlsError::NotYetValid { .. } => Trouble::Validity,
        TlsError::NotTls { .. } | TlsError::TimedOut(_) => Trouble::Protocol,
        TlsError::CertificateWanted | TlsError::CertificateRefused { .. } | TlsError::ClosedAfterCertificate(_) => {
            Trouble::Identity
        }
        TlsError::NothingCommon(_) => Trouble::Versions,
        _ => return None,
    })
}

fn of_login(error: &AuthenticationError) -> Trouble {
    match error {
        AuthenticationError::NotOffered { .. } => Trouble::Mechanism,
        AuthenticationError::NotSasl => Trouble::Protocol,
        AuthenticationError::Token(_) => Trouble::Token,
        AuthenticationError::Refused { mechanism, .. } | AuthenticationError::Exchange { mechanism, .. } => {
            if *mechanism == "OAUTHBEARER" {
                Trouble::Token
            } else {
                Trouble::Password
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_that_points_at_a_setting_counts() {
        let address = || "a.example:9092".to_owned();
        let tls = ConnectionError::Tls { address: address(), source: Box::new(TlsError::CertificateWanted) };
        let silent = ConnectionError::TimedOut {
            address: address(),
            api: "Metadata",
            after: std::time::Duration::ZERO,
            sent: true,
        };
        let tried = vec![(address(), silent), (address(), tls)];
        assert_eq!(ClusterError::Bootstrap { tried }.trouble(), Some(Trouble::Identity));
        assert_eq!(ClusterError::UnknownNode(1).trouble(), None);
    }

    #[test]
    fn a_refusal_is_about_the_password_or_the_token() {
        let refused = |mechanism| ClusterError::Connection {
            node: 1,
            source: ConnectionError::Authentication {
                address: "a.example:9092".to_owned(),
                source: Box::new(AuthenticationError::Refused {
                    mechanism,
                    user: None,
                    code: crate::wire::ErrorCode::NONE,
                    words: None,
                }),
            },
        };
        assert_eq!(refused("PLAIN").trouble(), Some(Trouble::Password));
        assert_eq!(refused("OAUTHBEARER").trouble(), Some(Trouble::Token));
    }
}
