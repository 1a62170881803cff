"""hone service: a server in the background."""
import http.client
import os
import socket

from support import EMBED, Case, main


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

    def test_no_log_yet(self):
        self.assertIn("hone.log", self.service("log", status=1).words)


main()
