import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;

import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.security.JaasContext;

/**
 * java -cp 'kafka jars' ClientSyntax.java > client-syntax.txt
 *
 * Writes how Java reads properties and how Kafka reads login modules: kind, text, what it means; all in hexadecimal.
 */
public class ClientSyntax {
    private static final Random RANDOM = new Random(5);
    private static final String[] LINES = {"a", "b.c", "=", ":", " ", "\\", "\n", "\r", "\r\n", "\t", "\f", "#", "!",
        "\\u00fc", "\\u41", "\u00fc", "x y", "\\\n", "\\t", "\"", "a=b"};
    private static final String[] OPTIONS = {"a=b ", "c= d ", "e='f\"g' ", "h=\"i\\\"j\\\\k\" ", "n=\"o;p=q/r\" ",
        "l=l.m-n_o ", "s=\"\\101\\7\\t\\q\\400\" ", "t=true//c\n", "/*x=y*/", "u=\"\"", " ", "\n", "v=w\t", "'x y'=z "};
    private static final String[] PIECES = {"M ", "required ", "\"x y\"", "\\", "\\\"", "=", ";", "/", "*/", "\""};

    public static void main(String[] arguments) {
        Set<String> seen = new HashSet<>();
        for (int left = 150; left > 0;) {
            String text = some(LINES, 1 + RANDOM.nextInt(14));
            if (seen.add(text)) {
                System.out.println("properties " + hex(text.getBytes(StandardCharsets.ISO_8859_1)) + " " + properties(text));
                left--;
            }
        }
        for (int left = 150; left > 0;) {
            boolean odd = RANDOM.nextInt(4) == 0;
            String text = (odd ? some(PIECES, 2) : "M required ") + some(OPTIONS, RANDOM.nextInt(6))
                + (odd ? some(PIECES, 2) : ";");
            if (seen.add(text.trim())) {
                System.out.println("jaas " + hex(text.getBytes(StandardCharsets.UTF_8)) + " " + jaas(text));
                left--;
            }
        }
    }

    private static String properties(String text) {
        Properties properties = new Properties();
        try {
            properties.load(new ByteArrayInputStream(text.getBytes(StandardCharsets.ISO_8859_1)));
        } catch (Exception error) {
            return "error";
        }
        Map<String, String> found = new HashMap<>();
        // As ConfigDef takes them.
        properties.forEach((name, value) -> found.put((String) name, ((String) value).trim()));
        return pairs(found);
    }

    private static String jaas(String text) {
        try {
            JaasContext context = JaasContext.loadClientContext(Map.of("sasl.jaas.config", new Password(text)));
            Map<String, String> found = new HashMap<>();
            context.configurationEntries().get(0).getOptions().forEach((name, value) -> found.put(name, (String) value));
            return found.containsKey(null) ? "error" : pairs(found);
        } catch (Exception error) {
            return "error";
        }
    }

    private static String some(String[] pieces, int count) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(pieces[RANDOM.nextInt(pieces.length)]);
        }
        return text.toString();
    }

    private static String pairs(Map<String, String> found) {
        StringJoiner joined = new StringJoiner(",");
        new TreeMap<>(found).forEach((name, value) -> joined.add(utf8(name) + "=" + utf8(value)));
        return found.isEmpty() ? "nothing" : joined.toString();
    }

    private static String utf8(String text) {
        return hex(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte one : bytes) {
            text.append(String.format("%02x", one));
        }
        return text.toString();
    }
}
