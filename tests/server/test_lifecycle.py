"""Starting, settings, keys, TLS, systemd, reloading, draining."""
import concurrent.futures
import hashlib
import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest

from serving import CLASSIFY, EMBED, FIXTURES, ROOT, Case, Server, main

CAUSAL = os.path.join(FIXTURES, "causal")


class LifecycleCase(Case):
    def start(self, *arguments, models=(f"embed={EMBED}",), **how):
        flags = [flag for model in models for flag in ("-m", model)]
        server = Server(*flags, *arguments, log_path=self.path(f"log{time.monotonic_ns()}"), **how)
        self.addCleanup(server.stop)
        return server


class TestSettings(LifecycleCase):
    def refused(self, *arguments, **how):
        run = self.hone("serve", *arguments, status=2, **how)
        return run.words

    def test_a_model_is_needed(self):
        self.assertIn("no model", self.refused())

    def test_nonsense_is_named(self):
        self.assertIn("--port must be a whole number", self.refused("-m", EMBED, "--port", "x"))
        self.assertIn("there is no port", self.refused("-m", EMBED, "--port", "70000"))
        self.assertIn("--log-format must be one of", self.refused("-m", EMBED, "--log-format", "xml"))
        environment = {**os.environ, "HONE_MAX_QUEUE": "many"}
        self.assertIn("HONE_MAX_QUEUE must be", self.refused("-m", EMBED, env=environment))
        self.assertIn("go together", self.refused("-m", EMBED, "--tls-cert", "x"))
        self.assertIn("two models", self.refused("-m", EMBED, "-m", EMBED, "--port", "0"))

    def test_misspelt_variables_are_told(self):
        for name in ("HONE_MAX_QUEU", "HONE_", "HONE_max_queue", "HONE_MAX-QUEUE", "HONE_" + "X" * 100):
            words = self.refused("-m", EMBED, env={**os.environ, name: "5"})
            self.assertIn(name[:50], words)
            self.assertIn("no such setting", words)
        self.start(environment={"HONE_MAX_QUEUE": "5", "HONE_CPU": "avx2", "HONE_SERVICE_HOST": "10.0.0.1",
                                "HONE_SERVICE_PORT_HTTP": "80", "HONE_PORT_80_TCP_ADDR": "10.0.0.1", "HONEY": "x"})

    def test_mistakes_in_the_file_have_their_line(self):
        config = self.file("hone.conf", f"# remark\nmodel = {EMBED}\nmax-quue = 5\n")
        self.assertIn(f"{config}:3: there is no setting 'max-quue'", self.refused("-c", config))
        config = self.file("other.conf", "port\n")
        self.assertIn(f"{config}:1: expected", self.refused("-c", config))

    def test_flags_count_before_the_environment_and_that_before_the_file(self):
        config = self.file("hone.conf", f"model = a={EMBED}\nmax-batch = 1\nmax-body = 1\nmax-requests=7\n")
        server = self.start("-c", config, "--max-batch", "3", models=(),
                            environment={"HONE_MAX_BATCH": "2", "HONE_MAX_REQUESTS": "5"})
        info = server.get("/info").json
        self.assertEqual((info["max_client_batch_size"], info["max_concurrent_requests"]), (3, 5))
        self.assertEqual(server.post("/embed", b" " * (1 << 20) + b" ").status, 413)

    def test_the_name_of_a_model_is_its_files(self):
        copy = self.path("my.model")
        shutil.copytree(EMBED, copy)
        server = self.start(models=(copy + "/", f"x={CLASSIFY}"))
        self.assertEqual([m["id"] for m in server.get("/v1/models").json["data"]], ["my.model", "x"])

    def test_a_missing_model_is_status_3(self):
        run = self.hone("serve", "-m", "/nowhere.gguf", "--port", "0", status=3)
        self.assertIn("/nowhere.gguf", run.words)


