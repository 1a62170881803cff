"""Many clients at once: connections on which nothing is said, and clients that leave in the middle of streams. What they took is
given back.

HONE_CROWD: connections (1000); HONE_LEAVING: seconds of leaving (2). make crowd takes 10,000 and five minutes.
"""
import json
import os
import random
import resource
import socket
import struct
import threading
import time

from serving import EMBED, FIXTURES, HONE, PATIENCE, Case, Server, main

CAUSAL = os.path.join(FIXTURES, "causal")
CROWD = int(os.environ.pop("HONE_CROWD", 1000))
LEAVING = float(os.environ.pop("HONE_LEAVING", 2))
A_SECOND = 100  # that leave
SANITIZED = "san/" in HONE  # which keep what was freed for a while


def tell(words):
    if CROWD > 1000:
        print(words, flush=True)


class Crowd(Case):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < 2 * CROWD:
            self.skipTest(f"a process may have {hard} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def start(self, *arguments):
        # Caches that are full at once: in five minutes they take 240 MB of what they may, which is no loss, but hides one.
        server = Server("-m", f"embed={EMBED}", "-m", f"c={CAUSAL}", "--max-connections", str(CROWD + 100), "--cache-size", "1",
                        "--kv-tokens", "8192", *arguments, log_path=self.path("log"))
        self.addCleanup(server.stop)
        for _ in range(20):  # what is made once is made now
            self.ask(server)
        return server

    def ask(self, server):
        self.assertEqual(server.get("/health").status, 200)
        self.assertEqual(server.post("/embed", {"inputs": f"{random.random()}"}).status, 200)
        self.assertEqual(server.post("/v1/completions", {"model": "c", "prompt": f"{random.random()}", "max_tokens": 3}).status, 200)

    def held(self, server):
        """Descriptors, and bytes of memory."""
        process = f"/proc/{server.process.pid}"
        with open(f"{process}/statm") as f:
            pages = int(f.read().split()[1])
        return len(os.listdir(f"{process}/fd")), pages * resource.getpagesize()

    def wait_for(self, true):
        until = time.monotonic() + PATIENCE
        while not true():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)

    def check_given_back(self, server, before):
        self.wait_for(lambda: self.held(server)[0] <= before[0])
        self.ask(server)
        if not SANITIZED:
            self.assertLess(self.held(server)[1] - before[1], 32 << 20)
        self.assertEqual(server.stop(), 0)

    def test_silent_connections(self):
        server = self.start()
        before = self.held(server)
        clients = []
        for i in range(CROWD):
            s = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
            if i % 3 == 1:  # asked once
                s.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            if i % 3 == 2:  # half a request
                s.sendall(b"POST /embed HTTP/1.1\r\nHost: x\r\nContent-Le")
            clients.append(s)
        self.wait_for(lambda: self.held(server)[0] > CROWD)
        self.ask(server)
        cost = (self.held(server)[1] - before[1]) / CROWD
        if not SANITIZED:
            self.assertLess(cost, 32 << 10)
        tell(f"{CROWD} connections: {cost / 1024:.1f} KB each")
        for s in clients[1::3]:
            self.assertIn(b"200 OK", s.recv(4096))
        for s in clients:
            s.close()
        self.check_given_back(server, before)

    def leave(self, server, until, n):
        while time.monotonic() < until:
            begun = time.monotonic()
            body = json.dumps({"model": "c", "prompt": f"a {random.random()}", "max_tokens": 200, "ignore_eos": True,
                               "stream": random.random() < 0.8}).encode()
            with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as s:
                s.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                time.sleep(0.02 * random.random())
                if random.random() < 0.5:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            n.append(1)
            time.sleep(max(0, 10 / A_SECOND - (time.monotonic() - begun)))

    def test_leavers(self):
        server = self.start()
        before, n = self.held(server), []
        threads = [threading.Thread(target=self.leave, args=(server, time.monotonic() + LEAVING, n)) for _ in range(10)]
        for t in threads:
            t.start()
        while threads[0].is_alive():
            self.ask(server)  # who stays is served meanwhile
        for t in threads:
            t.join()
        tell(f"{len(n)} clients left")
        self.assertGreater(len(n), 0)
        self.check_given_back(server, before)


if __name__ == "__main__":
    main()
