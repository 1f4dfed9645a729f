import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** Shapes of transactions. */
final class TransactionShapes {
    /** A producer in a transaction. */
    static KafkaProducer<byte[], byte[]> begin(Kafka kafka, String id) {
        return begin(kafka, id, "compression.type=none");
    }

    private static KafkaProducer<byte[], byte[]> begin(Kafka kafka, String id, String codec) {
        KafkaProducer<byte[], byte[]> producer =
            kafka.producer("transactional.id=" + id, "transaction.timeout.ms=900000", "linger.ms=5", codec);
        producer.initTransactions();
        producer.beginTransaction();
        return producer;
    }

    /** Ends a transaction: commit, abort, or left open. An open one's producer is never closed. */
    static void end(KafkaProducer<byte[], byte[]> producer, String how) {
        producer.flush();
        switch (how) {
            case "commit" -> producer.commitTransaction();
            case "abort" -> producer.abortTransaction();
            case "open" -> { return; }
            default -> throw new IllegalArgumentException(how);
        }
        producer.close();
    }

    /** Partition 0: one after another; 1: interleaved; 2: only aborted; 3: one left open; 4: empty ones. */
    static void transactions(Kafka kafka) throws Exception {
        kafka.topic("transactions", 5);
        KafkaProducer<byte[], byte[]> one = begin(kafka, "one");
        send(one, 0, 30, "committed");
        one.commitTransaction();
        one.beginTransaction();
        send(one, 0, 20, "aborted");
        send(one, 2, 20, "aborted");
        one.flush();
        one.abortTransaction();
        one.beginTransaction();
        send(one, 0, 10, "committed-after");
        one.commitTransaction();
        interleaved(kafka, one);
        empty(kafka, one);
        open(kafka);
    }

    private static void interleaved(Kafka kafka, KafkaProducer<byte[], byte[]> one) throws Exception {
        KafkaProducer<byte[], byte[]> two = begin(kafka, "two");
        KafkaProducer<byte[], byte[]> three = begin(kafka, "three");
        try (KafkaProducer<byte[], byte[]> plain = kafka.producer("linger.ms=0")) {
            one.beginTransaction();
            for (int at = 0; at < 10; at++) {
                send(one, 1, 3, "one-" + at);
                one.flush();
                send(two, 1, 2, "two-" + at);
                two.flush();
                plain.send(Kafka.record("transactions", 1, Kafka.TIME, "plain", "plain-" + at)).get();
                send(three, 1, 4, "three-" + at);
                three.flush();
            }
            two.abortTransaction();
            plain.send(Kafka.record("transactions", 1, Kafka.TIME, "plain", "between the ends")).get();
            one.commitTransaction();
            plain.send(Kafka.record("transactions", 1, Kafka.TIME, "plain", "before the last end")).get();
            three.commitTransaction();
            // The same producer id aborts and commits in turn.
            two.beginTransaction();
            send(two, 1, 5, "two-committed");
            two.commitTransaction();
        }
        two.close();
        three.close();
    }

    /** Transactions without records: nothing at all, and only offsets of a group. */
    private static void empty(Kafka kafka, KafkaProducer<byte[], byte[]> one) throws Exception {
        ConsumerGroupMetadata group;
        try (var consumer = kafka.consumer("group.id=transactional")) {
            group = consumer.groupMetadata();
        }
        one.beginTransaction();
        one.commitTransaction();
        one.beginTransaction();
        one.sendOffsetsToTransaction(
            Map.of(new TopicPartition("transactions", 0), new OffsetAndMetadata(25, "by a transaction")),
            group);
        one.commitTransaction();
        one.beginTransaction();
        send(one, 4, 1, "only");
        one.sendOffsetsToTransaction(
            Map.of(new TopicPartition("transactions", 1), new OffsetAndMetadata(5, "aborted, so not committed")),
            group);
        one.flush();
        one.abortTransaction();
        one.close();
    }

    private static void open(Kafka kafka) throws Exception {
        try (KafkaProducer<byte[], byte[]> plain = kafka.producer("linger.ms=0")) {
            plain.send(Kafka.record("transactions", 3, Kafka.TIME, "plain", "before the open one")).get();
            KafkaProducer<byte[], byte[]> open = begin(kafka, "left-open");
            send(open, 3, 5, "open");
            end(open, "open");
            plain.send(Kafka.record("transactions", 3, Kafka.TIME, "plain", "beyond the last stable offset")).get();
        }
    }

    /** Transactions whose marker lies segments after their data. */
    static void lateMarkers(Kafka kafka) throws Exception {
        kafka.topic("latemarkers", 1, "segment.bytes=1048576");
        KafkaProducer<byte[], byte[]> commits = begin(kafka, "late-commit");
        KafkaProducer<byte[], byte[]> aborts = begin(kafka, "late-abort");
        try (KafkaProducer<byte[], byte[]> plain = kafka.producer()) {
            for (int at = 0; at < 4_000; at++) {
                byte[] value = Kafka.noise(1_000, at);
                plain.send(new org.apache.kafka.clients.producer.ProducerRecord<>("latemarkers", 0, Kafka.TIME, null, value));
                if (at % 1_000 == 10) {
                    plain.flush();
                    sendTo("latemarkers", commits, 0, 7, "late-committed");
                    sendTo("latemarkers", aborts, 0, 9, "late-aborted");
                    commits.flush();
                    aborts.flush();
                }
                if (at == 3_500) end(commits, "commit");
            }
            plain.flush();
            end(aborts, "abort");
            plain.send(Kafka.record("latemarkers", 0, Kafka.TIME, "plain", "last")).get();
        }
    }

    /** Four transactional producers and a plain one in an order of chance, the same for the same seed. */
    static void random(Kafka kafka, long seed) throws Exception {
        Random random = new Random(seed);
        kafka.topic("random", 3);
        List<KafkaProducer<byte[], byte[]>> producers = new ArrayList<>();
        for (int at = 0; at < 4; at++) {
            String codec = RecordShapes.CODECS.get(random.nextInt(5));
            producers.add(begin(kafka, "random-" + at, "compression.type=" + codec));
        }
        try (KafkaProducer<byte[], byte[]> plain = kafka.producer("linger.ms=0")) {
            for (int step = 0; step < 300; step++) {
                int which = random.nextInt(5);
                KafkaProducer<byte[], byte[]> producer = which == 4 ? plain : producers.get(which);
                sendTo("random", producer, random.nextInt(3), 1 + random.nextInt(3), "step-" + step);
                if (random.nextInt(3) > 0) producer.flush();
                if (which == 4 || random.nextInt(4) > 0) continue;
                endAndBeginAgain(producer, random.nextBoolean());
            }
        }
        for (KafkaProducer<byte[], byte[]> producer : producers) end(producer, random.nextBoolean() ? "commit" : "abort");
    }

    private static void endAndBeginAgain(KafkaProducer<byte[], byte[]> producer, boolean commit) {
        if (commit) producer.commitTransaction();
        else producer.abortTransaction();
        producer.beginTransaction();
    }

    private static void send(KafkaProducer<byte[], byte[]> producer, int partition, int count, String value) {
        sendTo("transactions", producer, partition, count, value);
    }

    private static void sendTo(
            String topic, KafkaProducer<byte[], byte[]> producer, int partition, int count, String value) {
        for (int at = 0; at < count; at++) {
            producer.send(Kafka.record(topic, partition, Kafka.TIME + at, "k" + at, value + "-" + at));
        }
    }

    private TransactionShapes() {}
}
