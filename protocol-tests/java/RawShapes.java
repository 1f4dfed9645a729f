import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.ProduceResponse;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.utils.Crc32C;
import org.xerial.snappy.Snappy;

/** What other clients write and the Java producer refuses or never does. */
final class RawShapes {
    private static final short VERSION = 12;
    private static final int LENGTH = 8;
    private static final int CRC = 17;
    private static final int ATTRIBUTES = 21;
    private static final int HEADER = 61;

    /** Records without a time (-1), and snappy in one raw block, without xerial's framing. */
    static void raw(Kafka kafka) throws Exception {
        kafka.topic("raw", 1);
        produce(kafka, "raw", untimed(Compression.NONE));
        produce(kafka, "raw", untimed(Compression.gzip().build()));
        produce(kafka, "raw", rawSnappy());
        produce(kafka, "raw", untimed(Compression.zstd().build()));
    }

    private static ByteBuffer untimed(Compression codec) {
        return MemoryRecords.withRecords(codec,
            new SimpleRecord(-1, Kafka.bytes("untimed"), Kafka.bytes(codec.type().name)),
            new SimpleRecord(-1, null, Kafka.bytes("second"))).buffer();
    }

    /** Takes an uncompressed batch and compresses its records as one block. */
    private static ByteBuffer rawSnappy() throws Exception {
        ByteBuffer plain = MemoryRecords.withRecords(Compression.NONE,
            new SimpleRecord(Kafka.TIME, Kafka.bytes("raw"), Kafka.noise(3_000, 3)),
            new SimpleRecord(Kafka.TIME + 1, null, Kafka.bytes("snappy")),
            new SimpleRecord(Kafka.TIME + 2, Kafka.bytes(""), null)).buffer();
        byte[] records = new byte[plain.remaining() - HEADER];
        plain.position(HEADER).get(records);
        byte[] block = Snappy.compress(records);
        ByteBuffer batch = ByteBuffer.allocate(HEADER + block.length);
        batch.put(plain.rewind().slice(0, HEADER)).put(block).flip();
        batch.putInt(LENGTH, batch.limit() - 12);
        batch.putShort(ATTRIBUTES, (short) CompressionType.SNAPPY.id);
        batch.putInt(CRC, (int) Crc32C.compute(batch, ATTRIBUTES, batch.limit() - ATTRIBUTES));
        return batch;
    }

    /** One Produce request to the leader of partition 0. */
    private static void produce(Kafka kafka, String topic, ByteBuffer batch) throws Exception {
        var description = kafka.admin.describeTopics(java.util.List.of(topic)).allTopicNames().get().get(topic);
        var leader = description.partitions().get(0).leader();
        var partition = new ProduceRequestData.PartitionProduceData().setIndex(0)
            .setRecords(MemoryRecords.readableRecords(batch));
        var topics = new ProduceRequestData.TopicProduceDataCollection();
        topics.add(new ProduceRequestData.TopicProduceData().setName(topic).setTopicId(Uuid.ZERO_UUID)
            .setPartitionData(java.util.List.of(partition)));
        var data = new ProduceRequestData().setAcks((short) -1).setTimeoutMs(30_000).setTopicData(topics);
        ProduceRequest request = ProduceRequest.builder(data).build(VERSION);
        RequestHeader header = new RequestHeader(ApiKeys.PRODUCE, VERSION, "raw", 1);
        ByteBuffer frame = request.serializeWithHeader(header);
        try (Socket socket = new Socket(leader.host(), leader.port())) {
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            out.writeInt(frame.remaining());
            out.write(frame.array(), frame.arrayOffset() + frame.position(), frame.remaining());
            out.flush();
            DataInputStream in = new DataInputStream(socket.getInputStream());
            byte[] answer = new byte[in.readInt()];
            in.readFully(answer);
            // Correlation id and the empty tagged fields of the response header.
            var readable = new org.apache.kafka.common.protocol.ByteBufferAccessor(ByteBuffer.wrap(answer, 5, answer.length - 5));
            var response = ProduceResponse.parse(readable, VERSION).data();
            var result = response.responses().iterator().next().partitionResponses().get(0);
            if (result.errorCode() != 0) throw new IllegalStateException(topic + ": error " + result.errorCode());
        }
    }

    private RawShapes() {}
}
