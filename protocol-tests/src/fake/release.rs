//! Which versions of which API a release of Kafka offers (its `*Request.json`, before 2.4 the Java classes).

/// A release to pose as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 0.11.0: the first with record batches.
    V0_11,
    /// 1.1.
    V1_1,
    /// 2.1: zstd.
    V2_1,
    /// 2.4: settings are altered one by one.
    V2_4,
    /// 2.8: topic ids, `DescribeProducers`.
    V2_8,
    /// 3.3: Fetch by topic id, many groups in a request.
    V3_3,
    /// 3.7.
    V3_7,
    /// 3.9: the last with old versions.
    V3_9,
    /// 4.1: old versions are gone.
    V4_1,
    /// 4.2.
    V4_2,
}

/// Lowest and highest version; the latter is -1 where the API is not offered.
type Range = (i16, i16);

const NO: Range = (0, -1);

const fn to(most: i16) -> Range {
    (0, most)
}

const fn of(least: i16, most: i16) -> Range {
    (least, most)
}

/// Key, then one range for each release.
const TABLE: &[(i16, [Range; 10])] = &[
    //    0.11   1.1    2.1    2.4    2.8     3.3     3.7     3.9     4.1        4.2
    (0, [to(3), to(5), to(7), to(8), to(9), to(9), to(10), to(11), of(0, 13), of(0, 13)]), // Produce
    (1, [to(5), to(7), to(10), to(11), to(12), to(13), to(16), to(17), of(4, 18), of(4, 18)]), // Fetch
    (2, [to(2), to(2), to(4), to(5), to(6), to(7), to(8), to(9), of(1, 10), of(1, 11)]),   // ListOffsets
    (3, [to(4), to(5), to(7), to(9), to(11), to(12), to(12), to(12), to(13), to(13)]),     // Metadata
    (8, [to(3), to(3), to(6), to(8), to(8), to(8), to(9), to(9), of(2, 9), of(2, 10)]),    // OffsetCommit
    (9, [to(3), to(3), to(5), to(6), to(7), to(8), to(9), to(9), of(1, 9), of(1, 10)]),    // OffsetFetch
    (10, [to(1), to(1), to(2), to(3), to(3), to(4), to(4), to(6), to(6), to(6)]),          // FindCoordinator
    (15, [to(1), to(1), to(2), to(5), to(5), to(5), to(5), to(5), to(6), to(6)]),          // DescribeGroups
    (16, [to(1), to(1), to(2), to(3), to(4), to(4), to(4), to(5), to(5), to(5)]),          // ListGroups
    (18, [to(1), to(1), to(2), to(3), to(3), to(3), to(3), to(4), to(4), to(4)]),          // ApiVersions
    (19, [to(2), to(2), to(3), to(5), to(7), to(7), to(7), to(7), of(2, 7), of(2, 7)]),    // CreateTopics
    (20, [to(1), to(1), to(3), to(4), to(6), to(6), to(6), to(6), of(1, 6), of(1, 6)]),    // DeleteTopics
    (21, [to(0), to(0), to(1), to(1), to(2), to(2), to(2), to(2), to(2), to(2)]),          // DeleteRecords
    (22, [to(0), to(0), to(1), to(2), to(4), to(4), to(4), to(5), to(5), to(5)]),          // InitProducerId
    (23, [to(0), to(0), to(2), to(3), to(4), to(4), to(4), to(4), of(2, 4), of(2, 4)]),    // OffsetForLeaderEpoch
    (24, [to(0), to(0), to(1), to(1), to(3), to(3), to(4), to(5), to(5), to(5)]),          // AddPartitionsToTxn
    (26, [to(0), to(0), to(1), to(1), to(3), to(3), to(3), to(4), to(5), to(5)]),          // EndTxn
    (27, [to(0), to(0), to(0), to(0), to(1), to(1), to(1), to(1), of(1, 1), of(1, 2)]),    // WriteTxnMarkers
    (29, [to(0), to(0), to(1), to(1), to(2), to(3), to(3), to(3), of(1, 3), of(1, 3)]),    // DescribeAcls
    (30, [to(0), to(0), to(1), to(1), to(2), to(3), to(3), to(3), of(1, 3), of(1, 3)]),    // CreateAcls
    (32, [to(0), to(1), to(2), to(2), to(4), to(4), to(4), to(4), of(1, 4), of(1, 4)]),    // DescribeConfigs
    (33, [to(0), to(0), to(1), to(1), to(2), to(2), to(2), to(2), to(2), to(2)]),          // AlterConfigs
    (35, [NO, to(0), to(1), to(1), to(2), to(4), to(4), to(4), of(1, 4), of(1, 4)]),       // DescribeLogDirs
    (42, [NO, to(0), to(1), to(2), to(2), to(2), to(2), to(2), to(2), to(2)]),             // DeleteGroups
    (44, [NO, NO, NO, to(1), to(1), to(1), to(1), to(1), to(1), to(1)]),                   // IncrementalAlterConfigs
    (47, [NO, NO, NO, to(0), to(0), to(0), to(0), to(0), to(0), to(0)]),                   // OffsetDelete
    (48, [NO, NO, NO, NO, to(1), to(1), to(1), to(1), to(1), to(1)]),                      // DescribeClientQuotas
    (49, [NO, NO, NO, NO, to(1), to(1), to(1), to(1), to(1), to(1)]),                      // AlterClientQuotas
    (50, [NO, NO, NO, NO, to(0), to(0), to(0), to(0), to(0), to(0)]), // DescribeUserScramCredentials
    (60, [NO, NO, NO, NO, to(0), to(0), to(1), to(1), to(2), to(2)]), // DescribeCluster
    (61, [NO, NO, NO, NO, to(0), to(0), to(0), to(0), to(0), to(0)]), // DescribeProducers
    (65, [NO, NO, NO, NO, NO, to(0), to(0), to(0), to(0), to(0)]),    // DescribeTransactions
    (66, [NO, NO, NO, NO, NO, to(0), to(0), to(1), to(2), to(2)]),    // ListTransactions
    (69, [NO, NO, NO, NO, NO, NO, NO, to(0), to(1), to(1)]),          // ConsumerGroupDescribe
    (74, [NO, NO, NO, NO, NO, NO, to(0), to(0), to(1), to(1)]),       // ListConfigResources
];

