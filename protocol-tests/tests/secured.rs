//! The secured cluster lets Kafka's own client in by every way, and keeps strangers out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use protocol_tests::SecuredCluster;
use protocol_tests::secured::{Listener, Login};

#[test]
fn kafkas_own_client_comes_in_by_every_way() {
    let cluster = SecuredCluster::start().unwrap();
    cluster.desk().step("topic:orders:1").unwrap();
    let rights = ["DESCRIBE,TOPIC,LITERAL,orders"];
    cluster.set_acls("backup", &rights).unwrap();
    let (id, hmac) = cluster.delegation_token("backup").unwrap();
    let logins = [
        (Listener::Ssl, Login::Certificate("backup")),
        (Listener::SaslSsl, Login::Plain("backup")),
        (Listener::SaslPlaintext, Login::Scram256("backup")),
        (Listener::Reauth, Login::Scram512("backup")),
        (Listener::SaslSsl, Login::OAuth("backup")),
        (Listener::SaslPlaintext, Login::OAuth("backup")),
        (Listener::SaslSsl, Login::Token(id, hmac)),
    ];
    for (listener, login) in logins {
        assert_eq!(topics(&cluster, listener, &login), "orders", "{listener:?} {login:?}");
    }
    assert_eq!(topics(&cluster, Listener::SaslPlaintext, &Login::Plain("nobody")), "");
}

/// What the client sees.
fn topics(cluster: &SecuredCluster, listener: Listener, login: &Login) -> String {
    let file = cluster.client_file(listener, login).unwrap();
    cluster.desk().step(&format!("come-in:{}", file.display())).unwrap()
}
