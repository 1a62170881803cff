"""Starts the server as a person would, and speaks with it."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
from support import (CLASSIFY, CROSS, EMBED, FIXTURES, HONE, PATIENCE, ROOT, Case, import_with, main,  # noqa: E402,F401
                     python_with)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)


class Reply:
    """status, headers, body (bytes) and json of an answer."""

    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """A running server: port (of 127.0.0.1) or socket, and what it said (log). It has its models then, as systemd would be
    told; not with ready=False."""

    def __init__(self, *arguments, socket_path=None, log_path=None, environment=None, port=True, prefix=(), ready=True):
        self.log_path = log_path
        self.socket = socket_path
        command = [*prefix, HONE, "serve", *arguments]
        command += ["--port", "0"] if port else []
        command += ["--socket", socket_path] if socket_path else []
        self.log = open(log_path, "w+b")
        self.port = None
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notes:
            notes.bind(b"")  # an abstract name of its own
            notes.settimeout(0.01)
            told = {"NOTIFY_SOCKET": "@" + notes.getsockname()[1:].decode()}
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=self.log,
                                            env={**os.environ, **told, **(environment or {})})
            self.wait(port, notes if ready else None)

    def wait(self, port, notes):
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            said = self.said()
            if m := re.search(r"listening on [^\"]*?(?:127|0)\.0\.0\.[01]:(\d+)", said):
                self.port = int(m[1])
            if self.port or (not port and "listening on" in said):
                notes = notes and self.unready(notes)
                if not notes:
                    return
            time.sleep(0.01)
        raise AssertionError(f"the server did not start: {self.said()}")

    @staticmethod
    def unready(notes):
        """The same notes, as long as they do not say that the server is ready."""
        try:
            return None if notes.recv(100) == b"READY=1" else notes
        except TimeoutError:
            return notes

    def said(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def connect(self, timeout=PATIENCE):
        if self.port is None:
            return UnixConnection(self.socket)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None, connection=None):
        """One request, whose body is bytes or what JSON is made of."""
        c = connection or self.connect()
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        c.request(method, path, body, headers or {})
        reply = Reply(c.getresponse())
        if not connection:
            c.close()
        return reply

    def get(self, path, **how):
        return self.request("GET", path, **how)

    def post(self, path, body, **how):
        return self.request("POST", path, body, **how)

    def raw(self, data, timeout=PATIENCE):
        """What comes back for these bytes until the server closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            s.sendall(data)
            out = b""
            while part := s.recv(65536):
                out += part
            return out

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ends it as systemd would; returns its exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.close()


class ServerCase(Case):
    """Tests of one server, which class attributes describe."""
    models = [f"embed={EMBED}"]
    arguments = []

    @classmethod
    def setUpClass(cls):
        import tempfile
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        flags = [flag for model in cls.models for flag in ("-m", model)]
        cls.server = Server(*flags, *cls.arguments, log_path=os.path.join(cls.folder.name, "log"))
        cls.addClassCleanup(cls.stop)

    @classmethod
    def stop(cls):
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"the server's status is {status}: {cls.server.said()}")

    def get(self, path, status=200, **how):
        reply = self.server.get(path, **how)
        self.assertEqual(reply.status, status, reply.body)
        return reply

    def post(self, path, body, status=200, **how):
        reply = self.server.post(path, body, **how)
        self.assertEqual(reply.status, status, reply.body)
        return reply

    def embedded(self, texts, *arguments, model=EMBED):
        """What the command line makes of them."""
        run = self.hone("embed", "-m", model, *arguments, stdin="".join(t + "\n" for t in texts))
        return [line["embedding"] for line in run.json_lines]
