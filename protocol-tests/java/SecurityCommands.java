import java.io.FileReader;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourcePatternFilter;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.security.token.delegation.DelegationToken;

/** Steps that change who may do what. Users are those of {@code User:} principals. */
final class SecurityCommands {
    /** scram:USER:PASSWORD, for both hashes. */
    static void scram(Kafka kafka, String[] args) throws Exception {
        for (ScramMechanism mechanism : List.of(ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512)) {
            ScramCredentialInfo info = new ScramCredentialInfo(mechanism, 4096);
            kafka.admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(args[1], info, args[2]))).all().get();
        }
    }

    /**
     * acls:USER:[OPERATION,TYPE,PATTERN,NAME[;...]]; gives the user exactly these rights, in the words of Kafka's
     * enumerations (DESCRIBE_CONFIGS,TOPIC,LITERAL,orders). Returns when the broker judges by them.
     */
    static void acls(Kafka kafka, String[] args) throws Exception {
        String principal = "User:" + args[1];
        Set<AclBinding> wanted = new HashSet<>();
        for (String entry : args[2].isEmpty() ? new String[0] : args[2].split(";")) {
            wanted.add(binding(principal, entry.split(",", 4)));
        }
        AclBindingFilter all = new AclBindingFilter(ResourcePatternFilter.ANY,
            new AccessControlEntryFilter(principal, null, AclOperation.ANY, AclPermissionType.ANY));
        List<AclBindingFilter> gone = new ArrayList<>();
        Set<AclBinding> there = new HashSet<>(kafka.admin.describeAcls(all).values().get());
        for (AclBinding old : there) if (!wanted.contains(old)) gone.add(old.toFilter());
        Set<AclBinding> added = new HashSet<>(wanted);
        added.removeAll(there);
        kafka.admin.deleteAcls(gone).all().get();
        kafka.admin.createAcls(added).all().get();
        Kafka.until("rights of " + principal, 30,
            () -> new HashSet<>(kafka.admin.describeAcls(all).values().get()).equals(wanted));
    }

    private static AclBinding binding(String principal, String[] words) {
        PatternType pattern = PatternType.valueOf(words[2]);
        return new AclBinding(new ResourcePattern(ResourceType.valueOf(words[1]), words[3], pattern),
            new AccessControlEntry(principal, "*", AclOperation.valueOf(words[0]), AclPermissionType.ALLOW));
    }

    /** token:PORT:USER:PASSWORD; a delegation token for the user, by SCRAM over SASL_PLAINTEXT. Answers id and HMAC. */
    static void token(Kafka kafka, String[] args) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", "127.0.0.1:" + args[1]);
        properties.put("security.protocol", "SASL_PLAINTEXT");
        properties.put("sasl.mechanism", "SCRAM-SHA-256");
        properties.put("sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required username=\""
            + args[2] + "\" password=\"" + args[3] + "\";");
        try (Admin admin = Admin.create(properties)) {
            DelegationToken token = admin.createDelegationToken().delegationToken().get();
            kafka.answer = token.tokenInfo().tokenId() + " " + token.hmacAsBase64String();
        }
    }

    /** come-in:FILE; the topics that a client with these properties sees, in order, with commas. */
    static void comeIn(Kafka kafka, String[] args) throws Exception {
        Properties properties = new Properties();
        try (FileReader file = new FileReader(args[1])) {
            properties.load(file);
        }
        String token = properties.getProperty("sasl.oauthbearer.token.endpoint.url", "");
        System.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.urls", token);
        System.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.files", token.replace("file://", ""));
        try (Admin admin = Admin.create(properties)) {
            kafka.answer = String.join(",", new TreeSet<>(admin.listTopics().names().get()));
        }
    }

    private SecurityCommands() {}
}
