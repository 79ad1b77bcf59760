// Tests of a program that speaks the classic Harvest API, against a fake of it.

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ClientsTest {
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).proxy(HttpClient.Builder.NO_PROXY).build();

    /**
     * The program under test; yours stands elsewhere, and has the address of the API in its settings. It adds a client
     * and returns where that is, and waits where the service is busy.
     */
    static String addClient(String base, String document) throws IOException, InterruptedException {
        while (true) {
            HttpResponse<String> answer = HTTP.send(
                    HttpRequest.newBuilder(URI.create(base + "/clients"))
                            .header("Content-Type", "application/xml")
                            .POST(BodyPublishers.ofString(document))
                            .build(),
                    BodyHandlers.ofString());
            if (answer.statusCode() == 201) {
                return answer.headers().firstValue("Location").orElseThrow();
            }
            if (answer.statusCode() != 503) {
                throw new IOException("adding a client: status " + answer.statusCode());
            }
            Thread.sleep(1000 * answer.headers().firstValueAsLong("Retry-After").orElse(1));
        }
    }

    private static Process server;
    /** What the program under test is pointed at. */
    private static String url;

    /** Starts a fake on a free port; it ends with this process, however that ends. */
    @BeforeAll
    static void start() throws IOException, InterruptedException {
        server = new ProcessBuilder(
                        "clientstore", "serve", "--memory", "--listen", "127.0.0.1:0", "--control", "--quiet",
                        "--exit-on-stdin-end")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        // listening on http://127.0.0.1:49152
        String said = new BufferedReader(new InputStreamReader(server.getInputStream())).readLine();
        assertNotNull(said, "clientstore did not start; what it says is above");
        url = said.substring(said.lastIndexOf(' ') + 1);
    }

    @AfterAll
    static void stop() throws InterruptedException {
        server.destroy();
        server.waitFor();
    }

    /** Calls a control path; fails the test with what the server says is wrong. */
    static String control(String method, String path, String body) throws IOException, InterruptedException {
        HttpResponse<String> answer = HTTP.send(
                HttpRequest.newBuilder(URI.create(url + "/_clientstore/" + path))
                        .method(method, BodyPublishers.ofString(body))
                        .build(),
                BodyHandlers.ofString());
        assertTrue(answer.statusCode() < 300, method + " " + path + ": " + answer.body());
        return answer.body();
    }

    @BeforeEach
    void reset() throws IOException, InterruptedException {
        control("POST", "reset", "");
    }

    @Test
    void aClientIsAddedBesideThoseThereAre() throws Exception {
        control("POST", "seed", "<client><name>SuprCorp</name></client>");

        assertEquals("/clients/2", addClient(url, "<client><name>Company LLC</name></client>"));

        control("POST", "journal/verify", "{\"method\": \"POST\", \"body\": {\"name\": \"Company LLC\"}, \"count\": 1}");
    }

    @Test
    void nothingIsLeftOfTheTestBefore() throws Exception {
        assertEquals("/clients/1", addClient(url, "<client><name>Company LLC</name></client>"));
    }

    @Test
    void aBusyServiceIsAskedAgain() throws Exception {
        String busy = "{\"status\": 503, \"headers\": {\"Retry-After\": \"0\"}}";
        control("PUT", "faults", "{\"rules\": [{\"method\": \"POST\", \"times\": 2, \"answer\": " + busy + "}]}");

        assertEquals("/clients/1", addClient(url, "<client><name>SuprCorp</name></client>"));

        control("POST", "journal/verify", "{\"method\": \"POST\", \"body\": {\"name\": \"SuprCorp\"}, \"count\": 3}");
    }
}
