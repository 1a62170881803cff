"""/health, /metrics and /metrics.json."""
import os
import re
import shutil
import subprocess
import unittest

from serving import CLASSIFY, EMBED, ROOT, ServerCase, main


class TestMetrics(ServerCase):
    models = [f"embed={EMBED}", f'odd"na\\me={CLASSIFY}']

    def figures(self):
        """{name with labels: value}"""
        text = self.get("/metrics").body.decode()
        return {m[1]: float(m[2]) for m in re.finditer(r"^([^#\n]\S*(?: [^ {}]*})?) (\S+)$", text, re.M)}

    def test_health(self):
        health = self.get("/health").json
        self.assertEqual((health["status"], health["live"], health["ready"], health["models"]), ("ok", True, True, 2))
        self.assertEqual(set(health["queue"]), {"waiting", "running"})

    def test_who_wants_json_gets_it(self):
        for accept, json in (("application/json", True), ("application/json, text/plain;q=0.5", True),
                             ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", False), ("*/*", False), ("", False),
                             ("application/json;q=0.1, text/plain", False), ("application/jsonx", False), ("text/html,q=1", False)):
            reply = self.get("/metrics", headers={"Accept": accept})
            self.assertEqual(reply.headers["Content-Type"].startswith("application/json"), json, accept)
            if json:
                self.assertIn("models", reply.json)

    def test_some_of_the_machine_is_left_to_others(self):
        """Where nobody says how much memory the server may take, it is nine tenths of the machine's, or of its group's."""
        budget = self.figures()["hone_memory_budget_bytes"]
        self.assertGreater(budget, 0)
        self.assertLess(budget, 0.95 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))

    def test_counts_follow_requests(self):
        before = self.figures()
        for i in range(5):
            self.post("/embed", {"inputs": [f"text {i}", "other"]})
        self.post("/embed", {"inputs": ["text 0", "other"]})  # which is known, and costs the model nothing
        self.post("/embed", {"inputs": 5}, status=422)
        after = self.figures()

        def grown(name):
            return after.get(name, 0) - before.get(name, 0)
        self.assertEqual(grown('hone_http_requests_total{path="/embed",code="2xx"}'), 6)
        self.assertEqual(grown("hone_http_answers_repeated_total"), 1)
        self.assertEqual(grown('hone_http_requests_total{path="/embed",code="4xx"}'), 1)
        self.assertEqual(grown('hone_http_request_duration_seconds_count{path="/embed"}'), 7)
        self.assertEqual(grown('hone_replies_total{model="embed",outcome="ok"}'), 5)
        self.assertEqual(grown('hone_stage_seconds_count{model="embed",endpoint="embed",stage="tokenize"}'), 5)
        self.assertEqual(grown('hone_stage_seconds_count{model="embed",endpoint="embed",stage="receive"}'), 5)
        hits = [grown(f'hone_cache_{kind}_total{{model="embed",cache="embeddings"}}') for kind in ("hits", "misses")]
        self.assertEqual(hits, [4, 6])

    def test_buckets_rise_up_to_the_count(self):
        self.post("/embed", {"inputs": "a"})
        figures = self.figures()
        for name in ("hone_http_request_duration_seconds", "hone_stage_seconds"):
            series = {}
            for key, value in figures.items():
                if m := re.fullmatch(name + r'_bucket\{(.*?),?le="(.*)"\}', key):
                    series.setdefault(m[1], []).append((float(m[2]), value))
            self.assertTrue(series)
            for labels, buckets in series.items():
                self.assertEqual(buckets, sorted(buckets))
                values = [v for _, v in buckets]
                self.assertEqual(values, sorted(values))
                self.assertEqual(values[-1], figures[f"{name}_count{{{labels}}}"])

    @unittest.skipUnless(shutil.which("promtool"), "promtool (Debian's prometheus) is not installed")
    def test_promtool_finds_nothing(self):
        self.post("/predict", {"inputs": "a"})
        run = subprocess.run(["promtool", "check", "metrics"], input=self.get("/metrics").body, capture_output=True)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, b"", b""))

    def test_every_name_is_documented(self):
        names = set(re.findall(r"^# TYPE (\S+)", self.get("/metrics").body.decode(), re.M))
        with open(os.path.join(ROOT, "docs", "http-api.md")) as f:
            documented = set(re.findall(r"`((?:hone|process)_\w+)`", f.read()))
        self.assertEqual(names, documented)

    def test_operations_page_names_what_there_is(self):
        """Each figure, each setting, and what the profiles set, as its table has them."""
        with open(os.path.join(ROOT, "docs", "operations.md")) as f:
            page = f.read()
        names = set(re.findall(r"^# TYPE (\S+)", self.get("/metrics").body.decode(), re.M))
        self.assertLessEqual(set(re.findall(r"`((?:hone|process)_\w+)", page)), names)
        options = set(re.findall(r"--[a-z][a-z-]+", "".join(self.hone(*command, "--help").text for command in (
            ("serve",), ("bench", "load"), ("generate",), ("inspect",)))))
        self.assertLessEqual(set(re.findall(r"--[a-z][a-z-]+", page)), options)
        with open(os.path.join(ROOT, "server", "profile.c")) as f:
            rows = re.findall(r'\{"(\S+)", SETTING_(\w+), "(\S+)"\}', f.read())
        self.assertGreater(len(rows), 10)
        for profile, setting, value in rows:
            line, = (line for line in page.splitlines() if line.startswith(f"| `{profile}` |"))
            self.assertIn(f"`{setting.lower().replace('_', '-')}`", line)
            self.assertRegex(line.split("|")[3], rf"(?<![\w-]){value}(?![\w-])")

    def test_json_has_percentiles_of_each_stage(self):
        self.post("/embed", {"inputs": "a"})
        answer = self.get("/metrics.json").json
        model = answer["models"][0]
        self.assertEqual(model["name"], "embed")
        for stage in ("receive", "tokenize", "queue", "infer", "send"):
            recent = model["endpoints"]["embed"]["stages"][stage]
            self.assertEqual({"n", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms"}, set(recent["all"]))
            self.assertEqual(set(recent), {*recent["all"], "all"})
            self.assertGreaterEqual(recent["all"]["n"], recent["n"])
        self.assertEqual([c["name"] for c in model["caches"]], ["tokens", "embeddings", "scores"])
        self.assertGreater(answer["process"]["resident_bytes"], 0)
        self.assertEqual(answer["models"][1]["name"], 'odd"na\\me')


main()
