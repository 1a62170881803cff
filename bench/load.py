#!/usr/bin/env python3
"""hone serve under load by hone bench load: one client, many, more and more, somebody who watches meanwhile, and requests at
fixed times up to what it can do at most.

    bench/load.py MODEL [--kind KIND] [--seconds N] [--svg FILE] [--json FILE]

The client needs processors, too; on a small machine it takes them from the server.
"""
import argparse
import json
import subprocess
import sys
import tempfile

from server import HONE, serve


def run(url, mode, o, *arguments):
    """Prints what it tells, and returns it. A run in which nothing is answered well ends everything."""
    command = [HONE, "bench", "load", url, "--mode", mode, "--kind", o.kind, "--duration", str(o.seconds), *arguments]
    out = subprocess.run([*command, "--json"], stdout=subprocess.PIPE)
    if out.returncode not in (0, 4):  # 4: some requests went wrong, which the table says
        raise SystemExit(out.returncode)
    result = json.loads(out.stdout)
    print(f"\n{mode + ' ' + ' '.join(arguments):26}{'answers/s':>11}" + "".join(f"{p:>10}" for p in ("P50", "P90", "P95", "P99"))
          + f"{'max ms':>10}{'errors':>9}")
    for r in result["results"]:
        numbers = [r["ms"][k] for k in ("p50", "p90", "p95", "p99", "max")]
        print(f"  {r['load']:24}{r['answers_s']:11.1f}" + "".join("         -" if x is None else f"{x:10.2f}" for x in numbers)
              + f"{100 * (r['requests'] - r['good']) / max(1, r['requests']):8.2f}%")
    sys.stdout.flush()
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--kind", default="embed", help="what the model does: embed, rerank, classify, chat, completion")
    parser.add_argument("--seconds", type=float, default=5, help="of each run")
    parser.add_argument("--svg", help="the chart of the runs at fixed rates")
    parser.add_argument("--json", help="all figures")
    o = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = serve(o.model, folder)
        url = f"http://127.0.0.1:{server.port}"
        try:
            results = [run(url, "latency", o), run(url, "load", o, "-c", "64"), run(url, "stress", o, "-c", "1000"),
                       run(url, "metrics", o, "-c", "64")]
            most = results[1]["results"][0]["answers_s"]
            results.append(run(url, "stress", o, "--rate", f"{0.8 * most:.3g}", *(("--svg", o.svg) if o.svg else ())))
        finally:
            server.stop()
    if o.svg:
        print(f"\n{o.svg}")
    if o.json:
        with open(o.json, "w") as f:
            json.dump(results, f, indent=1)


main()
