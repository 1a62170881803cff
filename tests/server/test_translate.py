"""LibreTranslate's dialect: the command line's texts, its languages, and what is refused."""
import os

from serving import FIXTURES, ServerCase, main

M2M100 = os.path.join(FIXTURES, "m2m100")
TEXTS = ["Der Hund. Die Katze!", "", "Ein Fuchs\n\nlacht."]


class TestTranslate(ServerCase):
    models = [f"m2m100={M2M100}"]

    def translated(self, sentence):
        run = self.hone("generate", "-m", M2M100, "-p", sentence, "--from=de", "--to=en", "--temp=0", "-n", "8192")
        return run.text[:-1]

    def test_sentences(self):
        dog, cat, fox, laugh = (self.translated(s) for s in ("Der Hund.", "Die Katze!", "Ein Fuchs", "lacht."))
        body = {"q": TEXTS, "source": "de", "target": "en"}
        wanted = [f"{dog} {cat}", "", f"{fox}\n\n{laugh}"]
        self.assertEqual(self.post("/translate", body).json, {"translatedText": wanted})
        self.assertEqual(self.post("/translate", {**body, "q": TEXTS[0]}).json, {"translatedText": wanted[0]})
        self.assertEqual(self.post("/translate", {**body, "q": ""}).json, {"translatedText": ""})

    def test_languages(self):
        rows = {row["code"]: row for row in self.get("/languages").json}
        self.assertEqual((len(rows), rows["de"]["name"]), (100, "German"))
        self.assertIn("en", rows["de"]["targets"])

    def test_refusals(self):
        body = {"q": "x", "source": "de", "target": "en"}
        for change in ({"source": "auto"}, {"target": "xx"}, {"source": "xx"}, {"format": "html"}, {"alternatives": 2},
                       {"q": 5}, {"target": None}):
            with self.subTest(change=change):
                self.assertEqual(set(self.post("/translate", {**body, **change}, status=400).json), {"error"})
        self.assertEqual(set(self.post("/detect", {"q": "x"}, status=400).json), {"error"})


if __name__ == "__main__":
    main()
