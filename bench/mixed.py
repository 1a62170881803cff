"""Everything that a server's models can do, all at once, for some minutes: whether each reply is its request's, none is
lost or comes twice, memory stays flat, and no descriptor is left open. bench/workloads.py mixed runs it.

Each question is asked once by a client that is alone; many clients then ask the same questions in every order and
combination, some leave in the middle, and each answer must be what it was then. That one vector, score or token is as
before says whose reply it is, since no two questions have the same answer. The cache is too small for all of them.
"""
import asyncio
import random
import statistics
import tempfile
import time

CLIENTS = 4          # of each model
TEXTS, QUERIES, DOCUMENTS, PROMPTS = 1500, 8, 60, 40
LONGEST = 64         # tokens of a text
NEAR = 1e-2          # of numbers that are the same
FLAT = 0.02, 1       # growth of memory from the second third of the time to the last: a part of it, or MB


class Wrong(Exception):
    pass


class Embeddings:
    """Vectors of a few texts a request."""

    def __init__(self, name, rng, sentence):
        self.name, self.known = name, {}
        self.texts = list(dict.fromkeys(sentence(rng, rng.randrange(1, 12)) for _ in range(TEXTS)))

    async def vectors(self, client, texts):
        answer = await client.ask("/api/v1/embed", {"model": self.name, "texts": texts})
        if len(answer["embeddings"]) != len(texts):
            raise Wrong(f"{len(answer['embeddings'])} vectors for {len(texts)} texts")
        return answer["embeddings"]

    async def learn(self, client):
        for i in range(0, len(self.texts), 50):
            part = self.texts[i:i + 50]
            self.known.update(zip(part, await self.vectors(client, part)))

    async def ask(self, client, rng):
        texts = rng.sample(self.texts, rng.randrange(1, 5))
        for text, vector in zip(texts, await self.vectors(client, texts)):
            if max(abs(a - b) for a, b in zip(vector, self.known[text])) > NEAR:
                raise Wrong(f"another vector for '{text}'")


class Rankings:
    """Scores of some documents."""

    def __init__(self, name, rng, sentence):
        self.name, self.known = name, {}
        self.queries = [sentence(rng, 4) for _ in range(QUERIES)]
        self.documents = [sentence(rng, rng.randrange(1, 30)) for _ in range(DOCUMENTS)]

    async def scores(self, client, query, documents):
        answer = await client.ask("/v1/rerank", {"model": self.name, "query": query, "documents": documents})
        found = {r["index"]: r["relevance_score"] for r in answer["results"]}
        if sorted(found) != list(range(len(documents))):
            raise Wrong(f"scores of {sorted(found)} for {len(documents)} documents")
        return [found[i] for i in range(len(documents))]

    async def learn(self, client):
        for query in self.queries:
            self.known[query] = dict(zip(self.documents, await self.scores(client, query, self.documents)))

    async def ask(self, client, rng):
        query, documents = rng.choice(self.queries), rng.sample(self.documents, rng.randrange(1, 20))
        for document, score in zip(documents, await self.scores(client, query, documents)):
            if abs(score - self.known[query][document]) > NEAR:
                raise Wrong(f"another score for '{document}'")


class Texts:
    """What follows a prompt, token by token, always the likeliest one."""

    def __init__(self, name, rng, sentence):
        self.name, self.known = name, {}
        self.prompts = list(dict.fromkeys(sentence(rng, rng.randrange(1, 100)) for _ in range(PROMPTS)))

    async def tokens(self, client, prompt, n, most):
        """The first `most` of n tokens; what is left of the answer nobody waits for."""
        body, got, n_told = {"model": self.name, "prompt": prompt, "n_predict": n, "temperature": 0}, [], None
        async for _, event in client.stream("/completion", body):
            n_told = event["tokens_predicted"] if event["stop"] else None
            got += event["tokens"]
            if event["tokens_predicted"] != len(got):
                raise Wrong(f"token {event['tokens_predicted']} is number {len(got)}")
            if len(got) >= most:
                client.leave()
                return got
        if n_told is None:
            raise Wrong("a text without an end")
        return got

    async def learn(self, client):
        for prompt in self.prompts:
            self.known[prompt] = await self.tokens(client, prompt, LONGEST, LONGEST + 1)

    async def ask(self, client, rng):
        prompt, n = rng.choice(self.prompts), rng.randrange(1, LONGEST + 1)
        leaves = rng.random() < 0.2
        got = await self.tokens(client, prompt, n, 3 if leaves else n + 1)
        wanted = self.known[prompt][:len(got) if leaves else n]
        if got != wanted:
            raise Wrong(f"another text for '{prompt[:40]}': {got} instead of {wanted}")


