import java.io.ByteArrayInputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

/** Key stores and trust stores as Java writes them. */
final class Stores {
    /** What Kafka with PEM keys is mostly given: Java could long decrypt nothing newer. */
    private static final String CIPHER = "PBEWithSHA1AndDESede";

    /**
     * stores:IDENTITY:AUTHORITY:FOLDER:PASSWORD; two PEM files, a key on an elliptic curve in the first, become
     * identity.p12, identity.jks, trust.p12, trust.jks, and with its key encrypted identity.pem.
     */
    static void stores(Kafka kafka, String[] args) throws Exception {
        String identity = Files.readString(Path.of(args[1]));
        Certificate own = certificate(identity);
        Certificate authority = certificate(Files.readString(Path.of(args[2])));
        byte[] encoded = Base64.getMimeDecoder().decode(between(identity, "PRIVATE KEY"));
        PrivateKey key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(encoded));
        Path folder = Path.of(args[3]);
        char[] password = args[4].toCharArray();
        for (String[] kind : new String[][] {{"PKCS12", "p12"}, {"JKS", "jks"}}) {
            KeyStore trust = KeyStore.getInstance(kind[0]);
            trust.load(null, null);
            trust.setCertificateEntry("authority", authority);
            write(trust, folder.resolve("trust." + kind[1]), password);
            KeyStore store = KeyStore.getInstance(kind[0]);
            store.load(null, null);
            store.setKeyEntry("own", key, password, new Certificate[] {own, authority});
            write(store, folder.resolve("identity." + kind[1]), password);
        }
        Files.writeString(folder.resolve("identity.pem"), encrypted(key, password) + pem("CERTIFICATE", own.getEncoded()));
    }

    private static String encrypted(PrivateKey key, char[] password) throws Exception {
        Cipher cipher = Cipher.getInstance(CIPHER);
        cipher.init(Cipher.ENCRYPT_MODE, SecretKeyFactory.getInstance(CIPHER).generateSecret(new PBEKeySpec(password)));
        AlgorithmParameters parameters = cipher.getParameters();
        byte[] sealed = new EncryptedPrivateKeyInfo(parameters, cipher.doFinal(key.getEncoded())).getEncoded();
        return pem("ENCRYPTED PRIVATE KEY", sealed);
    }

    private static void write(KeyStore store, Path path, char[] password) throws Exception {
        try (OutputStream out = Files.newOutputStream(path)) {
            store.store(out, password);
        }
    }

    private static Certificate certificate(String text) throws Exception {
        byte[] der = Base64.getMimeDecoder().decode(between(text, "CERTIFICATE"));
        return CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
    }

    private static byte[] between(String text, String label) {
        String begin = "-----BEGIN " + label + "-----";
        int from = text.indexOf(begin) + begin.length();
        return text.substring(from, text.indexOf("-----END " + label, from)).getBytes(StandardCharsets.US_ASCII);
    }

    private static String pem(String label, byte[] der) {
        String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
        return "-----BEGIN " + label + "-----\n" + lines + "\n-----END " + label + "-----\n";
    }

    private Stores() {}
}
