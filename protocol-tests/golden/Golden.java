import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.MemoryRecords.RecordFilter;
import org.apache.kafka.common.utils.BufferSupplier;

/**
 * Writes record batches with Kafka's own classes, and prints any file of record batches as those classes read it.
 *
 * java -cp 'kafka jars' Golden.java write FOLDER     makes the samples and a .txt beside each
 * java -cp 'kafka jars' Golden.java dump FILE...     prints batches and records after checking them
 */
public class Golden {
    static final long TIME = 1_700_000_000_000L;

    public static void main(String[] args) throws Exception {
        if (args[0].equals("write")) {
            write(Path.of(args[1]));
            return;
        }
        for (String file : Arrays.asList(args).subList(1, args.length)) {
            System.out.print(dump(ByteBuffer.wrap(Files.readAllBytes(Path.of(file)))));
        }
    }

    static void write(Path folder) throws Exception {
        for (CompressionType type : CompressionType.values()) {
            save(folder, type.name, shapes(type, TimestampType.CREATE_TIME));
        }
        save(folder, "append-time-none", shapes(CompressionType.NONE, TimestampType.LOG_APPEND_TIME));
        save(folder, "append-time-zstd", shapes(CompressionType.ZSTD, TimestampType.LOG_APPEND_TIME));
        save(folder, "transactions", transactions());
        save(folder, "compacted-lz4", compacted(CompressionType.LZ4));
        save(folder, "compacted-none", compacted(CompressionType.NONE));
        save(folder, "v0", legacy(RecordBatch.MAGIC_VALUE_V0, CompressionType.NONE));
        save(folder, "v1", legacy(RecordBatch.MAGIC_VALUE_V1, CompressionType.NONE));
        save(folder, "v1-gzip", legacy(RecordBatch.MAGIC_VALUE_V1, CompressionType.GZIP));
    }

