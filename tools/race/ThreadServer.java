// The lecture's server with a thread for each client, for `make race`:
// usage: java ThreadServer.java PORT
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

public class ThreadServer {
    static final String PAGE =
        "<!DOCTYPE html>\n<HTML><HEAD><TITLE>200 OK</TITLE></HEAD>\n"
        + "<BODY><P>This is my test server page</P></BODY></HTML>\n";

    public static void main(String[] args) throws IOException {
        int port = Integer.parseInt(args[0]);
        try (ServerSocket listener = new ServerSocket(
                port, 4096, InetAddress.getLoopbackAddress())) {
            System.err.println("Server launched, listening on port: " + port);
            while (true) {
                Socket client = listener.accept();
                System.err.println("New client connected");
                new Thread(() -> serve(client)).start();
            }
        }
    }

    static void serve(Socket client) {
        try (client) {
            var in = new BufferedReader(
                new InputStreamReader(client.getInputStream()));
            var out = new BufferedWriter(
                new OutputStreamWriter(client.getOutputStream()));
            String line;
            do {
                line = in.readLine();
                System.out.println(line);
            } while (line != null && !line.isEmpty());
            out.write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                + "Content-Length: " + PAGE.length()
                + "\r\nConnection: close\r\n\r\n" + PAGE);
            out.flush();
        } catch (IOException e) {
            System.err.println(e.getMessage());
        }
    }
}
