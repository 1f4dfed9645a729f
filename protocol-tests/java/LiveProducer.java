import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.KafkaException;

/** A transactional producer at work, whatever happens to the brokers meanwhile. */
final class LiveProducer {
    /**
     * live:ID:TOPIC:PARTITIONS:FILE; small transactions one after another, every fourth aborted, until there is such a
     * file. A transaction whose end fails is left to the next producer of the same id, which ends it.
     */
    static void live(Kafka kafka, String[] args) throws Exception {
        Random random = new Random(args[1].hashCode());
        Path end = Path.of(args[4]);
        KafkaProducer<byte[], byte[]> producer = null;
        int transactions = 0;
        long number = 0;
        while (!Files.exists(end)) {
            try {
                if (producer == null) producer = begin(kafka, args[1]);
                producer.beginTransaction();
                for (int left = 1 + random.nextInt(40); left > 0; left--, number++) {
                    int partition = random.nextInt(Integer.parseInt(args[3]));
                    String value = args[1] + "-" + transactions + "-" + "x".repeat(random.nextInt(600));
                    producer.send(Kafka.record(args[2], partition, Kafka.TIME + number, "k" + number, value));
                }
                producer.flush();
                if (transactions++ % 4 == 3) producer.abortTransaction();
                else producer.commitTransaction();
                Thread.sleep(random.nextInt(10));
            } catch (KafkaException e) {
                if (producer != null) producer.close(Duration.ZERO);
                producer = null;
            }
        }
        if (producer != null) producer.close(Duration.ZERO);
        // Ends what the last one may have left open.
        Kafka.until("the end of " + args[1], 90, () -> {
            try {
                begin(kafka, args[1]).close();
                return true;
            } catch (KafkaException e) {
                return false;
            }
        });
        System.out.printf("%d transactions%n", transactions);
    }

    private static KafkaProducer<byte[], byte[]> begin(Kafka kafka, String id) {
        KafkaProducer<byte[], byte[]> producer = kafka.producer(
            "transactional.id=" + id, "transaction.timeout.ms=20000", "linger.ms=5", "batch.size=16384",
            "request.timeout.ms=4000", "delivery.timeout.ms=15000", "max.block.ms=15000", "retry.backoff.ms=50");
        try {
            producer.initTransactions();
            return producer;
        } catch (KafkaException e) {
            producer.close(Duration.ZERO);
            throw e;
        }
    }

    private LiveProducer() {}
}
