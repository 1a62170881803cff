"""hone chat, through pipes and at a terminal."""
import os
import pty
import select
import signal
import time

from support import FIXTURES, HONE, Case, main

MODEL = os.path.join(FIXTURES, "causal")
CHAT = ["chat", "-m", MODEL, "-t", "1", "--temp", "0"]


class Terminal:
    """The program as a person at a terminal sees it."""

    def __init__(self, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
            os.execv(HONE, [HONE, *arguments])

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def until(self, wanted, seconds=60):
        """What comes, up to and with `wanted`; None: the end."""
        seen, end = b"", time.monotonic() + seconds
        while time.monotonic() < end and not (wanted and wanted.encode() in seen):
            if not select.select([self.fd], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                part = b""
            if not part:
                return seen.decode(errors="replace") if wanted is None else None
            seen += part
        return seen.decode(errors="replace") if wanted and wanted.encode() in seen else None

    def close(self, keys):
        """Its exit status after these keys."""
        self.type(keys)
        ended = self.until(None)
        if ended is None:
            os.kill(self.pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return None if ended is None else status


class Chat(Case):
    def chat(self, said, *arguments, **how):
        return self.hone(*CHAT, "-n", "8", *arguments, stdin=said, **how)

    def test_answers(self):
        one, two = self.chat("hello\n/clear\nhello\n").text.splitlines()
        self.assertEqual(one, two)
        prompt = "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
        ids = self.hone("tokenize", "-m", MODEL, "--jsonl", "--no-special", stdin='"%s"' % prompt.replace("\n", "\\n"))
        ids = " ".join(map(str, ids.json_lines[0]))
        self.assertEqual(self.hone("generate", "-m", MODEL, "--ids", ids, "-n", "8", "--temp=0").text, one + "\n")
        told = self.chat("hello\n", "--system", "be kind").text
        self.assertNotEqual(told, one + "\n")
        self.assertEqual(self.chat("/system be kind\nhello\n").text, told)

    def test_commands(self):
        run = self.chat("one\ntwo\n/undo\n/history\n/nonsense\n/exit\nthree\n")
        self.assertEqual(len(run.text.splitlines()), 2)
        self.assertIn("user: one", run.words)
        self.assertNotIn("user: two", run.words)
        self.assertIn("there is no command '/nonsense'; /help lists them", run.words)
        self.assertIn("/clear", self.chat("/help\n").words)
        empty = self.chat("/again\n/undo\n").words
        self.assertIn("answered again", empty)
        self.assertIn("could be forgotten", empty)
        again = self.chat("one\n/again\n/again\n/history\n", "--temp", "2", "--seed", "1")
        self.assertEqual(len(set(again.text.splitlines())), 3)
        self.assertEqual(again.words.count("assistant:"), 1)
        self.assertIn("user: a\nb", self.chat("a\\\nb\n/history\n").words)

    def test_known_tokens(self):
        words = self.chat("hello, this is a long line\n/stats\nand another\n/stats\n").words.splitlines()
        known = [int(w.split(" were read, ")[1].split()[0]) for w in words if "were read" in w]
        self.assertEqual(known[0], 0)
        self.assertGreaterEqual(known[1], 32)

    def test_refusals(self):
        self.assertIn("no chat template", self.hone("chat", "-m", os.path.join(FIXTURES, "t5"), status=2).words)
        self.assertIn("context", self.chat("x" * 9000 + "\n", status=4).words)
        self.assertIn("JSON", self.chat("", "--variables", "[", status=2).words)

    def test_terminal(self):
        t = Terminal(*CHAT, "-n", "3", "--logit-bias", "1=-inf", "--logit-bias", "3=-inf")
        self.assertIsNotNone(t.until("> "))
        t.type("hello\n")
        self.assertIsNotNone(t.until("\n> "))
        t.type("never said\x03")
        self.assertIsNotNone(t.until("(Ctrl-D ends)\r\n> "))
        t.type("\x1b[A\n")  # the line before
        self.assertIsNotNone(t.until("\n> "))
        t.type("/history\n")
        self.assertEqual(t.until("\n> ").count("user: hello"), 2)
        self.assertEqual(t.close("\x04"), 0)

    def test_what_is_refused_can_be_said_shorter(self):
        """A text that the context or the cache has no room for ends no conversation at a terminal."""
        t = Terminal(*CHAT, "-n", "3", "--kv-tokens", "32", "--logit-bias", "1=-inf", "--logit-bias", "3=-inf")
        self.assertIsNotNone(t.until("> "))
        t.type("this is a line that is longer than there is room for\n")
        self.assertIsNotNone(t.until("has room for 32"))
        t.type("hello\n/stats\n")
        self.assertIsNotNone(t.until("3 were written"))
        t.type("/history\n")
        self.assertNotIn("longer than", t.until("user: hello"))
        self.assertEqual(t.close("/exit\n"), 0)

    def test_interrupt(self):
        t = Terminal(*CHAT, "-n", "8000", "--logit-bias", "1=-inf", "--logit-bias", "3=-inf")
        self.assertIsNotNone(t.until("> "))
        t.type("hello\n")
        self.assertIsNotNone(t.until("hello\r\n"))
        t.type("\x03")
        self.assertIsNotNone(t.until("\n> "))
        t.type("/stats\n")
        self.assertLess(int(t.until(" were written").split("already; ")[1].split()[0]), 8000)
        self.assertEqual(t.close("/exit\n"), 0)


main()
