"""hone service: a server in the background."""
import http.client
import os
import re
import socket
import subprocess

from support import EMBED, HONE, Case, main


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class TestService(Case):
    def setUp(self):
        super().setUp()
        self.state = self.path("state/of/it")
        self.addCleanup(lambda: self.service("stop"))

    def service(self, verb, *arguments, **how):
        return self.hone("service", verb, "--state", self.state, *arguments, **how)

    def health(self, port):
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.addCleanup(c.close)
        c.request("GET", "/health")
        return c.getresponse().status

    def test_life(self):
        port = str(free_port())
        self.assertEqual(self.service("status", status=1).text, "it does not run\n")
        words = self.service("start", "-m", EMBED, "--port", port).words
        with open(os.path.join(self.state, "hone.pid")) as f:
            pid = f.read().strip()
        self.assertIn(f"process {pid}", words)
        self.assertEqual(self.health(int(port)), 200)
        self.assertEqual(self.service("status").text, f"it runs, as process {pid}\n")
        self.assertIn(f"runs already, as process {pid}", self.service("start", "-m", EMBED, status=1).words)
        self.assertIn("listening on", self.service("log").text)
        self.assertIn("has ended", self.service("stop").words)
        with self.assertRaises(ConnectionRefusedError):
            self.health(int(port))
        self.service("status", status=1)
        self.assertIn("does not run", self.service("stop").words)

    def test_what_fails_is_told(self):
        run = self.service("start", "-m", self.path("nothing.gguf"), status=1)
        self.assertIn("nothing.gguf", run.words)
        self.assertIn("ended before it was ready", run.words)
        self.service("status", status=1)

    def test_a_number_that_is_left_over_is_nobody(self):
        os.makedirs(self.state)
        with open(os.path.join(self.state, "hone.pid"), "w") as f:
            f.write(f"{os.getpid()}\n")
        self.service("status", status=1)
        self.assertIn("does not run", self.service("stop").words)

    def pid(self):
        with open(os.path.join(self.state, "hone.pid")) as f:
            return int(f.read())

    def test_a_restart_that_would_fail(self):
        """What runs goes on as it is."""
        port = str(free_port())
        config = self.file("hone.conf", f"model = {EMBED}\n")
        self.service("start", "-c", config, "--port", port)
        running = self.service("status").text
        self.assertIn("max-queue", self.service("restart", "--max-queue", "x", status=2).words)
        with open(config, "a") as f:
            f.write("profile = fast\n")
        self.assertIn("hone.conf:2: profile", self.service("restart", status=2).words)
        self.assertEqual((self.service("status").text, self.health(int(port))), (running, 200))

    def test_restart(self):
        """With what it was started with, from there, whatever folder one is in; and what is said now comes behind."""
        port = str(free_port())
        os.symlink(EMBED, self.path("model"))
        self.assertIn("name a model", self.service("restart", status=2).words)
        self.service("start", "-m", "x=model", "--port", port, "--max-queue", "7", "--log-size", "3", cwd=self._folder.name)
        first = self.pid()
        words = self.service("restart", "--max-batch", "9").words
        self.assertIn(f"process {first} has ended", words)
        self.assertNotEqual(self.pid(), first)
        self.assertEqual(self.health(int(port)), 200)
        wanted = ["-m", "x=model", "--port", port, "--max-batch", "9", "--max-queue", "7", "--log-size", "3"]
        for _ in range(2):
            with open(os.path.join(self.state, "hone.command")) as f:
                self.assertEqual(f.read().split("\0")[1:-1], wanted)
            self.service("restart")
        self.assertEqual(os.stat(os.path.join(self.state, "hone.command")).st_mode & 0o777, 0o600)
        self.service("restart", "-m", f"y={EMBED}", "--port", port)
        with open(os.path.join(self.state, "hone.command"), "rb") as f:
            self.assertEqual(f.read().split(b"\0")[1:-1], [b"-m", f"y={EMBED}".encode(), b"--port", port.encode()])
        self.service("stop")
        self.assertIn("does not run", self.service("restart").words)  # it was not there, and is now
        self.assertEqual(self.health(int(port)), 200)

    def test_a_damaged_command_is_told(self):
        os.makedirs(self.state)
        for data in (b"", b"no end"):
            with open(os.path.join(self.state, "hone.command"), "wb") as f:
                f.write(data)
            self.assertIn("does not say what was started", self.service("restart", status=1).words)

    def test_lines_of_all_files(self):
        os.makedirs(self.state)
        lines = [f"line {i} {'x' * (i % 50 * 100)}\n" for i in range(400)] + ["the last, without an end"]
        for name, part in (("hone.log.2", lines[:100]), ("hone.log.1", lines[100:250]), ("hone.log", lines[250:])):
            with open(os.path.join(self.state, name), "w") as f:
                f.write("".join(part))
        self.assertEqual(self.service("log").text, "".join(lines))
        for n in (1, 2, 150, 151, 152, 301, 302, 400, 401, 500):
            self.assertEqual(self.service("log", "-n", str(n)).text, "".join(lines[-n:]), n)
        self.service("log", "-n", "0", status=2)

    def test_follow_over_a_turn(self):
        os.makedirs(self.state)
        log = os.path.join(self.state, "hone.log")
        with open(log, "w") as f:
            f.write("one\ntwo\n")
        reader = subprocess.Popen([HONE, "service", "log", "--state", self.state, "-n", "1", "-f"], stdout=subprocess.PIPE)
        self.addCleanup(reader.wait)
        self.addCleanup(reader.stdout.close)
        self.addCleanup(reader.kill)
        self.assertEqual(reader.stdout.readline(), b"two\n")
        with open(log, "a") as f:
            f.write("three\n")
        os.rename(log, log + ".1")
        with open(log, "w") as f:
            f.write("four\n")
        self.assertEqual([reader.stdout.readline() for _ in range(2)], [b"three\n", b"four\n"])

    def test_profiles(self):
        port = free_port()
        self.service("start", "-m", EMBED, "--port", str(port), "--profile", "latency", "--max-queue", "9")
        self.assertIn("\"profile latency: batching adaptive-batch, window 0, batch-tokens 2048, queue-timeout 5\"", self.service("log").text)
        self.service("stop")
        self.assertIn("--profile must be one of throughput|latency|small-memory, not 'fast'",
                      self.service("start", "-m", EMBED, "--profile", "fast", status=1).words)
        for name in ("throughput", "small-memory"):
            self.service("start", "-m", EMBED, "--port", str(port), env={**os.environ, "HONE_PROFILE": name})
            self.assertIn(f"profile {name}: ", self.service("log", "-n", "9").text)
            self.assertEqual(self.health(port), 200)
            self.service("stop")

    def test_no_log_yet(self):
        self.assertIn("hone.log", self.service("log", status=1).words)


main()
