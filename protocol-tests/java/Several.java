import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.apache.kafka.common.utils.Exit;

/** Several of Kafka's command-line tools, one after the other in one JVM: BOOTSTRAP CLASS ARGS... ;; CLASS ARGS... */
public final class Several {
    /** What stands before the output of each. */
    private static final String MARK = "\u0001";

    public static void main(String[] args) throws Exception {
        Exit.setExitProcedure((code, message) -> {
            if (code != 0) throw new IllegalStateException("exit " + code + ": " + message);
        });
        List<String> words = new ArrayList<>();
        for (String arg : Arrays.asList(args).subList(1, args.length)) {
            if (!arg.equals(";;")) {
                words.add(arg);
                continue;
            }
            run(args[0], words);
            words.clear();
        }
        run(args[0], words);
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    private static void run(String bootstrap, List<String> words) throws Exception {
        List<String> args = new ArrayList<>(List.of("--bootstrap-server", bootstrap));
        args.addAll(words.subList(1, words.size()));
        System.out.print(MARK);
        Class.forName(words.get(0)).getMethod("main", String[].class).invoke(null, (Object) args.toArray(String[]::new));
    }
}
