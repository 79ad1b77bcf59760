<?php

// Tests of a program that speaks the classic Harvest API, against a fake of it.

declare(strict_types=1);

use PHPUnit\Framework\TestCase;

/**
 * The program under test; yours stands elsewhere. It asks for the service's own address and takes its HTTP proxy from
 * http_proxy, as curl does: no setting of its own leads it to the fake.
 *
 * It adds a client and returns where that is, and waits where the service is busy.
 */
function addClient(string $document): string
{
    for (;;) {
        $curl = curl_init('http://demo.harvestapp.com/clients');
        curl_setopt_array($curl, [
            CURLOPT_HTTPHEADER => ['Content-Type: application/xml'],
            CURLOPT_POSTFIELDS => $document,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$headers): int {
                [$name, $value] = explode(':', $line, 2) + [1 => ''];
                $headers[strtolower($name)] = trim($value);
                return strlen($line);
            },
        ]);
        curl_exec($curl);
        $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        if ($status === 201) {
            return $headers['location'];
        }
        if ($status !== 503) {
            throw new RuntimeException("adding a client: status $status");
        }
        sleep((int) $headers['retry-after']);
    }
}

/** A fake that runs; it ends with this process, however that ends. */
final class FakeHarvest
{
    public string $url;
    /** @var resource */
    private $process;
    /** @var array<int, resource> held open for as long as the fake is to run */
    private array $pipes = [];

    public function __construct()
    {
        $command = ['clientstore', 'serve', '--memory', '--listen', '127.0.0.1:0', '--control', '--quiet', '--exit-on-stdin-end'];
        $this->process = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], STDERR], $this->pipes);
        $said = fgets($this->pipes[1]); // listening on http://127.0.0.1:49152
        if ($said === false) {
            throw new RuntimeException('clientstore did not start; what it says is above');
        }
        $this->url = substr(strrchr(rtrim($said), ' '), 1);
    }

    /** Calls a control path; fails the test with what the server says is wrong. */
    public function control(string $method, string $path, $body = null): array
    {
        $curl = curl_init("$this->url/_clientstore/$path");
        curl_setopt_array($curl, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_POSTFIELDS => is_array($body) ? json_encode($body) : (string) $body,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_PROXY => '',
        ]);
        $answer = json_decode((string) curl_exec($curl), true);
        if (curl_getinfo($curl, CURLINFO_RESPONSE_CODE) >= 300) {
            TestCase::fail("$method $path: " . ($answer['message'] ?? 'no control path answered'));
        }
        return $answer;
    }

    public function stop(): void
    {
        fclose($this->pipes[0]);
        proc_terminate($this->process);
        proc_close($this->process);
    }
}

final class ClientsTest extends TestCase
{
    private static FakeHarvest $harvest;

    public static function setUpBeforeClass(): void
    {
        self::$harvest = new FakeHarvest();
        putenv('http_proxy=' . self::$harvest->url);
    }

    protected function setUp(): void
    {
        self::$harvest->control('POST', 'reset');
    }

    public static function tearDownAfterClass(): void
    {
        putenv('http_proxy');
        self::$harvest->stop();
    }

    public function testAClientIsAddedBesideThoseThereAre(): void
    {
        self::$harvest->control('POST', 'seed', '<client><name>SuprCorp</name></client>');

        self::assertSame('/clients/2', addClient('<client><name>Company LLC</name></client>'));

        self::$harvest->control('POST', 'journal/verify', ['body' => ['name' => 'Company LLC'], 'count' => 1]);
    }

    public function testNothingIsLeftOfTheTestBefore(): void
    {
        self::assertSame('/clients/1', addClient('<client><name>Company LLC</name></client>'));
        self::assertSame(1, self::$harvest->control('GET', 'state')['records']['clients']);
    }

    public function testABusyServiceIsAskedAgain(): void
    {
        $busy = ['status' => 503, 'headers' => ['Retry-After' => '0']];
        self::$harvest->control('PUT', 'faults', ['rules' => [['method' => 'POST', 'times' => 2, 'answer' => $busy]]]);

        self::assertSame('/clients/1', addClient('<client><name>SuprCorp</name></client>'));

        self::$harvest->control('POST', 'journal/verify', ['method' => 'POST', 'count' => 3]);
    }
}
