#!/usr/bin/env python3
"""Draws the README's pictures: a terminal with what commands really say, and the dashboard of a server under load.

    docs/pictures.py MODEL TEXTS          after make demo: models/minilm.gguf data/programs-short.txt

The dashboard needs chromium; without it only the terminal is drawn. HONE names the program.
"""
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HONE = os.path.join(ROOT, os.environ.get("HONE", "build/hone"))
OUT = os.path.join(ROOT, "docs")
COLUMNS, WIDTH, HEIGHT = 100, 8.4, 19


def run(command):
    """What a person types, and what comes of it."""
    out = subprocess.run(command, shell=True, capture_output=True, text=True,
                         env={**os.environ, "PATH": os.path.dirname(HONE) + ":" + os.environ["PATH"]}).stdout
    return [("$ " + command, True)] + [(line[:COLUMNS], False) for line in out.rstrip("\n").split("\n")] + [("", False)]


def terminal(lines, path):
    rows = "\n".join(
        f'<text x="16" y="{34 + i * HEIGHT}" fill="{"#7fd1b9" if typed else "#d8dee9"}" xml:space="preserve">{html.escape(line)}</text>'
        for i, (line, typed) in enumerate(lines))
    width, height = COLUMNS * WIDTH + 32, (len(lines) + 1) * HEIGHT + 20
    with open(path, "w") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" font-family="monospace" '
                f'font-size="14">\n<rect width="100%" height="100%" rx="8" fill="#20252d"/>\n{rows}\n</svg>\n')


def load(port, texts, end):
    i = 0
    while time.monotonic() < end:
        body = json.dumps({"inputs": texts[i % len(texts):][:1 + i % 7]}).encode()
        try:
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/embed", body)).read()
        except OSError:
            return
        i += 1


def dashboard(model, texts, path, seconds=25):
    browser = shutil.which("chromium")
    if not browser:
        print("no chromium: the dashboard is not drawn")
        return
    server = subprocess.Popen([HONE, "serve", "-m", model, "--port", "0", "--compute", "int8"], stderr=subprocess.PIPE, text=True)
    port = next(m[1] for line in server.stderr if (m := re.search(r"127\.0\.0\.1:(\d+)", line)))
    threading.Thread(target=server.stderr.read, daemon=True).start()
    end = time.monotonic() + seconds + 20
    for k in range(6):
        threading.Thread(target=load, args=(port, texts[k * 500:], end), daemon=True).start()
    time.sleep(seconds / 3)
    # The page draws what it saw since it was opened.
    subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,900",
                    f"--virtual-time-budget={seconds * 1000}", f"--screenshot={path}", f"http://127.0.0.1:{port}/dashboard"],
                   capture_output=True, timeout=300)
    server.send_signal(signal.SIGTERM)
    server.wait()


def main():
    model, texts = sys.argv[1], sys.argv[2]
    lines = (run(f"hone rerank -m {model} -q 'learn to type faster' {texts} --top-n 4")
             + run(f"head -n 2 {texts} | hone embed -m {model} --dimensions 4 --format csv")
             + run(f"hone inspect {model} | head -n 12"))
    terminal(lines[:-1], os.path.join(OUT, "terminal.svg"))
    with open(texts) as f:
        dashboard(model, f.read().splitlines(), os.path.join(OUT, "dashboard.png"))


main()
