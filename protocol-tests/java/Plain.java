import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.AlterConfigsResult;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Fills a cluster with clients of any version from 0.11 on. Arguments: bootstrap servers, then steps with their
 * arguments after colons; those that {@link Load} has as well are the same there.
 */
public final class Plain {
    private static final long TIME = 1_700_000_000_000L;

    private final String bootstrap;

    public static void main(String[] args) throws Exception {
        Plain plain = new Plain(args[0]);
        for (int at = 1; at < args.length; at++) {
            plain.run(args[at].split(":", -1));
        }
        System.out.flush();
        // Not exit: an open transaction must stay open, and closing its producer would abort it.
        Runtime.getRuntime().halt(0);
    }

    private Plain(String bootstrap) {
        this.bootstrap = bootstrap;
    }

    private void run(String[] args) throws Exception {
        switch (args[0]) {
            case "topic": topic(args); break;
            case "bulk": bulk(args); break;
            case "fill": fill(args[1], Integer.parseInt(args[2]), Integer.parseInt(args[3]), Integer.parseInt(args[4]), args[5]); break;
            case "alter": alter(args); break;
            case "rich": rich(args[1]); break;
            case "put": put(args); break;
            case "transaction": transaction(args); break;
            case "commit": commit(args); break;
            case "settings": settings(args[1]); break;
            default: throw new IllegalArgumentException("unknown: " + args[0]);
        }
    }

