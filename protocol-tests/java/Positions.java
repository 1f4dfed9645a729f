import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Prints for every committed offset of every group: group, topic, partition, offset, metadata, and what the group reads
 * next with read_committed: the record as {@link RecordPrinter} shows it, or END.
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

    private static String next(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, long offset) {
        List<TopicPartition> only = List.of(partition);
        consumer.assign(only);
        long begin = consumer.beginningOffsets(only).get(partition);
        // With read_committed this is the last stable offset.
        long end = consumer.endOffsets(only).get(partition);
        if (offset >= end) return "END";
        consumer.seek(partition, Math.max(begin, offset));
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        while (records.isEmpty() && consumer.position(partition) < end) {
            consumer.poll(Duration.ofMillis(100)).forEach(records::add);
        }
        return records.isEmpty() ? "END" : RecordPrinter.line(records.get(0));
    }

    private Positions() {}
}
