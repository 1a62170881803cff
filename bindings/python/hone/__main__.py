"""python -m hone: columns of vectors, scores, labels and texts in parquet and Arrow files. Needs pyarrow.

A job that is killed goes on where it was when the same is run again.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import Any

from ._errors import HoneError
from ._version import __version__


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hone", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="kind", required=True, metavar="COMMAND")
    for kind, into, what in (
        ("embed", "embedding", "vectors"),
        ("rerank", "score", "how well documents answer queries"),
        ("classify", "label", "the best label and its score"),
        ("generate", "generated", "texts that go on"),
    ):
        p = commands.add_parser(kind, help=what)
        p.add_argument("-m", "--model", required=True, help="a path, or a name as hf:user/repo")
        p.add_argument("-i", "--input", required=True, type=pathlib.Path, help="FILE.parquet, .arrow or .feather")
        p.add_argument("-o", "--output", required=True, type=pathlib.Path, help="likewise")
        p.add_argument("--column", default="text", help="whose texts are read (%(default)s)")
        p.add_argument("--into", default=into, help="the new column (%(default)s)")
        p.add_argument("--nulls", choices=("refuse", "keep"), default="refuse", help="what becomes of a null (%(default)s)")
        p.add_argument("--rows", type=int, default=4096, help="rows of a part of the job (%(default)s)")
        p.add_argument("-t", "--threads", type=int, default=0, help="0: as many as there are")
        p.add_argument("--compute", choices=("auto", "f32", "int8", "bf16", "blas"))
        p.add_argument("--max-length", type=int, help="tokens a text")
        p.add_argument("--strict", action="store_true", help="refuse a text that is too long")
        p.add_argument("-q", "--quiet", action="store_true")
        if kind == "embed":
            p.add_argument("--prompt", help="the name of a prompt")
            p.add_argument("--role", choices=("query", "document"))
            p.add_argument("--dims", type=int, help="the first so many dimensions")
        elif kind == "rerank":
            p.add_argument("--query-column", default="query", help="whose texts are the queries (%(default)s)")
        elif kind == "generate":
            p.add_argument("--max-tokens", type=int)
            p.add_argument("--temperature", type=float)
            p.add_argument("--seed", type=int)
    return parser


def _given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    values = {name: getattr(arguments, name, None) for name in names}
    return {name: value for name, value in values.items() if value not in (None, False)}


def main() -> int:
    arguments = _parser().parse_args()
    try:
        from ._arrow import task
        from ._files import run
    except ImportError as e:
        print(f"hone: pyarrow is needed: {e}", file=sys.stderr)
        return 1
    columns = (arguments.query_column, arguments.column) if arguments.kind == "rerank" else arguments.column
    options = _given(arguments, "prompt", "role", "dims", "max_tokens", "temperature", "seed")
    model_options = _given(arguments, "compute", "max_length", "strict")
    n_done = 0

    def told(n: int) -> None:
        nonlocal n_done
        n_done += n
        if not arguments.quiet and sys.stderr.isatty():
            print(f"\r{n_done} rows", end="", file=sys.stderr, flush=True)

    try:
        if arguments.rows < 1:
            raise HoneError(f"--rows is {arguments.rows}, expected 1 or more")
        work = task(
            arguments.kind, arguments.model, columns, arguments.into, options, model_options, fixed=True, nulls=arguments.nulls
        )
        n = run(work, arguments.input, arguments.output, arguments.rows, arguments.threads, told)
    except (HoneError, OSError, ValueError) as e:
        print(f"hone: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hone: interrupted; the same command goes on", file=sys.stderr)
        return 130
    if not arguments.quiet:
        print(f"{arguments.output}: {n} rows", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
