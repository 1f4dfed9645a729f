import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/**
 * Everything about a record on one line, exactly. Topic, partition, offset, timestamp type and timestamp, key, value,
 * headers in order, apart by tabs.
 */
final class RecordLine {
    /** Longer contents are shown as digest and length. */
    private static final int LONGEST = 64;

    static String of(ConsumerRecord<byte[], byte[]> record) {
        StringBuilder line = new StringBuilder();
        line.append(record.topic()).append('\t').append(record.partition()).append('\t').append(record.offset())
            .append('\t').append(record.timestampType().name).append('\t').append(record.timestamp())
            .append('\t').append(content(record.key())).append('\t').append(content(record.value())).append('\t');
        for (Header header : record.headers()) {
            line.append(content(header.key().getBytes(StandardCharsets.UTF_8))).append('=').append(content(header.value())).append(';');
        }
        return line.toString();
    }

    private static String content(byte[] bytes) {
        if (bytes == null) return "null";
        if (bytes.length <= LONGEST) return "x" + HexFormat.of().formatHex(bytes);
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
            return bytes.length + "#" + HexFormat.of().formatHex(digest, 0, 16);
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private RecordLine() {}
}
