"""Generation that says the same whenever it is asked: kept, where that is asked for, and computed once for equal requests at the
same time."""
import os
import socket
import threading
import time

from serving import FIXTURES, Case, Server, main

CAUSAL = os.path.join(FIXTURES, "causal")


class Flights(Case):
    def serve(self, *arguments):
        server = Server("-m", f"a={CAUSAL}", *arguments, log_path=self.path("log"))
        self.addCleanup(server.stop)
        return server

    def figure(self, server, name):
        return next(float(line.split()[-1]) for line in server.get("/metrics").body.decode().splitlines() if line.startswith(name))

    def complete(self, server, **fields):
        reply = server.post("/v1/completions", {"prompt": "hello", "max_tokens": 8, "ignore_eos": True, **fields})
        self.assertEqual(reply.status, 200, reply.body)
        return reply

    def test_kept(self):
        server = self.serve("--completion-cache", "4")
        for fields, kept in (({"temperature": 0}, True), ({"seed": 5, "temperature": 1}, True), ({"temperature": 1}, False),
                             ({"temperature": 1, "seed": -1}, False)):
            with self.subTest(fields):
                before = self.figure(server, "hone_completions_repeated_total")
                first, second = self.complete(server, **fields), self.complete(server, **fields)
                self.assertEqual(first.body == second.body, kept)
                self.assertEqual(self.figure(server, "hone_completions_repeated_total") - before, kept)
        chat = {"prompt": "hello", "temperature": 0, "max_tokens": 4, "stream": True}
        self.assertNotEqual(server.post("/v1/completions", chat).body, server.post("/v1/completions", chat).body)  # has ids of its own

    def test_not_kept_unless_asked_for(self):
        server = self.serve()
        first, second = self.complete(server, temperature=0), self.complete(server, temperature=0)
        self.assertNotEqual(first.json["id"], second.json["id"])
        self.assertEqual(first.json["choices"], second.json["choices"])

    def test_age(self):
        server = self.serve("--completion-cache", "4", "--completion-ttl", "0.01")
        first = self.complete(server, temperature=0)
        time.sleep(0.05)
        self.assertNotEqual(self.complete(server, temperature=0).json["id"], first.json["id"])

    def at_once(self, server, n, **fields):
        replies = [None] * n

        def ask(i):
            replies[i] = self.complete(server, **fields)
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(n)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return replies

    def test_equal_ones_at_once(self):
        server = self.serve()
        n_new = 3000
        replies = self.at_once(server, 8, temperature=0, max_tokens=n_new)
        joined = self.figure(server, "hone_completions_joined_total")
        self.assertEqual(len({r.json["choices"][0]["text"] for r in replies}), 1)
        self.assertGreaterEqual(joined, 1)
        self.assertEqual(self.figure(server, "hone_generation_tokens_total"), n_new * (8 - joined))
        self.at_once(server, 4, temperature=1, max_tokens=500)  # these are no equals
        self.assertEqual(self.figure(server, "hone_completions_joined_total"), joined)

    def test_the_one_that_is_waited_for_leaves(self):
        server = self.serve()
        body = b'{"prompt": "hello", "max_tokens": 4000, "ignore_eos": true, "temperature": 0}'
        request = b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        leader = socket.create_connection(("127.0.0.1", server.port))
        leader.sendall(request)
        until = time.monotonic() + 60
        while self.figure(server, "hone_generation_active") < 1 and time.monotonic() < until:
            time.sleep(0.001)
        replies = []
        thread = threading.Thread(target=lambda: replies.append(server.request("POST", "/v1/completions", body)))
        thread.start()
        while self.figure(server, "hone_completions_joined_total") < 1 and thread.is_alive():
            time.sleep(0.001)
        leader.close()
        thread.join()
        self.assertEqual(replies[0].status, 200, replies[0].body)
        self.assertEqual(replies[0].json["usage"]["completion_tokens"], 4000)


if __name__ == "__main__":
    main()
