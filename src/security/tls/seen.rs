//! What happened in one handshake: rustls tells too little of it afterwards.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, Error, SignatureScheme};

use super::TlsError;
use super::facts::Facts;

/// What one handshake has come to.
#[derive(Debug, Default)]
pub(super) struct Seen {
    broker_certificate: AtomicBool,
    asked: AtomicBool,
    refused: OnceLock<TlsError>,
    shown: OnceLock<String>,
}

impl Seen {
    /// The broker has shown its certificate: it does speak TLS.
    pub(super) fn broker_certificate(&self) {
        self.broker_certificate.store(true, Ordering::Relaxed);
    }

    /// Its certificate is not accepted.
    pub(super) fn refused(&self, why: TlsError) {
        let _ = self.refused.set(why);
    }

    /// Why the handshake failed.
    pub(super) fn explain(&self, error: io::Error) -> TlsError {
        if let Some(why) = self.refused.get() {
            return why.clone();
        }
        if let Some(inner) = inner(&error) {
            return self.explain_tls(inner);
        }
        match error.kind() {
            _ if self.asked() => self.closed_after_certificate(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
                if !self.speaks_tls() =>
            {
                TlsError::NotTls { said: ", it closed the connection" }
            }
            _ => TlsError::Io(Arc::new(error)),
        }
    }

    /// Why the connection ended right after the handshake, if TLS is the reason: in TLS 1.3 the broker judges this client's
    /// certificate only then.
    pub(super) fn explain_end(&self, error: Option<&io::Error>) -> Option<TlsError> {
        match error.and_then(inner) {
            Some(inner) => Some(self.explain_tls(inner)),
            None => self.asked().then(|| self.closed_after_certificate()),
        }
    }

    fn explain_tls(&self, error: &Error) -> TlsError {
        match error {
            Error::AlertReceived(alert) => self.explain_alert(*alert, error),
            Error::PeerIncompatible(why) => TlsError::NothingCommon(format!("{why:?}")),
            Error::InvalidMessage(_) | Error::PeerSentOversizedRecord if !self.speaks_tls() => {
                TlsError::NotTls { said: ", it answered with something else" }
            }
            other => TlsError::Handshake(Arc::new(other.clone())),
        }
    }

    fn explain_alert(&self, alert: AlertDescription, error: &Error) -> TlsError {
        use AlertDescription as A;
        let about_certificates = matches!(
            alert,
            A::NoCertificate
                | A::BadCertificate
                | A::UnsupportedCertificate
                | A::CertificateRevoked
                | A::CertificateExpired
                | A::CertificateUnknown
                | A::UnknownCA
                | A::AccessDenied
                | A::CertificateRequired
        );
        // Some servers say no more than that the handshake failed.
        if self.asked() && (about_certificates || alert == A::HandshakeFailure) {
            return match self.shown.get() {
                None => TlsError::CertificateWanted,
                Some(subject) => TlsError::CertificateRefused { subject: subject.clone(), why: format!("{alert:?}") },
            };
        }
        match alert {
            A::ProtocolVersion | A::HandshakeFailure | A::InsufficientSecurity => {
                TlsError::NothingCommon(format!("the broker says {alert:?}"))
            }
            _ => TlsError::Handshake(Arc::new(error.clone())),
        }
    }

    fn closed_after_certificate(&self) -> TlsError {
        TlsError::ClosedAfterCertificate(match self.shown.get() {
            Some(subject) => format!("the certificate of this client ({subject})"),
            None => "asked for a certificate of this client and got none".to_owned(),
        })
    }

    fn speaks_tls(&self) -> bool {
        self.broker_certificate.load(Ordering::Relaxed)
    }

    fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

fn inner(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// Answers a broker that asks for a certificate, and remembers that it did.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) identity: Option<Arc<CertifiedKey>>,
    pub(super) seen: Arc<Seen>,
}

impl ResolvesClientCert for Resolver {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.seen.asked.store(true, Ordering::Relaxed);
        let leaf = self.identity.as_ref().and_then(|identity| identity.cert.first());
        if let Some(leaf) = leaf {
            let _ = self.seen.shown.set(Facts::subject_of(leaf));
        }
        self.identity.clone()
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}
