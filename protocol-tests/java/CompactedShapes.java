import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.config.ConfigResource;

/** Shapes that the log cleaner leaves behind. */
final class CompactedShapes {
    private static final String TOPIC = "compacted";
    /** A segment older than this is rolled by the next append; only what is rolled is cleaned. */
    private static final int SEGMENT_MS = 400;

    /**
     * Partition 0: holes, tombstones with a delete horizon, several codecs; 1: no record at the tail, but an aborted
     * transaction that is cleaned away; 2: batches left empty because they are their producer's last; 3: transactions
     * thinned out. Returns when the cleaner is done, and keeps it from doing more.
     */
    static void compacted(Kafka kafka) throws Exception {
        kafka.topic(TOPIC, 4, "cleanup.policy=compact", "segment.ms=" + SEGMENT_MS, "min.cleanable.dirty.ratio=0.01",
            "delete.retention.ms=86400000");
        fill(kafka);
        for (int partition : new int[] {0, 2, 3}) {
            Kafka.until("compaction of partition " + partition, 120, () -> isCompacted(kafka, partition));
        }
        Kafka.until("compaction of the aborted tail", 120, () -> kafka.readAllUncommitted(TOPIC).stream()
            .noneMatch(record -> record.partition() == 1 && text(record.value()).startsWith("aborted")));
        setDirtyRatio(kafka, "0.99");
    }

    private static void fill(Kafka kafka) throws Exception {
        int round = 0;
        for (String codec : RecordShapes.CODECS) {
            write(kafka, codec, 0, 100 / (round + 1), round * 13, 100, "round" + round);
            write(kafka, codec, 2, 40, 0, 40, "round" + round);
            transaction(kafka, round);
            round++;
            Thread.sleep(SEGMENT_MS * 3 / 2);
        }
        tombstones(kafka);
        write(kafka, "none", 1, 10, 0, 10, "kept");
        KafkaProducer<byte[], byte[]> aborted = TransactionShapes.begin(kafka, "aborted-tail");
        for (int at = 0; at < 10; at++) aborted.send(Kafka.record(TOPIC, 1, now(), "k" + at, "aborted" + at));
        aborted.flush();
        Thread.sleep(SEGMENT_MS * 3 / 2);
        // The marker rolls the segment with the aborted data, and is the last thing in the log.
        TransactionShapes.end(aborted, "abort");
        // These roll the others.
        for (int partition : new int[] {0, 2, 3}) write(kafka, "none", partition, 1, 0, 1, "roller");
    }

    /** {@code count} records, their keys from {@code first} on, modulo {@code keys}. */
    private static void write(Kafka kafka, String codec, int partition, int count, int first, int keys, String value)
            throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = kafka.producer("compression.type=" + codec)) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            for (int at = 0; at < count; at++) {
                String key = value.equals("roller") ? "roller" : "k" + (first + at * 3) % keys;
                sends.add(producer.send(Kafka.record(TOPIC, partition, now(), key, value + "-" + at)));
            }
            Kafka.await(sends);
        }
    }

    private static void transaction(Kafka kafka, int round) {
        KafkaProducer<byte[], byte[]> producer = TransactionShapes.begin(kafka, "compacted-" + round);
        for (int at = 0; at < 30; at++) {
            producer.send(Kafka.record(TOPIC, 3, now(), "k" + (at + round * 7) % 45, "transaction" + round));
        }
        TransactionShapes.end(producer, round == 2 ? "abort" : "commit");
    }

    private static void tombstones(Kafka kafka) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = kafka.producer()) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            for (int at = 0; at < 30; at += 3) {
                sends.add(producer.send(Kafka.record(TOPIC, 0, now(), "k" + at, null)));
                sends.add(producer.send(Kafka.record(TOPIC, 0, now(), "live" + at, "live")));
            }
            Kafka.await(sends);
        }
        Thread.sleep(SEGMENT_MS * 3 / 2);
    }

    /** Each key once. */
    private static boolean isCompacted(Kafka kafka, int partition) {
        Set<String> keys = new HashSet<>();
        for (ConsumerRecord<byte[], byte[]> record : kafka.readAll(TOPIC)) {
            if (record.partition() == partition && !keys.add(text(record.key()))) return false;
        }
        return true;
    }

    private static void setDirtyRatio(Kafka kafka, String ratio) throws Exception {
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, TOPIC);
        AlterConfigOp set = new AlterConfigOp(
            new ConfigEntry("min.cleanable.dirty.ratio", ratio), AlterConfigOp.OpType.SET);
        kafka.admin.incrementalAlterConfigs(java.util.Map.of(topic, List.of(set))).all().get();
    }

    /** The cleaner's clock: segments are rolled by the times of their records. */
    private static long now() {
        return System.currentTimeMillis();
    }

    private static String text(byte[] bytes) {
        return bytes == null ? "" : new String(bytes);
    }

    private CompactedShapes() {}
}