class TestListening(LifecycleCase):
    def test_unix_socket(self):
        path = self.path("sock")
        server = self.start(socket_path=path, port=False)
        self.assertEqual(server.get("/health").status, 200)
        self.assertIsNone(server.port)
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(path))

    def test_a_socket_that_was_left_is_taken_over_and_a_live_one_is_not(self):
        path = self.path("sock")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
        self.start(socket_path=path, port=False)
        self.hone("serve", "-m", EMBED, "--socket", path, status=1)

    def test_both(self):
        server = self.start(socket_path=self.path("sock"))
        self.assertEqual(server.get("/health").status, 200)

    def test_a_port_in_use_is_told(self):
        server = self.start()
        run = self.hone("serve", "-m", EMBED, "--port", str(server.port), status=1)
        self.assertIn("in use", run.words)

    def test_systemd_hands_over_a_socket_and_is_told(self):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(self.path("notify"))
        notify.settimeout(60)
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        script = 'exec 3<&"$1"; export LISTEN_PID=$$ LISTEN_FDS=1; shift; exec "$@"'
        from serving import HONE
        with open(self.path("log"), "wb") as log:
            process = subprocess.Popen(["bash", "-c", script, "bash", str(listener.fileno()), HONE, "serve", "-m", EMBED],
                                       pass_fds=[listener.fileno()], stderr=log,
                                       env={**os.environ, "NOTIFY_SOCKET": self.path("notify")})
        listener.close()
        self.assertEqual(notify.recv(100), b"READY=1")
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        c.request("GET", "/health")
        self.assertEqual(c.getresponse().status, 200)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(notify.recv(100), b"STOPPING=1")
        self.assertEqual(process.wait(60), 0)
        notify.close()
        c.close()


class TestUnits(Case):
    def test_packed_weights_have_a_place(self):
        """A user without a home has none else: in the unit of the page, and in the one of the package."""
        for path in ("docs/http-api.md", "debian/hone-server.hone.service"):
            with open(os.path.join(ROOT, path)) as f:
                text = f.read()
            cache, = re.findall(r"^ *CacheDirectory=(\w+)$", text, re.M)
            self.assertTrue(re.search(rf"^ *Environment=XDG_CACHE_HOME=/var/cache/{cache}\b", text, re.M), path)


