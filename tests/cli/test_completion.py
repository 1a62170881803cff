"""What shells complete, and a manual page for each command: both made from the tables of commands and options."""
import re
import shutil
import subprocess
import unittest

from support import PATIENCE, Case, main


class Completion(Case):
    def script(self, shell):
        return self.file("hone." + shell, self.hone("help", "--completion", shell).out)

    def bash(self, *words):
        """What bash offers for the last of these words."""
        quoted = " ".join(f"'{w}'" for w in words)
        script = f"""compopt() {{ echo "files"; }}
            source {self.script("bash")}
            COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _hone
            printf '%s\\n' "${{COMPREPLY[@]}}" """
        p = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True)
        self.assertEqual(p.stderr, "")
        return p.stdout.split()

    def test_bash(self):
        self.assertEqual(self.bash("hone", "em"), ["embed"])
        self.assertEqual(self.bash("hone", "ser"), ["serve", "service"])
        self.assertEqual(self.bash("hone", "bench", ""), ["limits", "kernels", "model", "scheduler", "load", "compare"])
        self.assertEqual(self.bash("hone", "embed", "--fo"), ["--format", "--force"])
        self.assertEqual(self.bash("hone", "embed", "--format", ""), ["jsonl", "csv", "npy", "npz"])
        self.assertEqual(self.bash("hone", "bench", "model", "--compute", "b"), ["bf16", "blas"])
        self.assertEqual(self.bash("hone", "embed", "-m", ""), ["files"])
        self.assertEqual(self.bash("hone", "embed", "--threads", ""), [])
        self.assertEqual(self.bash("hone", "help", "tok"), ["tokenize"])

    def test_every_option_of_every_command(self):
        commands = self.hone("help").text.split("Commands:\n")[1].split("\n\n")[0]
        for name in re.findall(r"^ {2}(\w+(?: \w+)?)(?:  |$)", commands, re.M):
            name = name.split()
            options = set(re.findall(r"^ +(?:-\w, )?(--[a-z0-9-]+)", self.hone("help", *name).text, re.M))
            self.assertEqual(set(self.bash("hone", *name, "--")), options, name)

    @unittest.skipUnless(shutil.which("fish"), "no fish")
    def test_fish(self):
        def complete(line):
            p = subprocess.run(["fish", "--no-config", "-c", f"source {self.script('fish')}; complete -C '{line}'"],
                               capture_output=True, text=True, check=True, env={"HOME": self.path("."), "PATH": "/usr/bin:/bin"})
            return [row.split("\t")[0] for row in p.stdout.splitlines()]
        self.assertEqual(complete("hone em"), ["embed"])
        self.assertEqual(sorted(complete("hone bench ")), ["compare", "kernels", "limits", "load", "model", "scheduler"])
        found = complete("hone embed --fo")  # from version 4 on, words that have it somewhere come behind
        self.assertEqual(sorted(w for w in found if w.startswith("--fo")), ["--force", "--format"])
        self.assertEqual(complete("hone embed --format c"), ["csv"])

    @unittest.skipUnless(shutil.which("zsh"), "no zsh")
    def test_zsh(self):
        """A line and a tab; then the line is made the word of an echo (Ctrl-A, Ctrl-E), which waits for the completion."""
        script = f"""zmodload zsh/zpty; zpty z zsh -f -i
            zpty -w z 'PS1=; autoload -Uz compinit; compinit -u -d {self.path("dump")}'
            zpty -w z 'source {self.script("zsh")} 2>/dev/null; compdef _hone hone'
            for line whole in "$@"; do
                zpty -n -w z "$line"$'\\t\\x01echo "<\\x05>"\\n'
                zpty -r -m z out "*<${{whole}} #>*" && print -r "$whole"
            done"""
        subprocess.run(["zsh", "-n", self.script("zsh")], check=True)
        lines = {"hone em": "hone embed", "hone bench li": "hone bench limits", "hone embed --poo": "hone embed --pooling"}
        p = subprocess.run(["zsh", "-f", "-o", "extendedglob", "-c", script, "zsh", *(word for pair in lines.items() for word in pair)],
                           capture_output=True, text=True, timeout=PATIENCE, env={"TERM": "dumb", "HOME": self.path("."), "PATH": "/usr/bin:/bin"})
        self.assertEqual(p.stdout.split("\n")[:3], list(lines.values()), p.stderr)

    def test_no_shell(self):
        self.assertIn("--completion must be one of bash|zsh|fish", self.hone("help", "--completion", "csh", status=2).words)


class Manual(Case):
    def test_a_page_a_command(self):
        page = self.hone("help", "--man", "bench", "limits").text
        self.assertTrue(page.startswith(".TH HONE\\-BENCH\\-LIMITS 1"))
        self.assertIn("hone\\-bench\\-limits \\- what this machine can do at most\n", page)
        for title in ("SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "SEE ALSO"):
            self.assertIn(f".SH {title}\n", page)
        self.assertIn("\\-\\-threads N", page)
        self.assertNotIn("\\-\\-completion ", self.hone("help", "--man").text)
        self.hone("help", "--man", "nothing", status=2)


main()
