//! The harness itself: clusters start, answer, lose and regain nodes.

use protocol_tests::{ClusterSpec, tools};

#[test]
fn a_cluster_of_three_survives_a_killed_node() {
    let cluster = ClusterSpec::new(3).start().unwrap();
    let topic = ["--create", "--topic", "kept", "--partitions", "3", "--replication-factor", "3"];
    cluster.tools().admin(tools::TOPICS, &topic).unwrap();
    cluster.kill(2).unwrap();
    cluster.restart(2).unwrap();
    cluster.stop(3).unwrap();
    cluster.restart(3).unwrap();
    assert!(cluster.replica_folder(2, "kept", 0).is_dir());
    let listed = cluster.tools().admin(tools::TOPICS, &["--list"]).unwrap();
    assert_eq!(listed.stdout.trim(), "kept");
}