impl Release {
    /// All of them, the oldest first.
    pub const ALL: [Self; 10] = [
        Self::V0_11,
        Self::V1_1,
        Self::V2_1,
        Self::V2_4,
        Self::V2_8,
        Self::V3_3,
        Self::V3_7,
        Self::V3_9,
        Self::V4_1,
        Self::V4_2,
    ];

    /// The versions it offers of an API.
    pub fn range(self, key: i16) -> Option<(i16, i16)> {
        let row = TABLE.iter().find(|(of, _)| *of == key)?;
        row.1.get(self as usize).copied().filter(|(_, most)| *most >= 0)
    }

    /// Every API it offers: key, lowest and highest version.
    pub fn offers(self) -> impl Iterator<Item = (i16, i16, i16)> {
        TABLE.iter().filter_map(move |(key, _)| {
            let (least, most) = self.range(*key)?;
            Some((*key, least, most))
        })
    }

    /// Whether topics have ids.
    pub fn topic_ids(self) -> bool {
        self >= Self::V2_8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_release_offers_never_shrinks_at_the_top() {
        for (key, _, _) in Release::V4_2.offers() {
            let tops: Vec<i16> =
                Release::ALL.iter().map(|release| release.range(key).map_or(-1, |range| range.1)).collect();
            assert!(tops.is_sorted(), "API {key}: {tops:?}");
        }
        assert_eq!(Release::V0_11.range(1), Some((0, 5)));
        assert_eq!(Release::V0_11.range(44), None);
        assert_eq!(Release::V4_1.range(1), Some((4, 18)));
    }
}
