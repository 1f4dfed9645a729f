import java.io.PrintStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** The same as {@link RecordPrinter} for the console consumers before 2.6. */
public final class OldRecordPrinter implements kafka.common.MessageFormatter {
    @Override
    public void writeTo(ConsumerRecord<byte[], byte[]> record, PrintStream output) {
        output.println(RecordLine.of(record));
    }
}