    /** topic:NAME:PARTITIONS[:config=value]... */
    private void topic(String[] args) throws Exception {
        int partitions = Integer.parseInt(args[2]);
        Map<String, String> configs = new HashMap<>();
        for (int at = 3; at < args.length; at++) {
            int equals = args[at].indexOf('=');
            configs.put(args[at].substring(0, equals), args[at].substring(equals + 1));
        }
        try (AdminClient admin = AdminClient.create(settings())) {
            short replicas = (short) Math.min(3, admin.describeCluster().nodes().get().size());
            NewTopic topic = new NewTopic(args[1], partitions, replicas).configs(configs);
            admin.createTopics(Collections.singleton(topic)).all().get();
        }
        List<TopicPartition> all = new ArrayList<>();
        for (int at = 0; at < partitions; at++) all.add(new TopicPartition(args[1], at));
        // Answered when every leader serves.
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("nobody")) {
            consumer.endOffsets(all);
        }
    }

    /** bulk:TOPIC:PARTITIONS:RECORDS:SIZE:CODEC; records in all, spread over the partitions, of a topic that is made. */
    private void bulk(String[] args) throws Exception {
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        int size = Integer.parseInt(args[4]);
        topic(new String[] {"topic", topic, args[2]});
        fill(topic, partitions, Integer.parseInt(args[3]), size, args[5]);
    }

    /** alter:TOPIC:config=value; the topic has no other settings then. */
    private void alter(String[] args) throws Exception {
        int equals = args[2].indexOf('=');
        ConfigEntry entry = new ConfigEntry(args[2].substring(0, equals), args[2].substring(equals + 1));
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, args[1]);
        try (AdminClient admin = AdminClient.create(settings())) {
            Map<ConfigResource, Config> all = Collections.singletonMap(resource, new Config(Collections.singleton(entry)));
            // Clients of 4.0 and later have no such method.
            ((AlterConfigsResult) AdminClient.class.getMethod("alterConfigs", Map.class).invoke(admin, all)).all().get();
        }
        // The broker hears of it from ZooKeeper.
        Thread.sleep(2000);
    }

    /** fill:TOPIC:PARTITIONS:RECORDS:SIZE:CODEC; the same keys every time. */
    private void fill(String topic, int partitions, int records, int size, String codec) throws Exception {
        byte[] noise = new byte[size + 4096];
        new java.util.Random(topic.hashCode()).nextBytes(noise);
        for (int at = 0; at < noise.length; at++) noise[at] = (byte) ('a' + (noise[at] & 15));
        try (KafkaProducer<byte[], byte[]> producer = producer("compression.type", codec)) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            for (int at = 0; at < records; at++) {
                byte[] value = java.util.Arrays.copyOfRange(noise, at % 4096, at % 4096 + size);
                byte[] key = bytes(topic + "-" + at);
                sends.add(producer.send(new ProducerRecord<>(topic, at % partitions, TIME + at, key, value)));
            }
            for (Future<RecordMetadata> send : sends) send.get();
        }
    }

    /** rich:TOPIC; headers, also twice, empty and null ones, no key, no value, nothing at all, on partition 0. */
    private void rich(String topic) throws Exception {
        RecordHeaders several = new RecordHeaders();
        several.add("a", bytes("1")).add("a", bytes("2")).add("none", null).add("", new byte[0]);
        RecordHeaders none = new RecordHeaders();
        List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>();
        records.add(new ProducerRecord<>(topic, 0, TIME, bytes("k"), bytes("v"), several));
        records.add(new ProducerRecord<>(topic, 0, TIME + 5, null, bytes("without key"), none));
        records.add(new ProducerRecord<>(topic, 0, TIME - 5, bytes("without value"), null, several));
        records.add(new ProducerRecord<>(topic, 0, 0L, null, null, none));
        records.add(new ProducerRecord<>(topic, 0, TIME + 6, new byte[0], new byte[0], several));
        try (KafkaProducer<byte[], byte[]> producer = producer("compression.type", "gzip")) {
            for (ProducerRecord<byte[], byte[]> record : records) producer.send(record).get();
        }
    }

    /** put:TOPIC:KEY:VALUE, to partition 0; a value of a single minus is null. */
    private void put(String[] args) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer("linger.ms", "0")) {
            byte[] value = args[3].equals("-") ? null : bytes(args[3]);
            producer.send(new ProducerRecord<>(args[1], 0, bytes(args[2]), value)).get();
        }
    }

    /** transaction:TOPIC:RECORDS:commit|abort|open, on partition 0. */
    private void transaction(String[] args) throws Exception {
        KafkaProducer<byte[], byte[]> producer = producer("transactional.id", args[1] + "-" + System.nanoTime());
        producer.initTransactions();
        producer.beginTransaction();
        for (int at = 0; at < Integer.parseInt(args[2]); at++) {
            producer.send(new ProducerRecord<>(args[1], 0, TIME + at, bytes("k" + at), bytes(args[3] + at)));
        }
        producer.flush();
        if (args[3].equals("commit")) producer.commitTransaction();
        if (args[3].equals("abort")) producer.abortTransaction();
        if (!args[3].equals("open")) producer.close();
    }

    /** commit:GROUP:TOPIC:PARTITION:OFFSET[:METADATA] */
    private void commit(String[] args) throws Exception {
        OffsetAndMetadata offset = new OffsetAndMetadata(Long.parseLong(args[4]), args.length > 5 ? args[5] : "");
        TopicPartition partition = new TopicPartition(args[2], Integer.parseInt(args[3]));
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(args[1])) {
            consumer.assign(Collections.singleton(partition));
            consumer.commitSync(Collections.singletonMap(partition, offset));
        }
    }

    /** settings:TOPIC; prints what is set on the topic itself, a line each. */
    private void settings(String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Set<String> set = new TreeSet<>();
        try (AdminClient admin = AdminClient.create(settings())) {
            for (ConfigEntry entry : admin.describeConfigs(Collections.singleton(resource)).all().get().get(resource).entries()) {
                if (isSet(entry)) set.add(entry.name() + "=" + entry.value());
            }
        }
        set.forEach(System.out::println);
    }

    /** Since 1.1 brokers tell the source of each; by the older answer all that differs from the default is set. */
    private static boolean isSet(ConfigEntry entry) throws Exception {
        try {
            return ConfigEntry.class.getMethod("source").invoke(entry).toString().equals("DYNAMIC_TOPIC_CONFIG");
        } catch (NoSuchMethodException e) {
            return !entry.isDefault();
        }
    }

    private Properties settings() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        return properties;
    }

    private KafkaProducer<byte[], byte[]> producer(String name, String value) {
        Properties properties = settings();
        properties.put("acks", "all");
        properties.put("linger.ms", "50");
        properties.put("batch.size", "65536");
        properties.put(name, value);
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private KafkaConsumer<byte[], byte[]> consumer(String group) {
        Properties properties = settings();
        properties.put("group.id", group);
        properties.put("enable.auto.commit", "false");
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