class TestKeys(LifecycleCase):
    def test_who_has_no_key_gets_401_in_each_dialect(self):
        keys = self.file("keys", "second\nthird\n")
        server = self.start("--api-keys-file", keys, environment={"HONE_API_KEY": "first"})
        self.assertEqual(server.get("/health").status, 200)
        for path, where in (("/v1/embeddings", ("error", "message")), ("/embed", ("error",)),
                            ("/v2/rerank", ("message",)), ("/rerank", ("detail",)), ("/tokenize", ("error", "message"))):
            reply = server.post(path, {"input": "a"})
            self.assertEqual((reply.status, reply.headers["WWW-Authenticate"]), (401, "Bearer"))
            said = reply.json
            for name in where:
                said = said[name]
            self.assertIn("key", said)
        for value in ("Bearer first", "Bearer second", "bearer third"):
            self.assertEqual(server.post("/embed", {"inputs": "a"}, headers={"Authorization": value}).status, 200)
        self.assertEqual(server.post("/embed", {"inputs": "a"}, headers={"X-API-Key": "second"}).status, 200)
        for value in ("Bearer", "Bearer ", "Bearer firs", "Bearer firstx", "Basic first", "Bearer first second"):
            self.assertEqual(server.post("/embed", {"inputs": "a"}, headers={"Authorization": value}).status, 401)

    def test_hashes_of_keys(self):
        digest = hashlib.sha256(b"first").hexdigest()
        keys = self.file("keys", f"# of the first\r\n  sha256:{digest.upper()}\r\n\nsecond \n")
        server = self.start("--api-keys-file", keys)

        def status(key):
            return server.get("/info", headers={"X-API-Key": key}).status
        self.assertEqual([status(k) for k in ("first", "second", "third", "sha256:" + digest, digest, "#", "of")], [200, 200] + 5 * [401])
        self.file("keys", "third\n")
        server.signal(signal.SIGHUP)
        while "read anew" not in server.said():
            time.sleep(0.02)
        self.assertEqual([status(k) for k in ("first", "second", "third")], [401, 401, 200])
        for bad in ("sha256:", "sha256:" + digest[1:], "sha256:" + digest + "0", "sha256:" + "g" * 64):
            self.assertIn("64 hexadecimal", self.hone("serve", "-m", EMBED, "--api-key", bad, status=2).words)

    def test_what_is_kept_for_one_key_is_not_found_by_another(self):
        """How long an answer takes would tell what others have asked."""
        server = self.start("--api-key", "a,b", models=(f"embed={EMBED}", f"c={CAUSAL}"))

        def ask(key, path, body):
            return server.post(path, body, headers={"X-API-Key": key}).json

        def hits(key, path, body):
            """What is found in caches: whole answers, token ids, embeddings."""
            before = self.figures(server)
            ask(key, path, body)
            return [now - then for now, then in zip(self.figures(server), before)]
        body = {"input": "a text of one client alone", "model": "embed"}
        self.assertEqual(hits("a", "/v1/embeddings", body), [0, 0, 0])
        self.assertEqual(hits("b", "/v1/embeddings", body), [0, 0, 0])
        self.assertEqual(hits("a", "/v1/embeddings", body), [1, 0, 0])
        self.assertEqual(hits("a", "/v1/embeddings", {**body, "user": "x"}), [0, 0, 1])
        self.assertEqual(hits("b", "/v1/embeddings", {**body, "user": "y"}), [0, 0, 1])
        prompt = {"prompt": "the quick brown fox jumps over the lazy dog, " * 4, "max_tokens": 2, "model": "c"}

        def cached(key):
            return ask(key, "/v1/completions", prompt)["usage"]["prompt_tokens_details"]["cached_tokens"]
        self.assertEqual([cached(key) > 0 for key in "abaab"], [False, False, True, True, True])

    def figures(self, server):
        text = server.get("/metrics", headers={"X-API-Key": "a"}).body.decode()
        names = ('hone_http_answers_repeated_total', 'hone_cache_hits_total{model="embed",cache="tokens"}',
                 'hone_cache_hits_total{model="embed",cache="embeddings"}')
        return [float(line.split()[-1]) for name in names for line in text.splitlines() if line.startswith(name + " ")]

    def test_a_file_without_keys_is_refused(self):
        self.assertIn("no key", self.hone("serve", "-m", EMBED, "--api-keys-file", self.file("keys", "\n"), status=2).words)


