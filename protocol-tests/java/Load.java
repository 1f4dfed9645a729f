import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Fills a cluster. Arguments: bootstrap servers, then any of: names of shapes, {@code all}, and commands with their
 * arguments after colons. Prints each with the milliseconds it took.
 */
public final class Load {
    private interface Step {
        void run(Kafka kafka, String[] args) throws Exception;
    }

    /** In the order in which {@code all} makes them: groups refer to the topics of the others. */
    private static final Map<String, Step> SHAPES = new LinkedHashMap<>();
    private static final Map<String, Step> COMMANDS = new LinkedHashMap<>();

    static {
        SHAPES.put("codecs", (kafka, args) -> RecordShapes.codecs(kafka));
        SHAPES.put("records", (kafka, args) -> RecordShapes.records(kafka));
        SHAPES.put("timestamps", (kafka, args) -> RecordShapes.timestamps(kafka));
        SHAPES.put("logappend", (kafka, args) -> RecordShapes.logAppend(kafka));
        SHAPES.put("onerecord", (kafka, args) -> RecordShapes.oneRecordBatches(kafka));
        SHAPES.put("large", (kafka, args) -> RecordShapes.large(kafka));
        SHAPES.put("raw", (kafka, args) -> RawShapes.raw(kafka));
        SHAPES.put("partitions", (kafka, args) -> LogShapes.partitions(kafka));
        SHAPES.put("trimmed", (kafka, args) -> LogShapes.trimmed(kafka));
        SHAPES.put("names", (kafka, args) -> LogShapes.names(kafka));
        SHAPES.put("configs", (kafka, args) -> LogShapes.configs(kafka));
        SHAPES.put("schemas", (kafka, args) -> LogShapes.schemas(kafka));
        SHAPES.put("transactions", (kafka, args) -> TransactionShapes.transactions(kafka));
        SHAPES.put("latemarkers", (kafka, args) -> TransactionShapes.lateMarkers(kafka));
        SHAPES.put("random", (kafka, args) -> TransactionShapes.random(kafka, args.length > 1 ? Long.parseLong(args[1]) : 7));
        SHAPES.put("compacted", (kafka, args) -> CompactedShapes.compacted(kafka));
        SHAPES.put("groups", (kafka, args) -> GroupShapes.groups(kafka));
        SHAPES.put("everyoffset", (kafka, args) -> GroupShapes.everyOffset(kafka));
        COMMANDS.put("topic", Commands::topic);
        COMMANDS.put("bulk", Commands::bulk);
        COMMANDS.put("put", Commands::put);
        COMMANDS.put("sleep", (kafka, args) -> Thread.sleep(Long.parseLong(args[1])));
        COMMANDS.put("await-absent", Commands::awaitAbsent);
        COMMANDS.put("await-committed", Commands::awaitCommitted);
        COMMANDS.put("commit", Commands::commit);
        COMMANDS.put("trim", Commands::trim);
        COMMANDS.put("times", Commands::times);
        COMMANDS.put("begin", Commands::begin);
        COMMANDS.put("end", Commands::end);
        COMMANDS.put("transaction", Commands::transaction);
        COMMANDS.put("topic-on", ClusterCommands::topicOn);
        COMMANDS.put("delete", ClusterCommands::delete);
        COMMANDS.put("grow", ClusterCommands::grow);
        COMMANDS.put("lead", ClusterCommands::lead);
        COMMANDS.put("await-leader", ClusterCommands::awaitLeader);
        COMMANDS.put("quota", ClusterCommands::quota);
        COMMANDS.put("live", LiveProducer::live);
        COMMANDS.put("scram", SecurityCommands::scram);
        COMMANDS.put("acls", SecurityCommands::acls);
        COMMANDS.put("token", SecurityCommands::token);
        COMMANDS.put("come-in", SecurityCommands::comeIn);
        COMMANDS.put("stores", Stores::stores);
        COMMANDS.put("serve", Desk::serve);
    }

    public static void main(String[] args) throws Exception {
        try (Kafka kafka = new Kafka(args[0])) {
            for (String word : List.of(args).subList(1, args.length)) {
                if (word.equals("all")) {
                    for (Map.Entry<String, Step> shape : SHAPES.entrySet()) {
                        run(kafka, shape.getKey(), shape.getValue());
                    }
                } else {
                    run(kafka, word);
                }
            }
        }
        System.out.flush();
        // Not exit: an open transaction must stay open, and closing its producer would abort it.
        Runtime.getRuntime().halt(0);
    }

    /** One step, as it stands on the command line. */
    static void run(Kafka kafka, String word) throws Exception {
        String name = word.split(":", 2)[0];
        Step step = SHAPES.getOrDefault(name, COMMANDS.get(name));
        if (step == null) throw new IllegalArgumentException("unknown: " + word);
        run(kafka, word, step);
    }

    private static void run(Kafka kafka, String word, Step step) throws Exception {
        long begin = System.nanoTime();
        step.run(kafka, word.split(":", -1));
        System.out.printf("%s\t%d ms%n", word, (System.nanoTime() - begin) / 1_000_000);
    }

    private Load() {}
}
