"""The rules and the board under server/monitoring: Prometheus reads them, and every figure they speak of exists."""
import json
import os
import re
import shutil
import socket
import subprocess
import time
import unittest
import urllib.parse
import urllib.request

from serving import CROSS, EMBED, FIXTURES, PATIENCE, ROOT, ServerCase, main

FOLDER = os.path.join(ROOT, "server", "monitoring")
LLAMA = os.path.join(FIXTURES, "llama3")


def board_queries():
    with open(os.path.join(FOLDER, "grafana.json")) as f:
        board = json.load(f)
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]


def rule_queries():
    with open(os.path.join(FOLDER, "alerts.yml")) as f:
        text = f.read()
    return [" ".join(m[1].split()) for m in re.finditer(r"expr: \|?(.*?)\n        (?:for|labels):", text, re.S)]


@unittest.skipUnless(shutil.which("promtool"), "promtool (Debian's prometheus) is not installed")
class TestMonitoring(ServerCase):
    models = [f"embed={EMBED}", f"cross={CROSS}", f"llama={LLAMA}"]

    def test_rules_fire_and_clear(self):
        for arguments in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
            run = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_every_alarm_is_tested_and_explained(self):
        with open(os.path.join(FOLDER, "alerts.yml")) as f:
            names = set(re.findall(r"alert: (\w+)", f.read()))
        with open(os.path.join(FOLDER, "alerts_test.yml")) as f:
            fired = set(re.findall(r"alertname: (\w+)\s+exp_alerts: *(?:\n|\[\{)", f.read()))
        with open(os.path.join(ROOT, "docs", "operations.md")) as f:
            explained = set(re.findall(r"\bHone[A-Z]\w+", f.read()))
        self.assertEqual((names, names), (fired, explained))

    def test_every_figure_exists(self):
        known = set(re.findall(r"^# TYPE (\S+)", self.get("/metrics").body.decode(), re.M))
        known |= {name + end for name in known for end in ("_bucket", "_sum", "_count")}
        for query in board_queries() + rule_queries():
            for name in re.findall(r"\b(?:hone|process)_\w+", query):
                self.assertIn(name, known, query)

    def is_ready(self, port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=PATIENCE) as reply:
                return reply.status == 200
        except OSError:
            return False

    def query(self, port, expression):
        url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
            return json.load(reply)["data"]["result"]

    def test_prometheus_scrapes_and_computes(self):
        config = self.path("prometheus.yml")
        with open(config, "w") as f:
            f.write(f"global: {{scrape_interval: 200ms, evaluation_interval: 1s}}\nrule_files: [{FOLDER}/alerts.yml]\n"
                    "scrape_configs: [{job_name: hone, static_configs: "
                    f"[{{targets: ['127.0.0.1:{self.server.port}']}}]}}]\n")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with open(self.path("log"), "w+") as log:
            process = subprocess.Popen(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={self.path('db')}",
                                        f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not self.is_ready(port):
            time.sleep(0.1)
        while time.monotonic() < until:
            self.post("/embed", {"inputs": f"a {time.monotonic()}"})
            self.post("/v1/rerank", {"query": "a", "documents": [f"b {time.monotonic()}"]})
            self.post("/completion", {"model": "llama", "prompt": "a", "n_predict": 8})
            if self.query(port, "count_over_time(hone_ready[1m]) > 20"):
                break
            time.sleep(0.2)
        empty = []
        for query in board_queries():
            query = query.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$model", ".*")
            if not self.query(port, query):
                empty.append(query)
        # Nothing of this has happened.
        self.assertEqual([q for q in empty if "5xx" not in q and "limited" not in q], [])
        self.assertEqual(self.query(port, "ALERTS"), [])


if __name__ == "__main__":
    main()
