import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Prints for every committed offset of every group: group, topic, partition, offset, metadata, and what the group reads
 * next with read_committed: the record as {@link RecordLine} shows it, or END.
 */
public final class Positions {
    public static void main(String[] args) throws Exception {
        try (Kafka kafka = new Kafka(args[0]);
                KafkaConsumer<byte[], byte[]> consumer =
                    kafka.consumer("isolation.level=read_committed", "fetch.max.wait.ms=50")) {
            Collection<GroupListing> listed = kafka.admin.listGroups().all().get();
            Map<String, ListConsumerGroupOffsetsSpec> specs = new TreeMap<>();
            listed.forEach(group -> specs.put(group.groupId(), new ListConsumerGroupOffsetsSpec()));
            var answers = kafka.admin.listConsumerGroupOffsets(specs);
            for (String group : specs.keySet()) {
                Map<TopicPartition, OffsetAndMetadata> offsets =
                    answers.partitionsToOffsetAndMetadata(group).get();
                var partitions = new TreeSet<TopicPartition>(
                    (a, b) -> (a.topic() + a.partition()).compareTo(b.topic() + b.partition()));
                partitions.addAll(offsets.keySet());
                for (TopicPartition partition : partitions) {
                    OffsetAndMetadata offset = offsets.get(partition);
                    if (offset == null) continue;
                    print(group, partition, offset, next(consumer, partition, offset.offset()));
                }
            }
        }
    }

    private static void print(String group, TopicPartition partition, OffsetAndMetadata offset, String next) {
        String metadata = offset.metadata().replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n");
        System.out.println(String.join("\t", group, partition.topic(), Integer.toString(partition.partition()),
            Long.toString(offset.offset()), metadata, next));
    }

    /** What read_committed shows at or after an offset; each partition is read once. */
    private static String next(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long offset) {
        Partition read = READ.computeIfAbsent(partition, key -> Partition.read(consumer, key));
        if (offset >= read.end) return "END";
        Map.Entry<Long, String> record = read.records.ceilingEntry(offset);
        return record == null ? "END" : record.getValue();
    }

    private static final Map<TopicPartition, Partition> READ = new HashMap<>();

    /** Committed records by offset, and the last stable offset. */
    private record Partition(TreeMap<Long, String> records, long end) {
        static Partition read(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) {
            List<TopicPartition> only = List.of(partition);
            consumer.assign(only);
            consumer.seekToBeginning(only);
            long end = consumer.endOffsets(only).get(partition);
            TreeMap<Long, String> records = new TreeMap<>();
            while (consumer.position(partition) < end) {
                consumer.poll(Duration.ofMillis(100))
                    .forEach(record -> records.put(record.offset(), RecordLine.of(record)));
            }
            return new Partition(records, end);
        }
    }

    private Positions() {}
}
