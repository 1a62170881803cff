"""Whatever comes in, the server answers in the dialect's form, stays up, and its other clients notice nothing."""
import concurrent.futures
import json
import random
import resource
import socket
import struct
import time

from serving import CLASSIFY, EMBED, PATIENCE, ServerCase, main

TEXT_PATHS = {"/api/v1/embed": "texts", "/v1/embeddings": "input", "/embed": "inputs", "/embed_all": "inputs",
              "/predict": "inputs", "/tokenize": "content"}


class BadInputCase(ServerCase):
    models = [f"embed={EMBED}", f"classify={CLASSIFY}"]

    def tearDown(self):
        self.assertEqual(len(self.post("/embed", {"inputs": ["still here"]}).json), 1)

    def head(self, answer):
        """(status, whether the connection is closed, body) of raw bytes."""
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), b"connection: close" in head.lower(), body


class TestBodies(BadInputCase):
    arguments = ["--max-body", "1"]

    def test_what_is_no_json_object(self):
        for path in TEXT_PATHS:
            for body in (b"", b"{", b"null", b"[]", b'"a"', b"{'a': 1}", b'{"inputs": NaN}', b'{"inputs": 1e999}', b"\xff\xfe",
                         b'{"inputs": "\xc3\x28"}', b'{"inputs": "\\ud800"}', b"[" * 100000, b'{"a":' * 5000, b"{}x"):
                reply = self.server.post(path, body)
                self.assertIn(reply.status, (400, 422), body[:40])
                self.assertIn("error", reply.json)

    def test_wrong_types(self):
        values = [None, True, 5, -1, 1.5, {}, {"a": "b"}, [None], [[]], [[None]], [True], ["a", 5], [5, "a"], [[1], "a"],
                  [1.5], [-1], [10**18], [[10**18]], [["a"], 1]]
        for path, name in TEXT_PATHS.items():
            for value in values:
                reply = self.server.post(path, {name: value})
                self.assertIn(reply.status, (400, 413, 422, 424), (path, value, reply.body))
                self.assertIn("error", reply.json)

    def test_too_large(self):
        for path in ("/embed", "/v1/embeddings"):
            reply = self.server.post(path, b" " * (3 << 20))
            self.assertEqual(reply.status, 413)
            self.assertIn("error", reply.json)

    def test_too_many_texts(self):
        for path, status in (("/v1/embeddings", 400), ("/embed", 413), ("/api/v1/embed", 400)):
            self.post(path, {TEXT_PATHS[path]: ["a"] * 2049}, status=status)
            self.assertEqual(self.server.post(path, {TEXT_PATHS[path]: ["a"] * 2048}).status, 200)

    def test_chunked(self):
        c = self.server.connect()
        c.request("POST", "/embed", iter([b'{"inp', b'uts": ', b'"a"}']), encode_chunked=True,
                  headers={"Transfer-Encoding": "chunked"})
        self.assertEqual(c.getresponse().status, 200)
        c.close()
        c = self.server.connect()
        c.request("POST", "/embed", (b" " * 65536 for _ in range(40)), encode_chunked=True,
                  headers={"Transfer-Encoding": "chunked"})
        self.assertEqual(c.getresponse().status, 413)
        c.close()

    def test_random_json(self):
        chance = random.Random(7)

        def value(depth):
            kind = chance.randrange(9 if depth else 7)
            if kind == 7:
                return [value(depth - 1) for _ in range(chance.randrange(4))]
            if kind == 8:
                return {chance.choice(names): value(depth - 1) for _ in range(chance.randrange(4))}
            return [None, True, chance.randrange(-5, 40000), chance.uniform(-1e9, 1e9), "text", "", "\u0000é\u2028"][kind]
        names = ["model", "input", "inputs", "texts", "text", "query", "documents", "top_n", "dimensions", "truncate",
                 "ids", "tokens", "content", "prompt_name", "normalize", "text_1", "text_2", "source_sentence", "sentences",
                 "rank_fields", "encoding_format", "prompt"]
        paths = [*TEXT_PATHS, "/rerank", "/v1/rerank", "/v2/rerank", "/v1/score", "/similarity", "/embed_sparse",
                 "/detokenize", "/decode"]
        c = self.server.connect()
        for _ in range(1500):
            body = {chance.choice(names): value(3) for _ in range(chance.randrange(6))}
            reply = self.server.post(chance.choice(paths), body, connection=c)
            self.assertIn(reply.status, (200, 400, 404, 413, 422, 424), (body, reply.body))
            reply.json
        c.close()