KINDS = {"embed": Embeddings, "classify": Rankings, "generate": Texts}


class Run:
    def __init__(self, port, client, figures, minutes):
        self.port, self.client, self.figures, self.minutes = port, client, figures, minutes
        self.counts, self.failures, self.seen = {}, [], []

    async def ask(self, k, task, questions, end):
        client, rng = self.client(self.port), random.Random(k)
        while time.monotonic() < end:
            try:
                await asyncio.wait_for(questions.ask(client, rng), 120)
                self.counts[task] = self.counts.get(task, 0) + 1
            except Exception as error:  # whatever it is, it is counted and told
                self.failures.append(f"{task}: {error!r}")
                client.leave()
            await asyncio.sleep(rng.random() * 0.05)
        if rest := await client.finish():
            self.failures.append(f"{task}: {len(rest)} bytes that nobody asked for")

    async def watch(self, end):
        start = time.monotonic()
        while time.monotonic() < end:
            await asyncio.sleep(min(10, 6 * self.minutes))
            process = (await asyncio.to_thread(self.figures, self.port))["process"]
            self.seen.append(process["resident_bytes"] / 1e6)
            counts = ", ".join(f"{n} {task}" for task, n in sorted(self.counts.items()))
            print(f"{time.monotonic() - start:6.0f} s  {self.seen[-1]:8.1f} MB {process['open_fds']:5.0f} descriptors  {counts}, "
                  f"{len(self.failures)} failed", flush=True)

    async def all(self, models, sentence):
        rng = random.Random(7)
        asked = [(m["task"], KINDS[m["task"]](m["name"], rng, sentence)) for m in models]
        alone = self.client(self.port)
        for _, questions in asked:
            await questions.learn(alone)
        await alone.finish()
        end = time.monotonic() + 60 * self.minutes
        await asyncio.gather(self.watch(end), *(self.ask(100 * i + k, task, questions, end)
                                                for i, (task, questions) in enumerate(asked) for k in range(CLIENTS)))

    def is_flat(self):
        third = max(1, len(self.seen) // 3)
        early, late = (statistics.median(part) for part in (self.seen[third:2 * third] or self.seen, self.seen[-third:]))
        print(f"memory: {early:.1f} MB in the second third, {late:.1f} MB in the last")
        return late - early < max(FLAT[0] * early, FLAT[1])


def mixed(serve, client, figures, sentence, models, minutes, *flags):
    """Prints what came of it; whether all is well."""
    with tempfile.TemporaryDirectory() as folder:
        server = serve(models, folder, "--cache-size", "1", *flags)
        before = figures(server.port)
        run = Run(server.port, client, figures, minutes)
        asyncio.run(run.all([m for m in before["models"] if m["task"] in KINDS], sentence))
        time.sleep(2)
        after = figures(server.port)
        status = server.stop()
    answers = sum(after["http"]["answers"].values()) - sum(before["http"]["answers"].values())
    sent = client.n_sent + len(run.seen) + 1  # figures are answers, too: all but the last ones
    left = after["process"]["open_fds"] - before["process"]["open_fds"]
    flat = run.is_flat()
    print(f"{sum(run.counts.values())} checked replies, {len(run.failures)} failures {run.failures[:3]}")
    print(f"{sent} requests were sent and {answers} answered or left; {left:+.0f} descriptors, "
          f"{after['http']['connections']} connections, {after['http']['requests_in_flight'] - 1} requests at the end")
    well = (run.counts and not run.failures and answers == sent and left <= 0 and flat and
            after["http"]["requests_in_flight"] == 1 and status in (0, None))
    print("all is well" if well else "something is wrong")
    return well
