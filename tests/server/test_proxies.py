"""Servers that end behind Debian's nginx and HAProxy, with a client that notices nothing, and some that are killed; replicas
that share a cache. TERMINATIONS=20 of each."""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from serving import EMBED, PATIENCE, ROOT, Case, Server, main

TERMINATIONS = int(os.environ.get("TERMINATIONS", "4"))
NGINX, HAPROXY, REDIS = (shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin")
                         for name in ("nginx", "haproxy", "redis-server"))

# The configurations that are shipped; what goes around that of nginx is for a process of its own.
EXAMPLES = os.path.join(ROOT, "examples", "proxies")
NGINX_CONF = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {example}
}}
"""


def example(name):
    with open(os.path.join(EXAMPLES, name)) as f:
        return f.read()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


class ProxyCase(Case):
    def begin(self, conf, command, *arguments):
        """Two servers behind a proxy, at self.port."""
        self.arguments = arguments
        self.ports = [free_port(), free_port()]
        self.port = free_port()
        self.servers = [self.serve(port) for port in self.ports]
        path = self.file("proxy.conf", self.moved(conf))
        proxy = subprocess.Popen([*command, path], stderr=subprocess.DEVNULL)
        self.addCleanup(proxy.wait, PATIENCE)
        self.addCleanup(proxy.terminate)
        while True:
            self.assertIsNone(proxy.poll())
            try:
                if self.ask(-1) == 200:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)

    def moved(self, conf):
        """The same with ports that are free here, and checks as often as a test has time for."""
        for shipped, port in (("127.0.0.1:8080", self.port), ("127.0.0.1:8081", self.ports[0]), ("127.0.0.1:8082", self.ports[1])):
            self.assertEqual(conf.count(shipped), 1)
            conf = conf.replace(shipped, f"127.0.0.1:{port}")
        return conf.replace("inter 1s", "inter 100")

    def serve(self, port):
        server = Server("-m", f"embed={EMBED}", "--port", str(port), *self.arguments, port=False,
                        log_path=self.path(f"log{time.monotonic_ns()}"))
        self.addCleanup(server.stop)
        return server

    def ask(self, i):
        return self.embed(f"client {i} at {time.monotonic_ns()}")[0]

    def embed(self, text):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        c.request("POST", "/embed", json.dumps({"inputs": text}))
        reply = c.getresponse()
        body = reply.read()
        c.close()
        return reply.status, body

    def check_terminations(self):
        """Clients ask without a pause, while one server after the other ends and comes again."""
        stop, answers = threading.Event(), []

        def client(i):
            while not stop.is_set():
                try:
                    answers.append(self.ask(i))
                except (OSError, http.client.HTTPException) as e:
                    answers.append(repr(e))
        threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        try:
            for n in range(TERMINATIONS):
                time.sleep(0.3)
                self.servers[n % 2].signal(signal.SIGTERM)
                self.assertEqual(self.servers[n % 2].process.wait(PATIENCE), 0)
                self.servers[n % 2] = self.serve(self.ports[n % 2])
                seen = len(answers)
                while len(answers) < seen + 50:
                    time.sleep(0.01)
        finally:
            stop.set()
            for t in threads:
                t.join()
        self.assertEqual([a for a in answers if a != 200], [])
        self.assertGreater(len(answers), 50 * TERMINATIONS)


    def check_kills(self):
        """No answer but of the requests that were inside a killed server is missing, and every answer is that to its text."""
        n_clients, stop, wrong, lost = 8, threading.Event(), [], []
        wanted = [self.embed(f"text of client {i}") for i in range(n_clients)]
        answered = [0] * n_clients

        def client(i):
            while not stop.is_set():
                try:
                    status, body = self.embed(f"text of client {i}")
                except (OSError, http.client.HTTPException) as e:
                    status, body = repr(e), None
                answered[i] += status == 200
                if status != 200:
                    lost.append(status)
                elif body != wanted[i][1]:
                    wrong.append(body)
        threads = [threading.Thread(target=client, args=(i,)) for i in range(n_clients)]
        for t in threads:
            t.start()
        try:
            while min(answered) < 5:
                time.sleep(0.01)
            self.servers[0].signal(signal.SIGKILL)
            seen = sum(answered)
            while sum(answered) < seen + 400:
                time.sleep(0.01)
        finally:
            stop.set()
            for t in threads:
                t.join()
        self.assertEqual(wrong, [])
        self.assertLessEqual(len(lost), n_clients, lost)


@unittest.skipUnless(NGINX, "nginx is not installed")
class TestNginx(ProxyCase):
    def test_no_request_is_lost(self):
        self.begin(NGINX_CONF.format(folder=self._folder.name, example=example("nginx.conf")), [NGINX, "-p", self._folder.name, "-c"])
        self.check_terminations()

    def test_killed(self):
        self.begin(NGINX_CONF.format(folder=self._folder.name, example=example("nginx.conf")), [NGINX, "-p", self._folder.name, "-c"],
                   "--cache-size", "0")
        self.check_kills()


@unittest.skipUnless(HAPROXY, "haproxy is not installed")
class TestHaproxy(ProxyCase):
    def test_no_request_is_lost(self):
        self.begin(example("haproxy.cfg"), [HAPROXY, "-f"], "--lame-duck", "1")
        self.check_terminations()

    def test_killed(self):
        self.begin(example("haproxy.cfg"), [HAPROXY, "-f"], "--cache-size", "0")
        self.check_kills()


@unittest.skipUnless(REDIS, "redis-server is not installed")
class TestSharedCache(ProxyCase):
    def test_one_finds_what_the_other_has_computed(self):
        place = self.path("redis.sock")
        redis = subprocess.Popen([REDIS, "--port", "0", "--unixsocket", place, "--save", "", "--dir", self._folder.name],
                                 stdout=subprocess.DEVNULL)
        self.addCleanup(redis.wait, PATIENCE)
        self.addCleanup(redis.terminate)
        while not os.path.exists(place):
            self.assertIsNone(redis.poll())
            time.sleep(0.01)
        servers = []
        for i in range(2):
            try:
                servers.append(Server("-m", f"embed={EMBED}", "--redis", place, log_path=self.path(f"log{i}")))
            except AssertionError as e:
                if "without hiredis" in str(e):
                    self.skipTest("it was built without hiredis")
                raise
            self.addCleanup(servers[-1].stop)

        def found(server):
            return sum(map(int, re.findall(r"(?m)^hone_cache_remote_hits_total{.*} (\d+)$", server.get("/metrics").body.decode())))
        texts = [f"text {i}" for i in range(20)]
        wanted = servers[0].post("/embed", {"inputs": texts}).json
        self.assertEqual(found(servers[1]), 0)
        while found(servers[1]) == 0:  # it is told behind the answer
            self.assertEqual(servers[1].post("/embed", {"inputs": texts + [str(time.monotonic_ns())]}).json[:20], wanted)


class TestEnd(ProxyCase):
    def test_the_port_is_closed_before_requests_have_ended(self):
        """A request that comes in slowly holds the end up; new clients are refused meanwhile, and old ones served."""
        self.arguments = ["--lame-duck", "0.5"]
        port = free_port()
        server = self.serve(port)

        def connect():
            return http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

        def get(c, path="/health"):
            c.request("GET", path)
            reply = c.getresponse()
            reply.read()
            return reply.status, reply.headers.get("Connection")
        slow, old = connect(), connect()
        self.assertEqual(get(old, "/livez"), (200, None))
        while get(old, "/readyz") != (200, None):  # its model is there soon
            time.sleep(0.01)
        self.assertEqual(get(old), (200, None))
        slow.connect()
        slow.sock.sendall(b"POST /embed HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n")
        server.signal(signal.SIGTERM)
        while get(old, "/readyz") == (200, None):  # the lame duck: served, and not ready
            pass
        self.assertEqual(get(old, "/livez"), (200, None))
        self.assertEqual(get(old, "/health"), (503, None))
        new = connect()
        self.assertEqual(get(new, "/info"), (200, None))
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=0.3).close()
            except ConnectionRefusedError:
                break
            except TimeoutError:
                pass
            time.sleep(0.01)
        self.assertIsNone(server.process.poll())
        self.assertEqual(get(new, "/info"), (200, "close"))
        slow.sock.sendall(b'{"inputs": "a"}')
        self.assertTrue(slow.sock.recv(1000).startswith(b"HTTP/1.1 200"))
        self.assertEqual(server.process.wait(PATIENCE), 0)
        for c in (slow, old, new):
            c.close()


main()
