import java.io.PrintStream;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.MessageFormatter;

/** A formatter for Kafka's console consumer: each record as {@link RecordLine} writes it. */
public final class RecordPrinter implements MessageFormatter {
    @Override
    public void configure(Map<String, ?> configs) {}

    @Override
    public void writeTo(ConsumerRecord<byte[], byte[]> record, PrintStream output) {
        output.println(RecordLine.of(record));
    }
}