class TestCors(LifecycleCase):
    def test_pages_may_ask(self):
        server = self.start("--cors", "https://page.example")
        reply = server.request("OPTIONS", "/embed", headers={"Origin": "https://page.example",
                                                             "Access-Control-Request-Method": "POST"})
        self.assertEqual(reply.status, 204)
        self.assertEqual(reply.headers["Access-Control-Allow-Origin"], "https://page.example")
        self.assertIn("POST", reply.headers["Access-Control-Allow-Methods"])
        self.assertIn("authorization", reply.headers["Access-Control-Allow-Headers"].lower())
        self.assertEqual(server.get("/health").headers["Access-Control-Allow-Origin"], "https://page.example")

    def test_they_may_not_unless_told(self):
        server = self.start()
        self.assertIsNone(server.get("/health").headers["Access-Control-Allow-Origin"])
        self.assertEqual(server.request("OPTIONS", "/embed").status, 405)


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class TestTls(LifecycleCase):
    def certificate(self, name):
        cert, key = self.path(name + ".pem"), self.path(name + ".key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                        "-subj", "/CN=" + name, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        return cert, key

    def ask(self, server, cert):
        c = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=ssl.create_default_context(cafile=cert))
        c.request("POST", "/embed", '{"inputs": "a"}')
        reply = c.getresponse()
        self.assertEqual((reply.status, len(reply.read()) > 10), (200, True))
        c.close()

    def test_https(self):
        cert, key = self.certificate("one")
        server = self.start("--tls-cert", cert, "--tls-key", key)
        self.ask(server, cert)

    def test_large_answers_and_clients_that_read_slowly(self):
        cert, key = self.certificate("one")
        server = self.start("--tls-cert", cert, "--tls-key", key)
        plain = self.start()
        body = json.dumps({"inputs": [f"text {i} " * 10 for i in range(500)]}).encode()
        wanted = plain.post("/embed_all", body).body
        context = ssl.create_default_context(cafile=cert)
        with socket.socket() as raw:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.settimeout(60)
            raw.connect(("127.0.0.1", server.port))
            with context.wrap_socket(raw, server_hostname="127.0.0.1") as s:
                s.sendall(b"POST /embed_all HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                time.sleep(0.5)
                answer = b""
                while part := s.recv(100000):
                    answer += part
        self.assertTrue(answer.split(b"\r\n\r\n", 1)[1] == wanted)

    def test_old_versions_and_static_keys_are_refused(self):
        cert, key = self.certificate("one")
        server = self.start("--tls-cert", cert, "--tls-key", key)
        version = ssl.TLSVersion
        for low, high, ciphers, good in ((version.TLSv1_3, version.TLSv1_3, "ALL", True),
                                         (version.TLSv1_2, version.TLSv1_2, "ECDHE+AESGCM", True),
                                         (version.TLSv1_2, version.TLSv1_2, "kRSA", False),
                                         (version.TLSv1_1, version.TLSv1_1, "ALL", False),
                                         (version.TLSv1, version.TLSv1, "ALL", False)):
            context = ssl.create_default_context(cafile=cert)
            context.set_ciphers(ciphers + ":@SECLEVEL=0")
            context.minimum_version, context.maximum_version = low, high
            try:
                with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
                    with context.wrap_socket(raw, server_hostname="127.0.0.1") as s:
                        self.assertTrue(good, (low, ciphers, s.cipher()))
            except (ssl.SSLError, ConnectionResetError):
                self.assertFalse(good, (low, ciphers))
        self.ask(server, cert)

    def test_a_reload_takes_a_new_certificate(self):
        cert, key = self.certificate("one")
        server = self.start("--tls-cert", cert, "--tls-key", key)
        other, other_key = self.certificate("other")
        os.replace(other, cert)
        os.replace(other_key, key)
        server.signal(signal.SIGHUP)
        while "read anew" not in server.said():
            time.sleep(0.02)
        self.ask(server, cert)

    def test_what_is_no_certificate_is_told(self):
        bad = self.file("bad.pem", "nothing")
        run = self.hone("serve", "-m", EMBED, "--port", "0", "--tls-cert", bad, "--tls-key", bad, status=1)
        self.assertIn("certificate", run.words)


class TestReload(LifecycleCase):
    def reload(self, server, word):
        n = server.said().count(word)
        server.signal(signal.SIGHUP)
        while server.said().count(word) == n:
            self.assertIsNone(server.process.poll(), server.said())
            time.sleep(0.02)

    def test_models_and_limits(self):
        config = self.file("hone.conf", f"model = a={EMBED}\nmax-batch = 5\n")
        server = self.start("-c", config, models=())
        self.file("hone.conf", f"model = a={EMBED}\nmodel = b={CLASSIFY}\nmax-batch = 6\n")
        self.reload(server, "read anew")
        self.assertEqual([m["id"] for m in server.get("/v1/models").json["data"]], ["a", "b"])
        self.assertEqual(server.get("/info").json["max_client_batch_size"], 6)
        self.assertEqual(server.said().count("model 'a'"), 1)  # it was not opened again
        self.file("hone.conf", "nonsense\n")
        self.reload(server, "stay as they were")
        self.assertEqual(server.get("/info").json["max_client_batch_size"], 6)
        self.file("hone.conf", f"model = b={CLASSIFY}\n")
        self.reload(server, "read anew")
        self.assertEqual([m["id"] for m in server.get("/v1/models").json["data"]], ["b"])

    def test_connections_stay(self):
        config = self.file("hone.conf", f"model = a={EMBED}\nmodel = causal={CAUSAL}\n")
        server = self.start("-c", config, models=())
        idle, streaming, sending = (server.connect() for _ in range(3))

        def models(c):
            reply = server.get("/v1/models", connection=c)
            self.assertNotIn("close", reply.headers.get("Connection", ""))
            return [m["id"] for m in reply.json["data"]]
        self.assertEqual(models(idle), ["a", "causal"])
        streaming.request("POST", "/v1/completions", json.dumps({"prompt": "a", "max_tokens": 60, "stream": True}))
        stream = streaming.getresponse()
        sending.connect()
        sending.sock.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n")
        time.sleep(0.05)
        sockets = [c.sock for c in (idle, streaming, sending)]
        self.file("hone.conf", f"model = b={EMBED}\nmodel = causal={CAUSAL}\n")
        server.signal(signal.SIGHUP)
        while models(idle) != ["b", "causal"]:
            time.sleep(0.02)
        self.assertNotIn("read anew", server.said())  # a request began before that
        sending.sock.sendall(b"\r\n")
        self.assertIn(b'"a"', sending.sock.recv(10000))
        self.assertIn(b"[DONE]", stream.read())
        for c in (idle, streaming, sending):
            self.assertEqual(models(c), ["b", "causal"])
        self.assertEqual(sockets, [idle.sock, streaming.sock, sending.sock])
        for c in (idle, streaming, sending):
            c.close()

    def test_other_limits_of_connections_close_them(self):
        config = self.file("hone.conf", f"model = a={EMBED}\nmax-connections = 20\n")
        server = self.start("-c", config, models=())
        c = server.connect()
        self.assertEqual(server.get("/health", connection=c).status, 200)
        self.file("hone.conf", f"model = a={EMBED}\nmax-connections = 21\n")
        self.reload(server, "read anew")
        self.assertEqual(c.sock.recv(1), b"")
        c.close()
        self.assertEqual(server.get("/health").status, 200)

    def test_a_client_that_does_not_read_holds_nobody_up(self):
        server = self.start("--drain-timeout", "1")
        c = server.connect()
        body = json.dumps({"inputs": ["word " * 50] * 2000}).encode()
        c.sock = socket.socket()
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.sock.connect(("127.0.0.1", server.port))
        c.request("POST", "/embed_all", body)
        while not select.select([c.sock], [], [], 1)[0]:
            pass
        self.reload(server, "read anew")
        self.assertEqual(server.get("/health").status, 200)
        c.close()

    def test_an_end_while_settings_are_read_anew(self):
        server = self.start(models=(f"causal={CAUSAL}",))
        c = server.connect()
        c.request("POST", "/v1/completions", json.dumps({"prompt": "a", "max_tokens": 10**6, "stream": True}))
        self.assertEqual(c.getresponse().status, 200)
        server.signal(signal.SIGHUP)
        time.sleep(0.2)
        self.assertEqual(server.stop(), 0)
        c.close()

    def test_nobody_notices(self):
        server = self.start()
        stop = False

        def ask():
            n = 0
            while not stop:
                self.assertEqual(server.post("/embed", {"inputs": ["a", "b"]}).status, 200)
                n += 1
            return n
        with concurrent.futures.ThreadPoolExecutor() as pool:
            clients = [pool.submit(ask) for _ in range(4)]
            try:
                for _ in range(4):
                    self.reload(server, "read anew")
                    time.sleep(0.1)
            finally:
                stop = True
            self.assertTrue(all(c.result() > 0 for c in clients))


class TestDrain(LifecycleCase):
    def test_requests_on_their_way_are_answered(self):
        server = self.start("--cache-size", "0")
        body = {"inputs": [f"text number {i} of many" for i in range(2000)]}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = [pool.submit(server.post, "/embed", body) for _ in range(8)]
            deadline = time.monotonic() + 30
            while server.get("/metrics.json").json["http"]["requests_in_flight"] < 9 and time.monotonic() < deadline:
                if all(r.done() for r in replies):
                    break
            server.signal(signal.SIGTERM)
            self.assertEqual([(r.result().status, len(r.result().json)) for r in replies], [(200, 2000)] * 8)
        self.assertEqual(server.process.wait(60), 0)

    def test_idle_connections_do_not_hold_it_up(self):
        server = self.start()
        connections = [server.connect() for _ in range(5)]
        for c in connections:
            server.get("/health", connection=c)
        start = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - start, 20)
        for c in connections:
            c.close()


main()
