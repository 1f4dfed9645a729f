import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

/** Single steps for tests that need a little more or something in between. Arguments are what lies between colons. */
final class Commands {
    /** topic:NAME:PARTITIONS[:config=value]... */
    static void topic(Kafka kafka, String[] args) throws Exception {
        String[] configs = List.of(args).subList(3, args.length).toArray(String[]::new);
        kafka.topic(args[1], Integer.parseInt(args[2]), configs);
    }

    /** bulk:TOPIC:PARTITIONS:RECORDS:SIZE:CODEC; records in all, spread over the partitions. */
    static void bulk(Kafka kafka, String[] args) throws Exception {
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        int records = Integer.parseInt(args[3]);
        int size = Integer.parseInt(args[4]);
        kafka.topic(topic, partitions);
        byte[] noise = Kafka.noise(size + 4096, topic.hashCode());
        try (KafkaProducer<byte[], byte[]> producer =
                kafka.producer(
                    "compression.type=" + args[5], "batch.size=262144", "linger.ms=20", "max.request.size=12582912")) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            for (int at = 0; at < records; at++) {
                byte[] value = java.util.Arrays.copyOfRange(noise, at % 4096, at % 4096 + size);
                byte[] key = Kafka.bytes(topic + "-" + at);
                sends.add(producer.send(new ProducerRecord<>(topic, at % partitions, Kafka.TIME + at, key, value)));
            }
            Kafka.await(sends);
        }
    }

    /** put:TOPIC:KEY:VALUE, to partition 0; a value of a single minus is null. */
    static void put(Kafka kafka, String[] args) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = kafka.producer("linger.ms=0")) {
            String value = args[3].equals("-") ? null : args[3];
            producer.send(new ProducerRecord<>(args[1], 0, Kafka.bytes(args[2]), Kafka.bytes(value))).get();
        }
    }

    /** await-absent:TOPIC:KEY; until no record with this key is left, which is the cleaner's work. */
    static void awaitAbsent(Kafka kafka, String[] args) throws Exception {
        Kafka.until(args[2] + " cleaned from " + args[1], 90, () -> kafka.readAll(args[1]).stream()
            .noneMatch(record -> record.key() != null && new String(record.key()).equals(args[2])));
    }

    /** await-committed:GROUP:TOPIC:SUM; until the offsets of a group in a topic add up to this, or with >SUM to more. */
    static void awaitCommitted(Kafka kafka, String[] args) throws Exception {
        boolean more = args[3].startsWith(">");
        long sum = Long.parseLong(more ? args[3].substring(1) : args[3]);
        Kafka.until(args[1] + " at " + args[3] + " in " + args[2], 90, () -> {
            var offsets = kafka.admin.listConsumerGroupOffsets(args[1]).partitionsToOffsetAndMetadata().get();
            long found = offsets.entrySet().stream()
                .filter(entry -> entry.getKey().topic().equals(args[2]))
                .mapToLong(entry -> entry.getValue().offset()).sum();
            return more ? found > sum : found == sum;
        });
    }

    /** commit:GROUP:TOPIC:PARTITION:OFFSET[:METADATA] */
    static void commit(Kafka kafka, String[] args) throws Exception {
        OffsetAndMetadata offset = new OffsetAndMetadata(Long.parseLong(args[4]), args.length > 5 ? args[5] : "");
        TopicPartition partition = new TopicPartition(args[2], Integer.parseInt(args[3]));
        kafka.admin.alterConsumerGroupOffsets(args[1], Map.of(partition, offset)).all().get();
    }

    /** trim:TOPIC:PARTITION:OFFSET; -1 is the end. */
    static void trim(Kafka kafka, String[] args) throws Exception {
        TopicPartition partition = new TopicPartition(args[1], Integer.parseInt(args[2]));
        RecordsToDelete to = RecordsToDelete.beforeOffset(Long.parseLong(args[3]));
        kafka.admin.deleteRecords(Map.of(partition, to)).all().get();
    }

    /** times:TOPIC:PARTITION:T[,T]...; records with these times after the fixed one, in one batch. */
    static void times(Kafka kafka, String[] args) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = kafka.producer("linger.ms=500")) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            for (String time : args[3].split(",")) sends.add(producer.send(at(args[1], args[2], time)));
            producer.flush();
            Kafka.await(sends);
        }
    }

    private static final Map<String, KafkaProducer<byte[], byte[]>> TRANSACTIONS = new java.util.HashMap<>();

    /** begin:NAME:TOPIC:PARTITION:T[,T]...; a transaction with such records, which stays open until its end. */
    static void begin(Kafka kafka, String[] args) throws Exception {
        KafkaProducer<byte[], byte[]> producer = TransactionShapes.begin(kafka, args[1] + "-" + System.nanoTime());
        for (String time : args[4].split(",")) producer.send(at(args[2], args[3], time));
        producer.flush();
        TRANSACTIONS.put(args[1], producer);
    }

    /** end:NAME:commit|abort */
    static void end(Kafka kafka, String[] args) throws Exception {
        TransactionShapes.end(TRANSACTIONS.remove(args[1]), args[2]);
    }

    private static ProducerRecord<byte[], byte[]> at(String topic, String partition, String time) {
        return Kafka.record(topic, Integer.parseInt(partition), Kafka.TIME + Long.parseLong(time), "k" + time, "at " + time);
    }

    /** transaction:TOPIC:RECORDS:commit|abort|open, on partition 0. */
    static void transaction(Kafka kafka, String[] args) throws Exception {
        KafkaProducer<byte[], byte[]> producer = TransactionShapes.begin(kafka, args[1] + "-" + System.nanoTime());
        for (int at = 0; at < Integer.parseInt(args[2]); at++) {
            producer.send(Kafka.record(args[1], 0, Kafka.TIME + at, "k" + at, args[3] + at));
        }
        TransactionShapes.end(producer, args[3]);
    }

    private Commands() {}
}
