import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

/** Shapes of records and batches. */
final class RecordShapes {
    static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");

    /** One topic a codec, three partitions, several segments each; keys null, empty and set. */
    static void codecs(Kafka kafka) throws Exception {
        for (String codec : CODECS) {
            String topic = "codec-" + codec;
            kafka.topic(topic, 3, "segment.bytes=1048576");
            try (KafkaProducer<byte[], byte[]> producer = kafka.producer("compression.type=" + codec)) {
                List<Future<RecordMetadata>> sends = new ArrayList<>();
                for (int at = 0; at < 6_000; at++) {
                    String key = at % 7 == 0 ? null : at % 7 == 1 ? "" : "key-" + at % 100;
                    byte[] value = Kafka.noise(200 + at % 300, at);
                    var record = new ProducerRecord<>(topic, at % 3, Kafka.TIME + at, Kafka.bytes(key), value);
                    record.headers().add("n", Kafka.bytes(Integer.toString(at)));
                    sends.add(producer.send(record));
                }
                Kafka.await(sends);
            }
        }
    }

    /** Null, empty and large keys, values and header values; headers doubled, unnamed, in other scripts, in order. */
    static void records(Kafka kafka) throws Exception {
        for (String codec : CODECS) {
            String topic = "records-" + codec;
            kafka.topic(topic, 1);
            try (KafkaProducer<byte[], byte[]> producer = kafka.producer("compression.type=" + codec)) {
                List<Future<RecordMetadata>> sends = new ArrayList<>();
                byte[] large = Kafka.noise(100_000, 7);
                byte[][] contents = {null, {}, Kafka.bytes("x"), {0, -1, (byte) 0xc3, 0x28}, large};
                for (byte[] key : contents) {
                    for (byte[] value : contents) {
                        sends.add(producer.send(new ProducerRecord<>(topic, 0, Kafka.TIME, key, value)));
                    }
                }
                var record = new ProducerRecord<>(topic, 0, Kafka.TIME, Kafka.bytes("headers"), Kafka.bytes("all"));
                record.headers().add("b", Kafka.bytes("1")).add("a", Kafka.bytes("2")).add("b", Kafka.bytes("3"))
                    .add("a", null).add("", Kafka.bytes("unnamed")).add("", new byte[0]).add("ключ", Kafka.bytes("значение"))
                    .add("名前", null).add("large", large).add("b", Kafka.bytes("1"));
                sends.add(producer.send(record));
                var many = new ProducerRecord<byte[], byte[]>(topic, 0, Kafka.TIME, null, null);
                for (int at = 0; at < 500; at++) many.headers().add("h" + at % 10, Kafka.bytes("" + at));
                sends.add(producer.send(many));
                Kafka.await(sends);
            }
        }
    }

    /** 0, 1970, far future, and a span of more than 24.8 days in one batch; retention is off, or all would expire. */
    static void timestamps(Kafka kafka) throws Exception {
        long[] times = {0, 1, 86_400_000L, Kafka.TIME, Kafka.TIME - 1, 4_102_444_800_000L, Long.MAX_VALUE - 1,
            Integer.MAX_VALUE, Integer.MAX_VALUE + 1L, 0, Kafka.TIME + 30L * 86_400_000L, 5};
        kafka.topic("timestamps", 2, "message.timestamp.after.max.ms=" + Long.MAX_VALUE,
            "message.timestamp.before.max.ms=" + Long.MAX_VALUE, "retention.ms=-1");
        for (String codec : List.of("none", "zstd")) {
            try (KafkaProducer<byte[], byte[]> producer = kafka.producer("compression.type=" + codec)) {
                List<Future<RecordMetadata>> sends = new ArrayList<>();
                for (int at = 0; at < times.length * 2; at++) {
                    long time = times[at % times.length];
                    sends.add(producer.send(Kafka.record("timestamps", at / times.length, time, codec, "t" + time)));
                }
                Kafka.await(sends);
            }
        }
    }

    /** A topic whose broker sets the times. */
    static void logAppend(Kafka kafka) throws Exception {
        kafka.topic("logappend", 2, "message.timestamp.type=LogAppendTime");
        for (String codec : List.of("none", "gzip", "zstd")) {
            try (KafkaProducer<byte[], byte[]> producer = kafka.producer("compression.type=" + codec)) {
                List<Future<RecordMetadata>> sends = new ArrayList<>();
                for (int at = 0; at < 100; at++) {
                    sends.add(producer.send(Kafka.record("logappend", at % 2, at, codec, "value-" + at)));
                }
                Kafka.await(sends);
            }
        }
    }

    /** Batches of one record. */
    static void oneRecordBatches(Kafka kafka) throws Exception {
        kafka.topic("onerecord", 2);
        try (KafkaProducer<byte[], byte[]> producer = kafka.producer("batch.size=0", "linger.ms=0")) {
            List<Future<RecordMetadata>> sends = new ArrayList<>();
            for (int at = 0; at < 2_000; at++) {
                sends.add(producer.send(Kafka.record("onerecord", at % 2, Kafka.TIME + at, "k" + at % 50, "v" + at)));
            }
            Kafka.await(sends);
        }
    }

    /** Records of 10 MB, and a batch of many records that is larger than most fetch sizes. */
    static void large(Kafka kafka) throws Exception {
        kafka.topic("large", 1, "max.message.bytes=12582912");
        String[] settings = {"max.request.size=12582912", "batch.size=10485760", "buffer.memory=67108864",
            "linger.ms=2000"};
        for (String codec : List.of("none", "lz4")) {
            try (KafkaProducer<byte[], byte[]> producer =
                    kafka.producer(concat(settings, "compression.type=" + codec))) {
                List<Future<RecordMetadata>> sends = new ArrayList<>();
                sends.add(producer.send(new ProducerRecord<>("large", 0, Kafka.TIME, null, Kafka.noise(10_000_000, 1))));
                producer.flush();
                for (int at = 0; at < 6_000; at++) {
                    sends.add(producer.send(
                        new ProducerRecord<>("large", 0, Kafka.TIME + at, Kafka.bytes("" + at), Kafka.noise(1_000, at))));
                }
                producer.flush();
                sends.add(producer.send(Kafka.record("large", 0, Kafka.TIME, "small", "after")));
                producer.flush();
                Kafka.await(sends);
            }
        }
    }

    private static String[] concat(String[] settings, String last) {
        String[] all = java.util.Arrays.copyOf(settings, settings.length + 1);
        all[settings.length] = last;
        return all;
    }

    private RecordShapes() {}
}
