"""What Elasticsearch and OpenSearch are told in examples/search: the requests that they make of it are answered, with what
they read from the reply. The engines themselves are not here; how they fill in and read is as their documentation says."""
import json
import os
import re
import urllib.parse

from serving import CROSS, EMBED, ROOT, ServerCase, main
from support import golden

FOLDER = os.path.join(ROOT, "examples", "search")
QUERY = 'a "quoted" fox\n'


def load(name):
    with open(os.path.join(FOLDER, name)) as f:
        return json.load(f)


def filled(template, values):
    """${NAME} replaced by what stands for it. A name that has no value is a fault."""
    return re.sub(r"\$\{([^}]*)\}", lambda m: values[m[1]], template)


def found(path, value):
    """What a path of JSON such as $.data[*].embedding names, as a list."""
    values = [value]
    for step in re.findall(r"\.(\w+)|(\[\*\])", path.removeprefix("$")):
        values = [v[step[0]] for v in values] if step[0] else [part for v in values for part in v]
    return values


class TestSearchEngines(ServerCase):
    models = [f"embed={EMBED}", f"rerank={CROSS}"]
    arguments = ["--api-key", "a-key"]

    def ask(self, url, headers, body):
        reply = self.post(urllib.parse.urlparse(url).path, body, headers=headers)
        self.assertEqual(reply.status, 200, reply.body)
        self.assertNotIn("X-Ignored-Fields", reply.headers)
        return reply.json

    def check_vectors(self, rows):
        for row, wanted in zip(rows, golden(EMBED)["embedding"]):
            self.assertClose(row, wanted, 2e-5)
        self.assertEqual(len(rows), len(golden(EMBED)["embedding"]))

    def check_ranking(self, indexes, scores):
        self.assertEqual(sorted(indexes), list(range(len(self.documents))))
        self.assertEqual(scores, sorted(scores, reverse=True))
        alone = self.post("/rerank", {"model": "rerank", "query": QUERY, "texts": self.documents},
                          headers={"Authorization": "Bearer a-key"}).json
        self.assertEqual(indexes, [row["index"] for row in alone])

    documents = ["a fox", "nothing \\ of that kind", "the dog"]

    def test_elasticsearch_embed(self):
        s = load("elasticsearch_embed.json")["service_settings"]
        reply = self.ask(s["url"], {"Authorization": f"Bearer {s['api_key']}", "Content-Type": "application/json"},
                         {"input": golden(EMBED)["texts"], "model": s["model_id"]})
        self.check_vectors(found("$.data[*].embedding", reply))

    def test_elasticsearch_rerank(self):
        s = load("elasticsearch_rerank.json")["service_settings"]
        values = {"query": json.dumps(QUERY), "input": json.dumps(self.documents), **s["secret_parameters"]}
        headers = {name: filled(value, values) for name, value in s["headers"].items()}
        reply = self.ask(s["url"], headers, filled(s["request"], values))
        read = {name: found(path, reply) for name, path in s["response"]["json_parser"].items()}
        self.check_ranking(read["reranked_index"], read["relevance_score"])

    def opensearch(self, name, values):
        connector = load(name)
        action, = connector["actions"]
        values = {f"parameters.{k}": v for k, v in {**connector["parameters"], **values}.items()}
        values.update({f"credential.{k}": v for k, v in connector["credential"].items()})
        headers = {name: filled(value, values) for name, value in action["headers"].items()}
        return self.ask(action["url"], headers, filled(action["request_body"], values))

    def test_opensearch_embed(self):
        reply = self.opensearch("opensearch_embed.json", {"input": json.dumps(golden(EMBED)["texts"])})
        self.check_vectors(found("$.data[*].embedding", reply))

    def test_opensearch_rerank(self):
        """A string is put in without its quotes, which the template has."""
        reply = self.opensearch("opensearch_rerank.json", {"query": json.dumps(QUERY)[1:-1], "top_n": "3",
                                                           "documents": json.dumps(self.documents)})
        results = found("$.results", reply)[0]
        self.check_ranking([row["index"] for row in results], [row["relevance_score"] for row in results])


main()
