import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** A cluster, and the few things all helpers do with it. */
final class Kafka implements AutoCloseable {
    /** A fixed time, so that what is loaded does not depend on when. */
    static final long TIME = 1_700_000_000_000L;

    final String bootstrap;
    final Admin admin;
    final short replicas;
    /** What a step has to say to who asked for it. */
    String answer = "";

    Kafka(String bootstrap) throws Exception {
        this.bootstrap = bootstrap;
        admin = Admin.create(properties());
        replicas = (short) Math.min(3, admin.describeCluster().nodes().get().size());
    }

    Properties properties() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        return properties;
    }

    /**
     * Creates a topic; configs as {@code name=value}. A topic that is there is left as it is. Returns when every leader
     * serves: a batch refused by one that does not yet, while the next is taken, would stall an idempotent producer.
     */
    void topic(String name, int partitions, String... configs) throws Exception {
        NewTopic topic = new NewTopic(name, partitions, replicas).configs(pairs(configs));
        try {
            admin.createTopics(List.of(topic)).all().get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) throw e;
        }
        Map<TopicPartition, OffsetSpec> all = new HashMap<>();
        for (int partition = 0; partition < partitions; partition++) {
            all.put(new TopicPartition(name, partition), OffsetSpec.latest());
        }
        until("leaders of " + name, 60, () -> {
            try {
                admin.listOffsets(all).all().get();
                return true;
            } catch (ExecutionException e) {
                return false;
            }
        });
    }

    /** A producer that gathers batches and adds no randomness; settings as {@code name=value}. */
    KafkaProducer<byte[], byte[]> producer(String... settings) {
        Properties properties = properties();
        properties.put("acks", "all");
        properties.put("linger.ms", "50");
        properties.put("batch.size", "65536");
        properties.putAll(pairs(settings));
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    /** A consumer; settings as {@code name=value}. */
    KafkaConsumer<byte[], byte[]> consumer(String... settings) {
        Properties properties = properties();
        properties.put("enable.auto.commit", "false");
        properties.put("auto.offset.reset", "earliest");
        properties.putAll(pairs(settings));
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    /** Every record of a topic that read_committed shows, to the end as of now. */
    List<ConsumerRecord<byte[], byte[]>> readAll(String topic) {
        return readAll(topic, "isolation.level=read_committed");
    }

    /** Every record of a topic, aborted ones included. */
    List<ConsumerRecord<byte[], byte[]>> readAllUncommitted(String topic) {
        return readAll(topic, "isolation.level=read_uncommitted");
    }

    private List<ConsumerRecord<byte[], byte[]>> readAll(String topic, String isolation) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(isolation)) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(topic).forEach(info -> partitions.add(new TopicPartition(topic, info.partition())));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
                consumer.poll(java.time.Duration.ofMillis(200)).forEach(records::add);
            }
        }
        return records;
    }

    @Override
    public void close() {
        admin.close();
    }

    static Map<String, String> pairs(String... pairs) {
        Map<String, String> map = new HashMap<>();
        for (String pair : pairs) {
            int at = pair.indexOf('=');
            map.put(pair.substring(0, at), pair.substring(at + 1));
        }
        return map;
    }

    static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static ProducerRecord<byte[], byte[]> record(String topic, int partition, long time, String key, String value) {
        return new ProducerRecord<>(topic, partition, time, bytes(key), bytes(value));
    }

    /** Waits for all sends and fails if one did. */
    static void await(List<Future<RecordMetadata>> sends) throws Exception {
        for (Future<RecordMetadata> send : sends) send.get();
    }

    /** {@code size} bytes that no codec folds to nothing and that depend on {@code seed} only. */
    static byte[] noise(int size, long seed) {
        byte[] bytes = new byte[size];
        new java.util.Random(seed).nextBytes(bytes);
        for (int at = 0; at < size; at++) bytes[at] = (byte) ('a' + (bytes[at] & 15));
        return bytes;
    }

    /** Repeats a question until it is answered with yes. */
    static void until(String what, int seconds, java.util.concurrent.Callable<Boolean> question) throws Exception {
        long deadline = System.nanoTime() + seconds * 1_000_000_000L;
        while (!question.call()) {
            if (System.nanoTime() > deadline) throw new IllegalStateException("not within " + seconds + " s: " + what);
            Thread.sleep(50);
        }
    }
}
