"""The page that shows what the server does."""
import base64
import hashlib
import re

from serving import ServerCase, main


class TestDashboard(ServerCase):
    arguments = ["--api-key", "secret"]

    def test_page_needs_no_key(self):
        for path in ("/", "/dashboard"):
            reply = self.get(path)
            self.assertEqual(reply.headers["Content-Type"], "text/html; charset=utf-8")
            self.assertTrue(reply.body.startswith(b"<!doctype html>") and reply.body.rstrip().endswith(b"</html>"))

    def test_nothing_comes_from_elsewhere(self):
        page = self.get("/").body.decode()
        self.assertEqual(re.findall(r"(?:src|href|action)=\"(?:https?:)?//", page), [])
        self.assertEqual([u for u in re.findall(r"https?://[^\"\s]+", page) if u != "http://www.w3.org/2000/svg"], [])
        self.assertNotIn("@import", page)

    def test_its_script_alone_runs(self):
        reply = self.get("/")
        policy = reply.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        scripts = re.findall(rb"<script[^>]*>(.*?)</script>", reply.body, re.S)
        self.assertEqual(len(scripts), 1)
        digest = base64.b64encode(hashlib.sha256(scripts[0]).digest()).decode()
        self.assertIn(f"script-src 'sha256-{digest}';", policy)
        self.assertEqual(re.findall(rb"\bon\w+=\"", reply.body), [])  # which that does not let run

    def test_what_it_reads_is_there(self):
        """Each name that the script takes from /metrics.json, but for those of models that generate."""
        page = self.get("/").body.decode()
        headers = {"Authorization": "Bearer secret"}
        self.post("/api/v1/embed", {"texts": ["a"]}, headers=headers)
        figures = self.get("/metrics.json", headers=headers).json
        for part, names in (("m", figures["models"][0]), ("d.process", figures["process"]), ("d.http", figures["http"]),
                            ("q", figures["models"][0]["queues"]), ("c", figures["models"][0]["caches"][0]),
                            ("e", figures["models"][0]["endpoints"]["embed"])):
            read = set(re.findall(rf"(?<![\w.]){re.escape(part)}\.([a-z]+[a-z0-9_]*[a-z0-9])\b(?!\()", page))
            generating = {n for n in read if n.startswith(("generation_", "kv_"))} | {"first_token", "between_tokens", "step"}
            self.assertEqual(read - set(names) - generating, set(), part)


main()
