//! Old brokers start, are filled and are read, each by the clients of its own version.

use protocol_tests::ClusterSpec;
use protocol_tests::judge::Isolation;

/// Each of `KTAPE_MATRIX` (`all`, or versions apart by commas), else the oldest.
fn versions() -> Vec<String> {
    match std::env::var("KTAPE_MATRIX") {
        Ok(named) if named != "all" => named.split(',').map(str::to_owned).collect(),
        Ok(_) => ["0.11.0.3", "1.1.1", "2.1.1", "2.4.1", "2.8.2", "3.5.2", "3.9.1"].map(str::to_owned).to_vec(),
        Err(_) => vec!["0.11.0.3".to_owned()],
    }
}

#[test]
fn old_brokers_are_filled_and_read_by_clients_of_their_own() {
    for version in versions() {
        let cluster = ClusterSpec::new(1).version(&version).start().unwrap();
        let tools = cluster.tools();
        tools
            .plain_load(&[
                "bulk:many:2:10:100:gzip",
                "rich:many",
                "transaction:many:3:abort",
                "commit:shop:many:1:4:note",
            ])
            .unwrap();
        let shown = tools.read_by_own("many", Isolation::ReadCommitted).unwrap();
        assert_eq!(shown[&("many".to_owned(), 0)].len(), 10, "{version}");
        assert!(shown[&("many".to_owned(), 0)][5].content.contains("x61=x31;x61=x32;x6e6f6e65=null;x=x;"), "{version}");
        assert_eq!(shown[&("many".to_owned(), 1)].len(), 5, "{version}");
        let offsets = tools.offsets_by_own(&["shop"]).unwrap();
        assert_eq!(offsets[&("shop".to_owned(), "many".to_owned(), 1)], 4, "{version}");
        cluster.stop(1).unwrap();
        cluster.restart(1).unwrap();
        let again = tools.read_by_own("many", Isolation::ReadCommitted).unwrap();
        assert_eq!(again, shown, "{version}");
    }
}
