import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;

/** Steps that change topics, leaders and quotas of a running cluster. */
final class ClusterCommands {
    /** topic-on:NAME:PARTITIONS:BROKER,BROKER[:config=value]...; every partition on these brokers, the first leads. */
    static void topicOn(Kafka kafka, String[] args) throws Exception {
        List<Integer> replicas = Stream.of(args[3].split(",")).map(Integer::valueOf).toList();
        Map<Integer, List<Integer>> assignment = new HashMap<>();
        for (int at = 0; at < Integer.parseInt(args[2]); at++) assignment.put(at, replicas);
        String[] configs = List.of(args).subList(4, args.length).toArray(String[]::new);
        kafka.admin.createTopics(List.of(new NewTopic(args[1], assignment).configs(Kafka.pairs(configs)))).all().get();
        awaitLeader(kafka, new String[] {"", args[1], args[3].split(",")[0]});
    }

    /** delete:NAME; returns when no broker lists it. */
    static void delete(Kafka kafka, String[] args) throws Exception {
        kafka.admin.deleteTopics(List.of(args[1])).all().get();
        Kafka.until(args[1] + " deleted", 60, () -> !kafka.admin.listTopics().names().get().contains(args[1]));
    }

    /** grow:NAME:PARTITIONS */
    static void grow(Kafka kafka, String[] args) throws Exception {
        int partitions = Integer.parseInt(args[2]);
        kafka.admin.createPartitions(Map.of(args[1], NewPartitions.increaseTo(partitions))).all().get();
        Kafka.until(args[1] + " grown", 60, () -> describe(kafka, args[1]).partitions().size() == partitions);
    }

    /** lead:NAME:BROKER; makes the broker the preferred leader of all partitions, and elects it. */
    static void lead(Kafka kafka, String[] args) throws Exception {
        int leader = Integer.parseInt(args[2]);
        Map<TopicPartition, Optional<NewPartitionReassignment>> moves = new HashMap<>();
        for (TopicPartitionInfo info : describe(kafka, args[1]).partitions()) {
            List<Integer> replicas = new ArrayList<>(List.of(leader));
            info.replicas().stream().map(node -> node.id()).filter(id -> id != leader).forEach(replicas::add);
            TopicPartition partition = new TopicPartition(args[1], info.partition());
            moves.put(partition, Optional.of(new NewPartitionReassignment(replicas)));
        }
        kafka.admin.alterPartitionReassignments(moves).all().get();
        // One that has just come back is not in sync yet, and cannot be elected.
        Kafka.until(args[1] + " led by " + leader, 60, () -> {
            kafka.admin.electLeaders(ElectionType.PREFERRED, moves.keySet()).partitions().get();
            return leads(kafka, args[1], leader);
        });
    }

    /** await-leader:NAME:BROKER; until the broker leads all partitions, -1 for nobody. */
    static void awaitLeader(Kafka kafka, String[] args) throws Exception {
        int leader = Integer.parseInt(args[2]);
        Kafka.until(args[1] + " led by " + leader, 60, () -> leads(kafka, args[1], leader));
    }

    private static boolean leads(Kafka kafka, String topic, int leader) throws Exception {
        return describe(kafka, topic).partitions().stream()
            .allMatch(info -> (info.leader() == null || info.leader().isEmpty() ? -1 : info.leader().id()) == leader);
    }

    /**
     * quota:consumer_byte_rate|producer_byte_rate:BYTES[:CLIENT], a second and broker, of the client (ktape); none for
     * no limit.
     */
    static void quota(Kafka kafka, String[] args) throws Exception {
        String name = args.length > 3 ? args[3] : "ktape";
        ClientQuotaEntity client = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, name));
        Double rate = args[2].equals("none") ? null : Double.valueOf(args[2]);
        ClientQuotaAlteration.Op change = new ClientQuotaAlteration.Op(args[1], rate);
        kafka.admin.alterClientQuotas(List.of(new ClientQuotaAlteration(client, Set.of(change)))).all().get();
    }

    private static TopicDescription describe(Kafka kafka, String topic) throws Exception {
        return kafka.admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    }

    private ClusterCommands() {}
}
