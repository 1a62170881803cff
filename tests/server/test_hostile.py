"""What clients and machines do to a server: leaving at any moment, signals on threads of others, hostile requests."""
import errno
import http.client
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from serving import EMBED, FIXTURES, HONE, PATIENCE, Case, Server, UnixConnection, main

CAUSAL = os.path.join(FIXTURES, "causal")


class HostileCase(Case):
    def start(self, *arguments, models=(f"embed={EMBED}",), **how):
        flags = [flag for model in models for flag in ("-m", model)]
        server = Server(*flags, *arguments, log_path=self.path(f"log{time.monotonic_ns()}"), **how)
        self.addCleanup(server.stop)
        return server


class TestSignals(HostileCase):
    THREAD = """
        #include <pthread.h>
        #include <unistd.h>
        static void *wait_for_ever(void *arg) { for (;;) pause(); return arg; }
        __attribute__((constructor)) static void start(void)
        {
            pthread_t thread;
            pthread_create(&thread, NULL, wait_for_ever, NULL);
        }
        """

    @unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
    def test_a_thread_that_a_library_made_before_main_takes_none(self):
        """As OpenBLAS' does, which blocks no signal: the system may give it any that the process gets."""
        library = self.path("thread.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-pthread", "-x", "c", "-", "-o", library], input=self.THREAD.encode(), check=True)
        options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        server = self.start(environment={"LD_PRELOAD": library, "ASAN_OPTIONS": options})
        end = time.monotonic() + 0.5
        while time.monotonic() < end:  # most while the first thread is busy with the one before
            server.signal(signal.SIGHUP)
        n = server.said().count("read anew")
        server.signal(signal.SIGHUP)
        while server.said().count("read anew") == n:
            self.assertIsNone(server.process.poll(), server.said())
            time.sleep(0.01)
        self.assertEqual(server.stop(), 0)
        self.assertIn("ending", server.said())