class TestHttp(BadInputCase):
    arguments = ["--idle-timeout", "2"]

    def test_two_lengths(self):
        """What a proxy before the server may understand in another way is no request, and nothing can follow it."""
        for headers in (b"Content-Length: 15\r\nContent-Length: 16", b"Content-Length: 15\r\nContent-Length: 15",
                        b"Content-Length: 15\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: gzip",
                        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"):
            status, closed, said = self.head(self.server.raw(b"POST /embed HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n\r\n"))
            self.assertEqual((status, closed), (400, True), headers)
            self.assertIn("how long the body is", json.loads(said)["error"])

    def test_who_asks_first_is_told_before_the_body_comes(self):
        head = b"POST /embed HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        status, closed, _ = self.head(self.server.raw(head % (1 << 40)))
        self.assertEqual((status, closed), (413, True))
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE) as s:
            s.sendall(head % 15)
            self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 100"))
            s.sendall(b'{"inputs": "a"}')
            self.assertTrue(s.recv(100).startswith(b"HTTP/1.1 200"))

    def test_paths_and_methods(self):
        for path in ("/nothing", "/v1", "/embed/", "/../etc/passwd", "/%00", "/health%00", "/health%2f", "/v1/models/a/b"):
            self.get(path, status=404)
        for path in ("/embed", "/v1/embeddings", "/rerank"):
            self.assertEqual(self.get(path, status=405).headers["Allow"], "POST")
        for path, methods in (("/health", "GET, HEAD"), ("/", "GET, HEAD, POST")):
            reply = self.server.request("DELETE", path)
            self.assertEqual((reply.status, reply.headers["Allow"]), (405, methods))
        self.assertEqual(self.server.request("HEAD", "/health").status, 200)

    def test_pipelining(self):
        one = b'POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%s\r\n%s'
        bodies = [json.dumps({"inputs": text}).encode() for text in ("a", "a test", 5)]
        data = b"".join(one % (len(b), b"Connection: close\r\n" if i == 2 else b"", b) for i, b in enumerate(bodies))
        answer = self.server.raw(data)
        self.assertEqual(answer.count(b"HTTP/1.1 200"), 2)
        self.assertEqual(answer.count(b"HTTP/1.1 422"), 1)
        self.assertLess(answer.rindex(b"HTTP/1.1 200"), answer.index(b"HTTP/1.1 422"))

    def test_clients_that_leave(self):
        body = json.dumps({"inputs": [f"text {i} to be left" for i in range(500)]}).encode()
        request = b"POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        for i in range(60):
            s = socket.create_connection(("127.0.0.1", self.server.port))
            s.sendall(request[:len(request) if i % 2 else random.Random(i).randrange(len(request))])
            if i % 3:  # with a reset
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        deadline = time.monotonic() + PATIENCE
        while self.get("/metrics.json").json["http"]["requests_in_flight"] > 1:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)


class TestSlow(BadInputCase):
    arguments = ["--read-timeout", "3", "--idle-timeout", "3"]

    def test_not_http(self):
        for data in (b"\r\n\r\n", b"GARBAGE\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n",
                     b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", b"POST /embed HTTP/1.1\r\nContent-Length: x\r\n\r\n",
                     b"POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
                     b"POST /embed HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                     b"GET /health HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 5000 + b"\r\n"):
            try:
                answer = self.server.raw(data)
            except ConnectionResetError:
                continue
            self.assertFalse(answer.startswith(b"HTTP/1.1 2"), (data[:60], answer[:60]))

    def test_half_a_request_and_silence_is_408(self):
        def ask(data):
            start = time.monotonic()
            answer = self.server.raw(data)
            return time.monotonic() - start, *self.head(answer)

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for seconds, status, closed, body in pool.map(ask, (
                    b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"input\":",
                    b"POST /v1/embeddings HTTP/1.1\r\nHost: a\r\n", b"POST")):
                self.assertEqual((status, closed), (408, True))
                self.assertGreater(seconds, 2)  # the server's clock began a moment before
                self.assertIn("error", json.loads(body))

    def test_a_byte_now_and_then_is_too_slow(self):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE) as s:
            s.sendall(b"POST /embed HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
            with self.assertRaises(OSError):
                for _ in range(1000000):
                    s.sendall(b" ")
                    time.sleep(0.2)

    def test_idle_connections_are_closed_without_a_word(self):
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=PATIENCE) as s:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertIn(b"200 OK", s.recv(4096))
            self.assertEqual(s.recv(4096), b"")


class TestManyClients(BadInputCase):
    def test_each_gets_its_own_answer(self):
        texts = [f"client {i % 50} says {i // 50}" for i in range(400)]
        wanted = dict(zip(texts, self.embedded(texts)))

        def ask(part):
            c = self.server.connect()
            for text in part:
                self.assertEqual(self.server.post("/embed", {"inputs": text}, connection=c).json, [wanted[text]])
            c.close()
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            for done in [pool.submit(ask, texts[i::40]) for i in range(40)]:
                done.result()

    def test_ten_thousand_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        n = min(10000, hard - 500)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        sockets = []
        try:
            for _ in range(n):
                s = socket.socket()
                s.setblocking(False)
                s.connect_ex(("127.0.0.1", self.server.port))
                sockets.append(s)
            time.sleep(0.5)
        finally:
            for s in sockets:
                s.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.assertEqual(self.get("/health").json["status"], "ok")


class TestFull(BadInputCase):
    arguments = ["--max-queue", "1", "--max-requests", "2", "--cache-size", "0"]

    def test_429_tells_when_to_come_back(self):
        body = {"inputs": [f"text {i} of a long request" for i in range(2000)]}
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            replies = [r.result() for r in [pool.submit(self.server.post, "/embed", body) for _ in range(16)]]
        busy = [r for r in replies if r.status == 429]
        self.assertEqual({r.status for r in replies}, {200, 429})
        for r in busy:
            self.assertGreaterEqual(int(r.headers["Retry-After"]), 1)
            self.assertEqual(r.json["error_type"], "Overloaded")


class TestLate(BadInputCase):
    arguments = ["--request-timeout", "0.01", "--cache-size", "0"]

    def tearDown(self):
        self.assertEqual(self.get("/health").status, 200)

    def test_503(self):
        body = {"inputs": [f"text {i} of a long request" for i in range(2000)]}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = [r.result() for r in [pool.submit(self.server.post, "/embed", body) for _ in range(8)]]
        self.assertIn(503, {r.status for r in replies})


main()
