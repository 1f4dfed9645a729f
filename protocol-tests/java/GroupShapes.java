import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;

/** Shapes of consumer groups. Those in topics of other shapes are made if these topics are there. */
final class GroupShapes {
    private static final String TOPIC = "groups";

    static void groups(Kafka kafka) throws Exception {
        fill(kafka);
        for (String protocol : List.of("classic", "consumer")) consume(kafka, protocol);
        for (int at = 0; at < 8; at++) commit(kafka, "spread-" + at, TOPIC, at % 3, at * 12, "");
        commit(kafka, "at-zero", TOPIC, 0, 0, "");
        commit(kafka, "some-partitions", TOPIC, 1, 99, "only one of three");
        commit(kafka, "at-end", TOPIC, 2, 100, "");
        commit(kafka, "past-the-end", TOPIC, 2, 150, "");
        commit(kafka, "группа-ünï-名前 mit Leerzeichen", TOPIC, 0, 42, "метаданные, \"quoted\"\tand more");
        inTopicsOfOtherShapes(kafka, kafka.admin.listTopics().names().get());
    }

    private static void fill(Kafka kafka) throws Exception {
        kafka.topic(TOPIC, 3);
        try (KafkaProducer<byte[], byte[]> producer = kafka.producer()) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            for (int at = 0; at < 300; at++) {
                sends.add(producer.send(Kafka.record(TOPIC, at % 3, Kafka.TIME + at, "k" + at, "v" + at)));
            }
            Kafka.await(sends);
        }
    }

    /** A real member of a group of this protocol commits a start, a middle and an end, and leaves. */
    private static void consume(Kafka kafka, String protocol) throws Exception {
        try (KafkaConsumer<byte[], byte[]> consumer =
                kafka.consumer("group.protocol=" + protocol, "group.id=protocol-" + protocol)) {
            consumer.subscribe(List.of(TOPIC));
            Kafka.until("assignment by protocol " + protocol, 60, () -> {
                consumer.poll(Duration.ofMillis(200));
                return consumer.assignment().size() == 3;
            });
            Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
            for (int partition = 0; partition < 3; partition++) {
                offsets.put(new TopicPartition(TOPIC, partition),
                    new OffsetAndMetadata(partition * 50L, Optional.of(0), "member of " + protocol));
            }
            consumer.commitSync(offsets);
        }
    }

    /** Group every-N stands at N in each partition that has markers, aborted records, holes or a moved start. */
    static void everyOffset(Kafka kafka) throws Exception {
        List<TopicPartition> partitions = new ArrayList<>();
        for (int partition = 0; partition < 4; partition++) {
            partitions.add(new TopicPartition("transactions", partition));
            partitions.add(new TopicPartition("compacted", partition));
        }
        for (int partition = 0; partition < 3; partition++) partitions.add(new TopicPartition("random", partition));
        partitions.add(new TopicPartition("trimmed", 2));
        partitions.add(new TopicPartition("trimmed", 3));
        Map<TopicPartition, Long> ends;
        try (KafkaConsumer<byte[], byte[]> consumer = kafka.consumer("isolation.level=read_uncommitted")) {
            ends = consumer.endOffsets(partitions);
        }
        long last = ends.values().stream().mapToLong(Long::longValue).max().orElseThrow();
        List<KafkaFuture<Void>> commits = new ArrayList<>();
        for (long offset = 0; offset <= last; offset++) {
            Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
            for (TopicPartition partition : partitions) {
                if (offset <= ends.get(partition)) offsets.put(partition, new OffsetAndMetadata(offset, "at " + offset));
            }
            commits.add(kafka.admin.alterConsumerGroupOffsets("every-" + offset, offsets).all());
        }
        for (KafkaFuture<Void> commit : commits) commit.get();
    }

    private static void inTopicsOfOtherShapes(Kafka kafka, Set<String> topics) throws Exception {
        if (topics.contains("transactions")) {
            // Partition 0: 30 committed, marker 30, 20 aborted from 31, marker 51, 10 committed from 52, marker 62.
            commit(kafka, "on-marker", "transactions", 0, 30, "");
            commit(kafka, "in-aborted", "transactions", 0, 40, "");
            commit(kafka, "on-last-marker", "transactions", 0, 62, "");
            commit(kafka, "in-only-aborted", "transactions", 2, 7, "");
            commit(kafka, "in-interleaved", "transactions", 1, 50, "");
            commit(kafka, "in-open", "transactions", 3, 3, "");
        }
        if (topics.contains("compacted")) {
            commit(kafka, "in-hole", "compacted", 0, hole(kafka, "compacted", 0), "");
            commit(kafka, "in-compacted-start", "compacted", 0, 0, "");
            commit(kafka, "in-compacted-tail", "compacted", 1, 15, "");
            commit(kafka, "in-empty-batch", "compacted", 2, 20, "");
        }
        if (topics.contains("codec-zstd")) {
            for (String codec : RecordShapes.CODECS) commit(kafka, "all-codecs", "codec-" + codec, 1, 777, codec);
        }
        if (topics.contains("partitions")) {
            for (int partition = 0; partition < 64; partition += 5) {
                commit(kafka, "many-partitions", "partitions", partition, partition % 4 == 3 ? 0 : partition, "");
            }
        }
    }

    /** The first offset inside the log that has no record. */
    private static long hole(Kafka kafka, String topic, int partition) {
        long next = -1;
        for (ConsumerRecord<byte[], byte[]> record : kafka.readAll(topic)) {
            if (record.partition() != partition) continue;
            if (next >= 0 && record.offset() > next) return next;
            next = record.offset() + 1;
        }
        throw new IllegalStateException("no hole in " + topic);
    }

    private static void commit(Kafka kafka, String group, String topic, int partition, long offset, String metadata)
            throws Exception {
        kafka.admin.alterConsumerGroupOffsets(
            group, Map.of(new TopicPartition(topic, partition), new OffsetAndMetadata(offset, metadata))).all().get();
    }

    private GroupShapes() {}
}