    /** Everything a record can be: nulls, empties, headers in odd forms, times far apart, more than one block. */
    static ByteBuffer shapes(CompressionType type, TimestampType times) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(buffer, RecordBatch.MAGIC_VALUE_V2,
            Compression.of(type).build(), times, 1000, TIME + 5, 77, (short) 3, 40, false, false, 9, 1 << 20);
        List<SimpleRecord> records = new ArrayList<>();
        records.add(record(TIME, "key", "value"));
        records.add(record(TIME + 1, null, "null key"));
        records.add(record(TIME - 2, "null value", null));
        records.add(record(-1, "", ""));
        records.add(record(0, "1970", "x"));
        records.add(record(TIME + (1L << 40), "far", "y"));
        records.add(record(TIME, "headers", "z", header("b", "1"), header("a", "2"), header("b", "3"),
            header("b", null), header("", ""), header("Schlüssel", "größer")));
        // Blocks of lz4 and snappy are smaller than this.
        int large = type == CompressionType.NONE ? 300 : 150_000;
        records.add(record(TIME + 9, "large", "0123456789abcdefghi".repeat(large / 19)));
        records.forEach(builder::append);
        builder.build();
        return flipped(buffer);
    }

    /** Two producers, one transaction committed, one aborted, data between them. */
    static ByteBuffer transactions() {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        Compression none = Compression.NONE;
        put(buffer, MemoryRecords.withTransactionalRecords(0, none, 11, (short) 0, 0, 2, record(TIME, "a", "kept")));
        put(buffer, MemoryRecords.withTransactionalRecords(1, none, 12, (short) 5, 0, 2, record(TIME, "b", "gone"),
            record(TIME, "c", "gone too")));
        put(buffer, MemoryRecords.withRecords(3, none, 2, record(TIME, "d", "outside")));
        put(buffer, marker(4, 11, (short) 0, ControlRecordType.COMMIT));
        put(buffer, marker(5, 12, (short) 5, ControlRecordType.ABORT));
        return flipped(buffer);
    }

    static MemoryRecords marker(long offset, long producer, short epoch, ControlRecordType type) {
        EndTransactionMarker marker = new EndTransactionMarker(type, 6);
        return MemoryRecords.withEndTransactionMarker(offset, TIME, 2, producer, epoch, marker);
    }

    /** What the log cleaner leaves: holes at the front, inside and at the end, and a batch without records. */
    static ByteBuffer compacted(CompressionType type) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        SimpleRecord[] ten = new SimpleRecord[10];
        for (int i = 0; i < 10; i++) {
            ten[i] = record(TIME + i, "key" + i, i == 3 ? null : "value" + i);
        }
        Compression compression = Compression.of(type).build();
        put(buffer, MemoryRecords.withIdempotentRecords(0, compression, 21, (short) 0, 0, 4, ten));
        put(buffer, MemoryRecords.withIdempotentRecords(10, compression, 21, (short) 0, 10, 4, ten));
        put(buffer, MemoryRecords.withIdempotentRecords(20, compression, 21, (short) 0, 20, 4, ten));
        put(buffer, MemoryRecords.withIdempotentRecords(30, compression, 21, (short) 0, 30, 4, ten));
        ByteBuffer cleaned = ByteBuffer.allocate(1 << 16);
        MemoryRecords.readableRecords(flipped(buffer)).filterTo(new RecordFilter(TIME, 86_400_000) {
            @Override
            protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
                return new BatchRetentionResult(BatchRetention.RETAIN_EMPTY, false);
            }

            @Override
            protected boolean shouldRetainRecord(RecordBatch batch, Record record) {
                long offset = record.offset();
                return offset < 5 || offset == 13 || offset == 15 || offset == 16 || offset >= 30;
            }
        }, cleaned, BufferSupplier.NO_CACHING);
        return flipped(cleaned);
    }

    static ByteBuffer legacy(byte magic, CompressionType type) {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        MemoryRecordsBuilder builder = MemoryRecords.builder(buffer, magic, Compression.of(type).build(),
            TimestampType.CREATE_TIME, 500);
        for (int i = 0; i < 4; i++) {
            long time = magic == RecordBatch.MAGIC_VALUE_V0 ? RecordBatch.NO_TIMESTAMP : TIME + i;
            builder.append(time, bytes(i == 1 ? null : "key" + i), bytes(i == 2 ? null : "value" + i));
        }
        builder.build();
        return flipped(buffer);
    }

    static String dump(ByteBuffer buffer) {
        StringBuilder text = new StringBuilder();
        MemoryRecords records = MemoryRecords.readableRecords(buffer);
        for (MutableRecordBatch batch : records.batches()) {
            batch.ensureValid();
            if (batch.magic() < RecordBatch.MAGIC_VALUE_V2) {
                text.append(String.format("legacy magic=%d last=%d max=%d%n", batch.magic(), batch.lastOffset(),
                    batch.maxTimestamp()));
                for (Record record : batch) {
                    record.ensureValid();
                    text.append(String.format("record %d %d %s %s%n", record.offset(), record.timestamp(),
                        show(record.key()), show(record.value())));
                }
                continue;
            }
            text.append(String.format("batch base=%d last=%d count=%d codec=%d append=%b txn=%b control=%b horizon=%b "
                    + "pid=%d epoch=%d seq=%d leader=%d max=%d%n",
                batch.baseOffset(), batch.lastOffset(), batch.countOrNull(), batch.compressionType().id,
                batch.timestampType() == TimestampType.LOG_APPEND_TIME, batch.isTransactional(),
                batch.isControlBatch(), batch.deleteHorizonMs().isPresent(), batch.producerId(),
                batch.producerEpoch(), batch.baseSequence(), batch.partitionLeaderEpoch(), batch.maxTimestamp()));
            for (Record record : batch) {
                record.ensureValid();
                text.append(String.format("record %d %d %s %s", record.offset(), record.timestamp(),
                    show(record.key()), show(record.value())));
                for (Header header : record.headers()) {
                    text.append(' ').append(show(ByteBuffer.wrap(header.key().getBytes(StandardCharsets.UTF_8))));
                    text.append('=').append(show(header.value() == null ? null : ByteBuffer.wrap(header.value())));
                }
                text.append('\n');
            }
        }
        if (records.validBytes() != records.sizeInBytes()) {
            text.append("partial tail\n");
        }
        return text.toString();
    }

    /** Hexadecimal in brackets; size and CRC-32 of what is longer than 64 bytes. */
    static String show(ByteBuffer value) {
        if (value == null) {
            return "null";
        }
        byte[] bytes = new byte[value.remaining()];
        value.duplicate().get(bytes);
        if (bytes.length <= 64) {
            return "[" + HexFormat.of().formatHex(bytes) + "]";
        }
        CRC32 crc = new CRC32();
        crc.update(bytes);
        return String.format("[%d bytes %08x]", bytes.length, crc.getValue());
    }

    static SimpleRecord record(long time, String key, String value, Header... headers) {
        return new SimpleRecord(time, bytes(key), bytes(value), headers);
    }

    static Header header(String key, String value) {
        return new RecordHeader(key, bytes(value));
    }

    static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static void put(ByteBuffer buffer, MemoryRecords records) {
        buffer.put(records.buffer());
    }

    static ByteBuffer flipped(ByteBuffer buffer) {
        ByteBuffer read = buffer.duplicate();
        read.flip();
        return read.slice();
    }

    static void save(Path folder, String name, ByteBuffer records) throws Exception {
        byte[] bytes = new byte[records.remaining()];
        records.duplicate().get(bytes);
        Files.write(folder.resolve(name + ".log"), bytes);
        Files.writeString(folder.resolve(name + ".txt"), dump(ByteBuffer.wrap(bytes)));
    }
}
