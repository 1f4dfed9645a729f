import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/** Shapes of partitions and topics. */
final class LogShapes {
    /** 64 partitions; every fourth is empty. */
    static void partitions(Kafka kafka) throws Exception {
        kafka.topic("partitions", 64);
        try (KafkaProducer<byte[], byte[]> producer = kafka.producer("compression.type=lz4")) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            for (int at = 0; at < 6_400; at++) {
                int partition = at % 64;
                if (partition % 4 == 3) continue;
                sends.add(producer.send(Kafka.record("partitions", partition, Kafka.TIME + at, "k" + at, "v" + at)));
            }
            Kafka.await(sends);
        }
    }

    /** Partition 0 empty, 1 emptied, 2 and 3 with a log start inside a batch, 4 trimmed to its last record. */
    static void trimmed(Kafka kafka) throws Exception {
        kafka.topic("trimmed", 5);
        for (int partition = 1; partition < 5; partition++) {
            String codec = partition == 3 ? "gzip" : "none";
            try (KafkaProducer<byte[], byte[]> producer = kafka.producer("compression.type=" + codec)) {
                List<Future<RecordMetadata>> sends = new ArrayList<>();
                for (int at = 0; at < 100; at++) {
                    sends.add(producer.send(Kafka.record("trimmed", partition, Kafka.TIME + at, "k" + at, "v" + at)));
                }
                Kafka.await(sends);
            }
        }
        // Committed before the log start moves past it.
        Commands.commit(kafka, "commit:below-log-start:trimmed:2:10".split(":"));
        kafka.admin.deleteRecords(Map.of(
            new TopicPartition("trimmed", 1), RecordsToDelete.beforeOffset(-1),
            new TopicPartition("trimmed", 2), RecordsToDelete.beforeOffset(37),
            new TopicPartition("trimmed", 3), RecordsToDelete.beforeOffset(63),
            new TopicPartition("trimmed", 4), RecordsToDelete.beforeOffset(99))).all().get();
    }

    /** Names with everything a name may have. */
    static void names(Kafka kafka) throws Exception {
        List<String> names = List.of("Name.With-all_Of.them", "name.with-all.of.Them", "UPPER", "upper", "0", "-", "...a",
            "_one-underscore", "n".repeat(249), "x.log", "connect-offsets", "a-0");
        for (String name : names) kafka.topic(name, 1);
        try (KafkaProducer<byte[], byte[]> producer = kafka.producer()) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            for (String name : names) sends.add(producer.send(Kafka.record(name, 0, Kafka.TIME, "name", name)));
            Kafka.await(sends);
        }
    }

    /** Topics whose configs are not the broker's. */
    static void configs(Kafka kafka) throws Exception {
        kafka.topic("configs-many", 2, "retention.ms=7200000000", "retention.bytes=123456789", "segment.bytes=2097152",
            "max.message.bytes=2000000", "min.insync.replicas=1", "compression.type=lz4", "flush.messages=10000",
            "message.timestamp.after.max.ms=9000000000", "delete.retention.ms=99999999", "file.delete.delay.ms=30000");
        kafka.topic("configs-both", 1, "cleanup.policy=compact,delete", "segment.ms=3600000", "retention.ms=-1");
        kafka.topic("configs-none", 3);
        long now = System.currentTimeMillis();
        try (KafkaProducer<byte[], byte[]> producer = kafka.producer()) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            for (String topic : List.of("configs-many", "configs-both", "configs-none")) {
                for (int at = 0; at < 20; at++) sends.add(producer.send(Kafka.record(topic, 0, now, "k" + at, "v" + at)));
            }
            Kafka.await(sends);
        }
    }

    /** What a schema registry keeps: one compacted partition with keys and values as JSON, and NOOPs. */
    static void schemas(Kafka kafka) throws Exception {
        kafka.topic("_schemas", 1, "cleanup.policy=compact");
        try (KafkaProducer<byte[], byte[]> producer = kafka.producer("batch.size=0", "linger.ms=0")) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            sends.add(producer.send(Kafka.record("_schemas", 0, Kafka.TIME, "{\"keytype\":\"NOOP\",\"magic\":0}", null)));
            for (int id = 1; id <= 20; id++) {
                String subject = "topic-" + id % 5 + "-value";
                String key = "{\"keytype\":\"SCHEMA\",\"subject\":\"" + subject + "\",\"version\":" + id + ",\"magic\":1}";
                String value = "{\"subject\":\"" + subject + "\",\"version\":" + id + ",\"id\":" + id
                    + ",\"schema\":\"{\\\"type\\\":\\\"string\\\"}\",\"deleted\":false}";
                sends.add(producer.send(Kafka.record("_schemas", 0, Kafka.TIME + id, key, value)));
            }
            Kafka.await(sends);
        }
    }

    private LogShapes() {}
}
