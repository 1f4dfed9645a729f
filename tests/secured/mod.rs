//! Against a real cluster with TLS, SASL and an authorizer.
//!
//! One cluster is shared by all tests of this binary. Topics and groups of a test begin with its own word. The user
//! `admin` may do everything; what another may do, [`rights`] says for as long as it is held.

mod check;
mod errors;
mod reauth;
mod rights;
mod sasl;
mod secrets;
mod settings;
mod tls;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use protocol_tests::SecuredCluster;
use protocol_tests::secured::{Listener, Login, USERS};

/// The cluster. Its broker has a listener of each kind ([`Listener`]); over PLAINTEXT everything is allowed.
pub(crate) fn cluster() -> &'static SecuredCluster {
    static CLUSTER: OnceLock<SecuredCluster> = OnceLock::new();
    CLUSTER.get_or_init(|| SecuredCluster::start().unwrap())
}

/// A `client.properties` for this listener and login, with `bootstrap.servers`.
pub(crate) fn client(listener: Listener, login: &Login) -> PathBuf {
    cluster().client_file(listener, login).unwrap()
}

/// The same with lines added; of two lines with one key the later one counts.
pub(crate) fn client_with(listener: Listener, login: &Login, lines: &str) -> PathBuf {
    let path = client(listener, login);
    let text = std::fs::read_to_string(&path).unwrap() + lines + "\n";
    std::fs::write(&path, text).unwrap();
    path
}

/// What a user may do while this is held. Tests of the same user wait for each other.
pub(crate) struct Rights {
    user: &'static str,
    _alone: MutexGuard<'static, ()>,
}

/// Gives a user exactly these rights, each `OPERATION,TYPE,PATTERN,NAME`, as `READ,TOPIC,PREFIXED,rights-`.
pub(crate) fn rights(user: &'static str, entries: &[&str]) -> Rights {
    static ALONE: [Mutex<()>; USERS.len()] = [const { Mutex::new(()) }; USERS.len()];
    let at = USERS.iter().position(|known| *known == user).unwrap();
    let rights = Rights { user, _alone: ALONE[at].lock().unwrap_or_else(PoisonError::into_inner) };
    rights.set(entries);
    rights
}

impl Rights {
    /// Gives others instead.
    pub(crate) fn set(&self, entries: &[&str]) {
        cluster().set_acls(self.user, entries).unwrap();
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        let _ = cluster().set_acls(self.user, &[]);
    }
}

#[test]
fn rights_are_what_the_broker_judges_by() {
    cluster().desk().step("topic:shown-a:1").unwrap();
    cluster().desk().step("topic:shown-b:1").unwrap();
    let seen = |file: PathBuf| cluster().desk().step(&format!("come-in:{}", file.display())).unwrap();
    let held = rights("nobody", &["DESCRIBE,TOPIC,LITERAL,shown-a"]);
    assert_eq!(seen(client(Listener::SaslSsl, &Login::Scram256("nobody"))), "shown-a");
    held.set(&["DESCRIBE,TOPIC,PREFIXED,shown-"]);
    assert_eq!(seen(client_with(Listener::SaslPlaintext, &Login::Plain("nobody"), "client.id=x")), "shown-a,shown-b");
}