class TestSmuggling(HostileCase):
    """What two servers in a row could understand in two ways is refused, and nothing that follows is a request."""
    BODY = b'{"inputs": "a"}'
    SECOND = b"GET /info HTTP/1.1\r\nHost: y\r\nConnection: close\r\n\r\n"

    def test_heads(self):
        server = self.start()
        length = b"Content-Length: 15"
        for head in (b"Host: x\r\n" + length + b"\r\nTransfer-Encoding : chunked",
                     b"Host: x\r\n" + length + b"\r\nTransfer-Encoding\t: chunked",
                     b"Host: x\r\n" + length + b"\r\nTransfer-Encoding:\r\n chunked",
                     b"Host: x\r\n" + length + b"\r\nTransfer-Encoding:\r\n\tchunked",
                     b"Host: x\r\n" + length + b"\r\n Transfer-Encoding: chunked",
                     b"Host: x\r\n" + length + b"\r\nTransfer-Encoding: chunked",
                     b"Host: x\r\n" + length + b"\r\nTransfer-Encoding: identity",
                     b"Host: x\r\n" + length + b"\r\nX: y\x00\r\nZ: 1",
                     b"Host: x\r\n" + length + b"\r\nX: y\rZ: 1",
                     b"Host: x\r\nContent-Length: 15\r\nContent-Length: 0",
                     b"Host: x\r\nContent-Length : 15", b"Host: x\r\nContent-Length: +15", b"Host: x\r\nContent-Length: 15x",
                     b"Host: x\r\nContent-Length: 15,15", b"Host: x\nContent-Length: 15",
                     length, b"Host: x\r\nHost: y\r\n" + length, b"Host : x\r\n" + length, b"Host: x y\r\n" + length):
            answer = server.raw(b"POST /embed HTTP/1.1\r\n" + head + b"\r\n\r\n" + self.BODY + self.SECOND)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (head, answer))
            self.assertEqual(answer.count(b"HTTP/1."), 1, (head, answer))
            self.assertIn(b"Connection: close\r\n", answer)
            self.assertIn(b'{"error":"', answer)

    def test_chunks(self):
        server = self.start()
        head = b"POST /embed HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        good = head + b"f;a=b\r\n" + self.BODY + b"\r\n0\r\nX: y\r\n\r\n" + self.SECOND
        self.assertEqual(server.raw(good).count(b"HTTP/1.1 200"), 2)
        for chunks in (b"f\n%s\r\n0\r\n\r\n", b"f\r\n%s\n0\r\n\r\n", b"f \r\n%s\r\n0\r\n\r\n", b"0xf\r\n%s\r\n0\r\n\r\n",
                       b"f;\n\r\n%s\r\n0\r\n\r\n", b"f\r\n%sx\r\n0\r\n\r\n", b"1000000000000000f\r\n%s\r\n0\r\n\r\n"):
            answer = server.raw(head + chunks % self.BODY + self.SECOND)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (chunks, answer))
            self.assertEqual(answer.count(b"HTTP/1."), 1, (chunks, answer))

    def test_headers_may_be_as_large_as_is_said(self):
        server = self.start()
        for size, status in ((12000, b"200"), (15900, b"200"), (17000, b"431"), (200000, b"431")):
            fields = b"X: " + b"y" * size
            answer = server.raw(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields + b"\r\n\r\n")
            self.assertEqual(answer.split()[1], status, size)
        answer = server.raw(b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(answer.split()[1], b"414")
        answer = server.raw(b"GET /info?" + b"a&" * 5000 + b"model=embed HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertEqual(answer.split()[1], b"200")

    def test_a_nul_in_a_key(self):
        server = self.start("--api-key", "secret")
        request = b"GET /info HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: secret%s\r\n\r\n"
        self.assertEqual(server.raw(request % b"").split()[1], b"200")
        self.assertEqual(server.raw(request % b"\0x").split()[1], b"400")


class TestBlocking(HostileCase):
    def slowest(self, server, path, body, status):
        """The longest that /health takes while a long request is read, as a part of what that takes."""
        done = []

        def ask():
            begun = time.monotonic()
            reply = server.post(path, body)
            done.append((time.monotonic() - begun, reply.status, reply.body[:200]))
        thread = threading.Thread(target=ask)
        thread.start()
        slowest = 0
        while not done:
            begun = time.monotonic()
            self.assertEqual(server.get("/health").status, 200)
            slowest = max(slowest, time.monotonic() - begun)
        thread.join()
        self.assertEqual(done[0][1], status, done)
        return slowest / done[0][0]

    def test_a_long_text_keeps_nobody_waiting(self):
        server = self.start("--cache-size", "0", models=(f"c={CAUSAL}", f"embed={EMBED}"))
        for body in (b'{"model":"c","content":"' + b"ab " * (1 << 20) + b'"}', b'{"model":"embed","inputs":"' + b"ab " * (1 << 20) + b'"}'):
            self.assertLess(self.slowest(server, "/tokenize", body, 200), 0.5)

    def test_json_that_would_be_a_hundred_times_as_large(self):
        server = self.start("--cache-size", "0")
        before = server.get("/metrics.json").json["process"]["resident_bytes"]
        for value in (b"[]", b"{}", b"0"):
            body = b'{"inputs":"a","x":[' + b",".join([value] * ((15 << 20) // (len(value) + 1))) + b"]}"
            reply = server.post("/embed", body)
            self.assertEqual(reply.status, 413, reply.body)
            self.assertIn("values", reply.json["error"])
        after = server.get("/metrics.json").json["process"]["resident_bytes"]
        self.assertLess(after - before, 200e6)

    def test_answers_that_would_be_forty_times_as_large(self):
        server = self.start("--cache-size", "0")
        text = "a " * 3500000
        reply = server.post("/tokenize", json.dumps({"inputs": text}).encode())
        self.assertEqual(reply.status, 413, reply.body[:200])
        self.assertIn("the answer would take", reply.json["error"])
        reply = server.post("/tokenize", json.dumps({"content": text}).encode())
        self.assertEqual(reply.status, 200, reply.body[:200])
        self.assertEqual(len(reply.json["tokens"]), 3500000)
        # What was counted for them is free again.
        self.assertEqual(server.post("/tokenize", json.dumps({"inputs": text[:1000000]}).encode()).status, 200)
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
            peak = int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))
        self.assertLess(peak, 400e3)

    def test_tokens_that_would_be_much_text(self):
        """A few bytes of an id are as many as its token has, which are there twice while they are joined."""
        server = self.start("--cache-size", "0")
        def ask(path, name, n):
            return server.post(path, b'{"%s":[' % name + b"203," * (n - 1) + b"203]}")  # "similarity"
        for path, name in (("/detokenize", b"tokens"), ("/decode", b"ids")):
            reply = ask(path, name, 1600000)
            self.assertEqual(reply.status, 413, reply.body[:200])
            self.assertIn(b"the answer would take", reply.body)
        reply = ask("/detokenize", b"tokens", 1000000)
        self.assertEqual((reply.status, len(reply.json["content"])), (200, 11 * 1000000 - 1))

    def test_vectors_of_all_tokens_are_counted_before_they_are_computed(self):
        server = self.start("--cache-size", "0", "--memory", "300M", "--max-body", "1")  # an eighth of it for requests
        texts = ["a " * 100] * 2000
        for inputs in (texts, [[5] * 100] * 2000):
            reply = server.post("/embed_all", {"inputs": inputs, "truncate": True})
            self.assertEqual(reply.status, 413, reply.body[:200])
            self.assertIn("the answer would take", reply.json["error"])
        reply = server.post("/embed_all", {"inputs": texts[:20], "truncate": True})
        self.assertEqual((reply.status, len(reply.json)), (200, 20))

    def test_json_that_is_deep_or_says_something_twice(self):
        server = self.start()
        for depth, status in ((100, 200), (126, 200), (130, 400), (100000, 400)):
            body = b'{"inputs":"a","x":' + b"[" * depth + b"]" * depth + b"}"
            self.assertEqual(server.post("/embed", body).status, status, depth)
        reply = server.post("/embed", b'{"inputs": "a", "inputs": "b"}')
        self.assertEqual(reply.status, 400)
        self.assertIn("duplicate", reply.json["error"])


@unittest.skipUnless(shutil.which("prlimit"), "there is no prlimit")
class TestDescriptors(HostileCase):
    def test_the_server_hears_again_when_others_have_left(self):
        for limit in (64, 128):
            server = self.start("--read-timeout", "5", prefix=("prlimit", f"--nofile={limit}:{limit}"))
            self.swamp(server, 3 * limit)

    def test_and_where_descriptors_run_out_unexpectedly(self):
        server = self.start("--read-timeout", "5")
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (64, 64))
        self.swamp(server, 200)
        self.assertIn("no descriptor", server.said())

    def swamp(self, server, n):
        silent = []
        for _ in range(n):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", server.port))
            silent.append(s)
        time.sleep(1)
        for s in silent:
            s.close()
        begun = time.monotonic()
        self.assertEqual(server.post("/embed", {"inputs": "a"}).status, 200)
        self.assertLess(time.monotonic() - begun, 4)


class TestPages(HostileCase):
    """Of other sites, in a browser on the same machine."""

    def status(self, server, method="POST", body=b'{"inputs": "a"}', path="/embed", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return server.request(method, path, body, headers=headers).status

    def test_names_that_others_own(self):
        server = self.start("--allow-host", "hone.example, other.example")
        for host in ("evil.example", "127.0.0.1.evil.example", "hone.example.evil.example", "evil.example:80", "a.b"):
            for method, path in (("GET", "/health"), ("GET", "/info"), ("POST", "/embed")):
                self.assertEqual(self.status(server, method, path=path, Host=host), 421, host)
        for host in ("localhost", "127.0.0.1:5", "[::1]:5", "192.168.1.7", "hone", "a.localhost", "hone.example", "OTHER.example:1"):
            self.assertEqual(self.status(server, Host=host), 200, host)
        for arguments in (("--api-key", "secret"), ("--host", "0.0.0.0"), ("--allow-host", "*")):
            server = self.start(*arguments)
            self.assertEqual(self.status(server, "GET", path="/health", Host="evil.example"), 200, arguments)

    def test_pages_of_others_may_not_send(self):
        server = self.start()
        port = server.port
        for origin, status in (("https://evil.example", 403), ("null", 403), (f"http://localhost:{port}", 403),
                               ("http://127.0.0.1:1", 403), (f"http://127.0.0.1:{port}", 200)):
            self.assertEqual(self.status(server, Origin=origin), status, origin)
        for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
            self.assertEqual(self.status(server, Sec_Fetch_Site=site), status, site)
        self.assertEqual(self.status(server, "GET", path="/info", Origin="https://evil.example"), 200)
        for kind, status in (("text/plain", 415), ("Text/Plain;charset=UTF-8", 415), ("multipart/form-data; boundary=x", 415),
                             ("application/x-www-form-urlencoded", 200), ("application/json", 200)):
            self.assertEqual(self.status(server, Content_Type=kind), status, kind)
        server = self.start("--cors", "https://page.example")
        self.assertEqual(self.status(server, Origin="https://page.example", Sec_Fetch_Site="cross-site"), 200)
        self.assertEqual(self.status(server, Origin="https://evil.example", Sec_Fetch_Site="cross-site"), 403)
        self.assertEqual(self.status(self.start("--cors", "*"), Origin="https://evil.example"), 200)
        keys = self.start("--api-key", "secret")
        self.assertEqual(self.status(keys, Origin="https://evil.example", X_API_Key="secret"), 200)


class TestQuota(HostileCase):
    def test_requests_at_once(self):
        """One client has its two; another, who has another key, is not held up by that."""
        server = self.start("--client-requests", "2", "--api-key", "a,b")
        held = []
        for _ in range(2):  # whose bodies do not come
            s = socket.create_connection(("127.0.0.1", server.port))
            s.sendall(b"POST /embed HTTP/1.1\r\nHost: x\r\nX-API-Key: a\r\nContent-Length: 15\r\n\r\n")
            self.addCleanup(s.close)
            held.append(s)

        def ask(key, path="/info"):
            reply = server.get(path, headers={"X-API-Key": key})
            return reply.status, reply.headers.get("Retry-After")
        while ask("a") == (200, None):
            time.sleep(0.01)
        self.assertEqual(ask("a"), (429, "1"))
        self.assertEqual((ask("a", "/health")[0], ask("b")[0]), (200, 200))
        held[0].sendall(b'{"inputs": "a"}')
        self.assertIn(b"200 OK", held[0].recv(1000))
        self.assertEqual(ask("a")[0], 200)
        held[1].close()

    def test_requests_in_a_second(self):
        server = self.start("--client-rate", "0.001")
        self.assertEqual(server.get("/info").status, 200)
        reply = server.get("/info")
        self.assertEqual(reply.status, 429)
        self.assertGreater(int(reply.headers["Retry-After"]), 800)
        self.assertEqual(server.get("/health").status, 200)

    def test_wrong_numbers(self):
        self.assertIn("--client-rate", self.hone("serve", "-m", EMBED, "--client-rate", "-1", status=2).words)


@unittest.skipIf("san" in HONE, "sanitizers take memory and threads as they like")
class TestConfined(HostileCase):
    # In the server's own thread, at the first request after a file "go" has appeared: what it cannot do.
    TRIES = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <netinet/in.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/socket.h>
        #include <sys/wait.h>
        #include <time.h>
        #include <unistd.h>
        static int is(long result) { return result < 0 ? errno : 0; }
        static void try(void)
        {
            char path[4096], *folder = getenv("TRIES"), *none[] = {NULL};
            struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(getenv("TRIES_PORT"))),
                                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            pid_t child = fork();
            if (child == 0)
                _exit(0);
            int forked = is(child), executed, status;
            if (child < 0) {
                executed = is(execve("/bin/true", none, none));
            } else {
                waitpid(child, &status, 0);
                if ((child = fork()) == 0)
                    _exit(is(execve("/bin/true", none, none)));
                waitpid(child, &status, 0);
                executed = WEXITSTATUS(status);
            }
            snprintf(path, sizeof path, "%s/written", folder);
            int written = is(open(path, O_WRONLY | O_CREAT, 0600));
            snprintf(path, sizeof path, "%s/go", folder);
            int removed = is(unlink(path)), read = is(open(path, O_RDONLY));
            snprintf(path, sizeof path, "%s/cache/hone/weights/own", folder);
            int kept = is(open(path, O_WRONLY | O_CREAT, 0600));
            int fd = socket(AF_INET, SOCK_STREAM, 0), sockets = is(fd);
            int connected = is(connect(fd, (struct sockaddr *)&address, sizeof address));
            dprintf(2, "tries: fork %d exec %d write %d remove %d read %d keep %d socket %d connect %d unix %d\\n", forked, executed,
                    written, removed, read, kept, sockets, connected, is(socket(AF_UNIX, SOCK_STREAM, 0)));
        }
        struct tm *gmtime_r(const time_t *time, struct tm *out)
        {
            static int done;
            char path[4096];
            snprintf(path, sizeof path, "%s/go", getenv("TRIES"));
            if (!done && access(path, F_OK) == 0) {
                done = 1;
                try();
            }
            return ((struct tm *(*)(const time_t *, struct tm *))dlsym(RTLD_NEXT, "gmtime_r"))(time, out);
        }
        """

    def tries(self, *arguments):
        library = self.path("tries.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library, "-ldl"], input=self.TRIES.encode(), check=True)
        if os.path.exists(self.path("go")):
            os.unlink(self.path("go"))
        with socket.create_server(("127.0.0.1", 0)) as other:
            server = self.start(*arguments, "--log-level", "requests", environment={
                "LD_PRELOAD": library, "TRIES": self._folder.name, "XDG_CACHE_HOME": self.path("cache"),
                "TRIES_PORT": str(other.getsockname()[1])})
            self.file("go", "")  # after what the start says
            while "tries:" not in server.said():
                self.assertEqual(server.get("/livez").status, 200)
        words = re.search(r"tries: (.*)", server.said())[1].split()
        self.assertEqual(server.post("/embed", {"inputs": "a"}).status, 200)
        self.assertEqual(server.stop(), 0)
        if "no sandbox" in server.said():
            self.skipTest("this kernel has no sandbox")
        return {word: int(number) for word, number in zip(words[::2], words[1::2])}

    @unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
    def test_a_server_in_a_sandbox_can_do_what_it_needs_and_no_more(self):
        eperm, eacces, ebadf = errno.EPERM, errno.EACCES, errno.EBADF
        self.assertEqual(self.tries(), {"fork": eperm, "exec": eperm, "write": eacces, "remove": eacces, "read": 0, "keep": 0,
                                        "socket": eperm, "connect": ebadf, "unix": eperm})
        # Redis may come and go, and so sockets are made; but they reach its port alone.
        found = self.tries("--redis", "127.0.0.1:1")
        self.assertEqual((found["fork"], found["exec"], found["write"], found["socket"]), (eperm, eperm, eacces, 0))
        self.assertIn(found["connect"], (eacces, 0))  # Landlock knows ports from its version 4 on
        free = self.tries("--sandbox", "off")
        self.assertEqual(free, {name: errno.ENOENT if name == "read" else 0 for name in found})

    def test_memory_that_runs_out(self):
        """Large JSON where there is no memory for it is refused, and nothing breaks."""
        bodies = [({"inputs": ["w%d " % i * 40 for i in range(2000)]}, "/embed"), ({"inputs": "a " * 3000000}, "/embed"),
                  ({"inputs": "a", "x": [[0] * 10] * 150000}, "/embed"), ({"inputs": "a", "x": {str(i): {} for i in range(90000)}}, "/embed"),
                  ({"inputs": "a"}, "/embed")]
        for extra in (10, 20, 30, 40, 60):
            server = self.start("--cache-size", "0", "--max-body", "64")
            with open(f"/proc/{server.process.pid}/status") as f:
                size = int(re.search(r"VmSize:\s+(\d+)", f.read())[1]) << 10
            resource.prlimit(server.process.pid, resource.RLIMIT_AS, (size + (extra << 20), resource.RLIM_INFINITY))
            for body, path in bodies:
                try:
                    reply = server.post(path, body)
                    status = reply.status
                except (OSError, http.client.HTTPException):
                    status = 0  # without memory for an answer the connection is closed
                self.assertIn(status, (0, 200, 413, 424, 500, 503), reply.body[:300])
                self.assertIsNone(server.process.poll(), (extra, path, server.said()))
            resource.prlimit(server.process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
            self.assertEqual(server.post("/embed", {"inputs": "another"}).status, 200)
            self.assertEqual(server.stop(), 0)


class TestLog(HostileCase):
    def test_a_log_that_nobody_reads_stops_nobody(self):
        config = self.file("hone.conf", f"model = embed={EMBED}\nlog-level = requests\nport = 0\n")
        reader, writer = os.pipe()
        process = subprocess.Popen([HONE, "serve", "-c", config, "--socket", self.path("sock")], stderr=writer)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        os.close(writer)
        c = UnixConnection(self.path("sock"))
        while True:  # a socket has its place before it listens
            try:
                c.connect()
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.01)

        def lost():
            c.request("GET", "/metrics", headers={"X-Request-Id": "the-last.one"})
            return int(re.search(rb"^hone_log_lines_lost_total (\d+)$", c.getresponse().read(), re.M)[1])
        for n in (3, 1500):
            for _ in range(n):
                c.request("GET", "/livez")
                reply = c.getresponse()
                self.assertEqual((reply.status, reply.read()), (200, b'{"live":true}\n'))
            if n == 3:
                self.assertEqual(lost(), 0)
        self.assertGreater(lost(), 100)
        said = os.read(reader, 1 << 20)
        c.request("GET", "/livez")
        self.assertEqual(c.getresponse().read(), b'{"live":true}\n')
        said = os.read(reader, 1 << 20)
        self.assertRegex(said, rb'^\S+ error message="\d+ lines before this one were lost')
        self.assertTrue(all(re.match(rb"\S+Z (request|error|info) .*", line) for line in said.splitlines()))
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        c.close()
        os.close(reader)

    def test_requests_have_names(self):
        server = self.start("--log-level", "requests", "--log-format", "json")
        ids = set()
        for given in (None, None, "abc-1.2:3", "no spaces", "x" * 100, 'quo"te', "caf\u00e9"):
            headers = {"X-Request-Id": given.encode("latin-1")} if given else {}
            reply = server.post("/embed", {"inputs": "a secret text"}, headers=headers)
            ids.add(reply.headers["X-Request-Id"])
            self.assertEqual(reply.headers["X-Request-Id"] == given, given == "abc-1.2:3")
        self.assertEqual(len(ids), 7)
        self.assertEqual(server.stop(), 0)
        lines = [json.loads(line) for line in server.said().splitlines()]
        self.assertEqual({line["id"] for line in lines if line["level"] == "request"}, ids)
        self.assertNotIn("secret", server.said())


class TestLeavers(HostileCase):
    SECONDS = 4

    def leave(self, server, i, end):
        chance = random.Random(i)
        while time.monotonic() < end:
            if i % 3 == 0:
                path, body = "/v1/embeddings", b'{"input": ["a %d", "b"], "model": "embed"}' % chance.randrange(10 ** 9)
            else:
                path, body = "/v1/completions", b'{"model": "c", "prompt": "hi %d", "max_tokens": %d, "stream": %s}' % (
                    chance.randrange(1000), chance.choice([1, 2, 3, 20, 200]), chance.choice([b"true", b"false"]))
            try:
                with socket.create_connection(("127.0.0.1", server.port), timeout=30) as s:
                    s.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body)
                    time.sleep(chance.random() * 0.01)
                    if chance.random() < 0.5:  # a reset
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass

    def test_leaving_at_any_moment(self):
        """The sanitizers' builds see a use of what is freed; all of them, what stays open."""
        server = self.start(models=(f"c={CAUSAL}", f"embed={EMBED}"))
        while server.get("/readyz").status != 200:  # until then there are fewer files
            time.sleep(0.01)
        figures = server.get("/metrics.json").json
        before, failed = figures["process"]["open_fds"], figures["http"]["answers"]["5xx"]
        end = time.monotonic() + self.SECONDS
        threads = [threading.Thread(target=self.leave, args=(server, i, end)) for i in range(10)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            figures = server.get("/metrics.json").json
            if figures["http"]["requests_in_flight"] == 1 and figures["process"]["open_fds"] <= before:
                break
            time.sleep(0.1)
        self.assertEqual(figures["http"]["requests_in_flight"], 1)  # this one
        self.assertGreater(figures["http"]["answers"]["left"], 0)
        self.assertEqual(figures["http"]["answers"]["5xx"], failed)  # who leaves has not been failed
        self.assertLessEqual(figures["process"]["open_fds"], before)
        self.assertEqual(server.stop(), 0)


main()
