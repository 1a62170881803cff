"""A hub as Hugging Face's is, for tests: models with commits and branches, large files on another host, tokens, and
whatever can go wrong on the way. Every request is written down."""
import hashlib
import http.server
import json
import threading
import time
import urllib.parse


def git_sha1(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def is_large(path):
    return path.endswith((".safetensors", ".gguf", ".bin"))


class Model:
    """files of each commit; what branches and tags stand for."""

    def __init__(self, files):
        self.commits, self.refs = {}, {}
        self.gated = self.private = False
        self.commit(files)

    def commit(self, files, ref="main"):
        name = hashlib.sha1(repr(sorted((p, hashlib.sha1(d).hexdigest()) for p, d in files.items())).encode()).hexdigest()
        self.commits[name] = dict(files)
        self.refs[ref] = name
        return name


class Request:
    def __init__(self, handler):
        self.at, self.method, self.path = time.monotonic(), handler.command, handler.path
        self.token = handler.headers.get("Authorization")
        self.range = handler.headers.get("Range")
        self.status = self.n_sent = 0


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that has gone


class Hub:
    """`url` is its address, `models` what it has by name. Files that git does not keep itself come from `cdn`."""

    def __init__(self):
        self.models, self.token, self.requests, self.content_requests = {}, "hf_secret", [], []
        self.trouble = []  # functions of (handler, request), tried one after the other: True: it has answered
        self.content_trouble = []
        self.contents, self.signature = {}, 0
        self.lies = {}  # what the hub says of a file that is not so: path -> sha256
        self.names = {}  # file names as the listing has them, if not as they are
        self._lock = threading.Lock()
        self.hub, self.url = self._serve(HubHandler)
        self.cdn, self.cdn_url = self._serve(ContentHandler)

    def _serve(self, handler):
        server = Server(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        server.owner = self
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server, f"http://127.0.0.1:{server.server_port}"

    def close(self):
        for server in self.hub, self.cdn:
            server.shutdown()
            server.server_close()

    def add(self, name, files):
        self.models[name] = Model(files)
        return self.models[name]

    def take_trouble(self, list_, handler, request):
        with self._lock:
            step = list_.pop(0) if list_ else None
        return bool(step) and step(handler, request)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, request, status, body=b"", **headers):
        request.status = status
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            request.n_sent = len(body)

    def do_HEAD(self):
        self.do_GET()


class HubHandler(Handler):
    def do_GET(self):
        hub, request = self.server.owner, Request(self)
        hub.requests.append(request)
        if hub.take_trouble(hub.trouble, self, request):
            return
        path = urllib.parse.urlsplit(self.path).path
        try:
            if path.startswith("/api/models/"):
                self.api(hub, request, path[len("/api/models/"):])
            else:
                name, rest = path[1:].split("/resolve/", 1)
                self.resolve(hub, request, name, *rest.split("/", 1))
        except (KeyError, ValueError):
            self.answer(request, 404, b"not found")

    def model(self, hub, request, name):
        """The model, or None where it has been answered."""
        model, knows = hub.models.get(name), request.token == f"Bearer {hub.token}"
        if model is None or (model.private and not knows):
            self.answer(request, 401 if not knows else 404, X_Error_Code="RepoNotFound", X_Error_Message="not found")
        elif model.gated and not knows:
            self.answer(request, 401, X_Error_Code="GatedRepo", X_Error_Message="Access is restricted")
        else:
            return model
        return None

    def commit(self, request, model, revision):
        commit = model.refs.get(urllib.parse.unquote(revision), revision)
        if commit not in model.commits:
            self.answer(request, 404, X_Error_Code="RevisionNotFound", X_Error_Message="Invalid rev id")
            return None
        return commit

    def api(self, hub, request, rest):
        tree = "/tree/" in rest
        name, _, revision = rest.partition("/tree/" if tree else "/revision/")
        model = self.model(hub, request, name)
        commit = model and self.commit(request, model, revision or "main")
        if not commit:
            return
        if tree:
            self.tree(request, model.commits[commit])
            return
        siblings = []
        for path, data in model.commits[commit].items():
            entry = {"rfilename": hub.names.get(path, path), "size": len(data), "blobId": git_sha1(data)}
            if is_large(path):
                sha256 = hub.lies.get(path, hashlib.sha256(data).hexdigest())
                entry["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 134}
            siblings.append(entry)
        body = json.dumps({"id": name, "modelId": name, "sha": commit, "private": False, "tags": [], "downloads": 0,
                           "likes": 0, "siblings": siblings}).encode()
        self.answer(request, 200, body, Content_Type="application/json")

    def tree(self, request, files):
        entries = []
        for path, data in files.items():
            entry = {"type": "file", "oid": git_sha1(data), "size": len(data), "path": path}
            if is_large(path):
                entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
            entries.append(entry)
        self.answer(request, 200, json.dumps(entries).encode(), Content_Type="application/json")

    def resolve(self, hub, request, name, revision, path):
        model = self.model(hub, request, name)
        commit = model and self.commit(request, model, revision)
        if not commit:
            return
        path = urllib.parse.unquote(path)
        data = model.commits[commit].get(path)
        if data is None:
            self.answer(request, 404, X_Repo_Commit=commit, X_Error_Code="EntryNotFound", X_Error_Message="no entry")
            return
        if not is_large(path):
            self.content(request, data, commit)
            return
        sha256 = hub.lies.get(path, hashlib.sha256(data).hexdigest())
        hub.contents[sha256] = data
        self.answer(request, 302, Location=f"{hub.cdn_url}/{sha256}?signature={hub.signature}", X_Repo_Commit=commit,
                    X_Linked_Etag=f'"{sha256}"', X_Linked_Size=str(len(data)))

    def content(self, request, data, commit):
        start = 0
        if request.range:
            start, end = (int(x) for x in request.range.removeprefix("bytes=").split("-"))
            whole, data = len(data), data[start:end + 1]
            self.answer(request, 206, data, Content_Range=f"bytes {start}-{start + len(data) - 1}/{whole}",
                        X_Repo_Commit=commit)
        else:
            self.answer(request, 200, data, ETag=f'"{git_sha1(data)}"', X_Repo_Commit=commit)


class ContentHandler(Handler):
    def do_GET(self):
        hub, request = self.server.owner, Request(self)
        hub.content_requests.append(request)
        url = urllib.parse.urlsplit(self.path)
        if urllib.parse.parse_qs(url.query).get("signature") != [str(hub.signature)]:
            self.answer(request, 403, b"Request has expired")
            return
        if hub.take_trouble(hub.content_trouble, self, request):
            return
        self.send(request, hub.contents[url.path[1:]])

    def send(self, request, data, n=None, ranges=True):
        """The range that was asked for, or the first n bytes of it and then nothing more."""
        whole, start, status = len(data), 0, 200
        if request.range and ranges:
            first, last = request.range.removeprefix("bytes=").split("-")
            start, end = int(first), int(last) if last else whole - 1
            data, status = data[start:end + 1], 206
        request.start, request.status = start, status
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{start + len(data) - 1}/{whole}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        data = data if n is None else data[:n]
        for i in range(0, len(data), 1 << 16):
            self.wfile.write(data[i:i + (1 << 16)])
            request.n_sent += len(data[i:i + (1 << 16)])
        if n is not None:
            self.wfile.flush()
            self.close_connection = True


def cut_after(n):
    """Trouble: the connection ends after n bytes."""
    def step(handler, request):
        url = urllib.parse.urlsplit(handler.path)
        handler.send(request, handler.server.owner.contents[url.path[1:]], n)
        return True
    return step


def answer(status, **headers):
    def step(handler, request):
        handler.answer(request, status, b"no", **headers)
        return True
    return step


def without_ranges(handler, request):
    handler.send(request, handler.server.owner.contents[urllib.parse.urlsplit(handler.path).path[1:]], ranges=False)
    return True
