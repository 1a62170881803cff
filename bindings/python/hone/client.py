"""A client of hone serve, over its Unix socket or HTTP: vectors come as they lie in memory, not as JSON.

    from hone.client import Client

    vectors = Client("/run/hone.sock").embed(["a text", "another one"])  # float32 [2, n_dims]

One client may be used by many threads; each keeps a connection.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import BusyError, HoneError, LateError, UsageError

Floats = NDArray[np.float32]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if isinstance(self.timeout, (int, float)):
            self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Client:
    """address: the path of a Unix socket, or http://HOST:PORT or https://HOST:PORT. key: what the server asks for.
    timeout: seconds, for a connection that says nothing."""

    def __init__(self, address: str, *, key: str | None = None, timeout: float | None = 600) -> None:
        self._address, self._timeout = address, timeout
        self._headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
        self._local = threading.local()
        url = urllib.parse.urlsplit(address)
        if url.scheme not in ("", "unix", "http", "https") or not (url.netloc if url.scheme.startswith("http") else url.path):
            raise UsageError(f"{address!r}: expected the path of a socket, or http://HOST:PORT")
        self._url = url

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            if self._url.scheme == "https":
                context = ssl.create_default_context()
                connection = http.client.HTTPSConnection(self._url.netloc, timeout=self._timeout, context=context)
            elif self._url.scheme == "http":
                connection = http.client.HTTPConnection(self._url.netloc, timeout=self._timeout)
            else:
                connection = _UnixConnection(self._url.path, self._timeout)
            self._local.connection = connection
        return connection

    def _ask(self, path: str, body: Mapping[str, Any], accept: str) -> http.client.HTTPResponse:
        """The answer, whose body has not been read. A connection that the server has closed since is opened anew."""
        data = json.dumps(body).encode()
        for again in (True, False):
            connection = self._connection()
            is_old = connection.sock is not None
            try:
                connection.request("POST", path, data, {**self._headers, "Accept": accept})
                response = connection.getresponse()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
                if not (again and is_old):
                    raise
            except BaseException:
                connection.close()
                raise
        if response.status != 200:
            raise _error(response.status, response.read())
        return response

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """What any of the server's paths answers, as JSON."""
        return json.loads(self._ask(path, body, "application/json").read())

    def embed(
        self, texts: str | Sequence[str], *, model: str | None = None, prompt: str | None = None, dims: int = 0
    ) -> Floats:
        """The vectors of texts: float32 [n, n_dims]; of one str, [n_dims]. They are read into the array's own memory."""
        single = isinstance(texts, str)
        rows = [texts] if isinstance(texts, str) else list(texts)
        if not rows:
            raise UsageError("there is no text")
        body = _without_none({"texts": rows, "model": model, "prompt": prompt, "dimensions": dims or None})
        response = self._ask("/api/v1/embed", body, "application/octet-stream")
        n_bytes = int(response.headers.get("Content-Length", "-1"))
        kind = response.headers.get("Content-Type")
        if kind != "application/octet-stream" or n_bytes < 0 or n_bytes % (4 * len(rows)):
            self._connection().close()
            raise HoneError(f"{self._address}: {n_bytes} bytes of {kind}, expected rows of float32 for {len(rows)} texts")
        out = np.empty((len(rows), n_bytes // 4 // len(rows)), np.float32)
        self._read(response, out.reshape(-1).view(np.uint8).data)
        return out[0] if single else out

    def _read(self, response: http.client.HTTPResponse, into: memoryview) -> None:
        place = 0
        try:
            while place < len(into):
                n = response.readinto(into[place:])
                if not n:
                    raise HoneError(f"{self._address}: the answer ended after {place} of {len(into)} bytes")
                place += n
            response.read()
        except BaseException:
            self._connection().close()
            raise

    def rerank(self, query: str, documents: Sequence[str], *, model: str | None = None) -> Floats:
        """How well each document answers the query: float32 [n], larger is better."""
        answer = self.post("/v1/rerank", _without_none({"query": query, "documents": list(documents), "model": model}))
        scores = np.empty(len(documents), np.float32)
        for row in answer["results"]:
            scores[row["index"]] = row["relevance_score"]
        return scores

    def close(self) -> None:
        """Closes this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection:
            connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _without_none(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _error(status: int, body: bytes) -> HoneError:
    """The exception for a server's error, with its sentence."""
    try:
        said = json.loads(body)
        error = said.get("error", said)
        sentence = error.get("message") if isinstance(error, dict) else str(error)
    except ValueError:
        sentence = None
    kind = {429: BusyError, 503: BusyError, 408: LateError, 504: LateError}.get(status)
    kind = kind or (UsageError if 400 <= status < 500 else HoneError)
    return kind(sentence or f"the server answered with status {status}")
