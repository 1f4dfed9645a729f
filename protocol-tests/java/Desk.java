import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Takes steps one after the other over a socket, so that none of them waits for a JVM to start. */
final class Desk {
    /** serve:PORT; each line is a step, answered with {@code ok} or {@code failed}, a tab, and what there is to say. */
    static void serve(Kafka kafka, String[] args) throws Exception {
        try (ServerSocket server = new ServerSocket(Integer.parseInt(args[1]), 1, InetAddress.getLoopbackAddress())) {
            while (true) {
                try (Socket socket = server.accept()) {
                    talk(kafka, socket);
                }
            }
        }
    }

    private static void talk(Kafka kafka, Socket socket) throws Exception {
        InputStreamReader bytes = new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8);
        BufferedReader lines = new BufferedReader(bytes);
        PrintWriter answers = new PrintWriter(socket.getOutputStream(), true, StandardCharsets.UTF_8);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            kafka.answer = "";
            try {
                Load.run(kafka, line);
                answers.println("ok\t" + kafka.answer);
            } catch (Exception e) {
                answers.println("failed\t" + String.valueOf(e).replace('\n', ' '));
            }
        }
    }

    private Desk() {}
}
