"""python -m hone: columns of vectors, scores, labels and texts in parquet and Arrow files. Needs pyarrow.

A job that is killed goes on where it was when the same is run again.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from ._errors import HoneError
from ._version import __version__


def _share(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r}: expected I/N with I from 1 to N, as 2/4")
    return int(found[1]) - 1, int(found[2])


class Progress:
    """How far a job is, on a terminal as it goes on, and elsewhere a line a minute."""

    def __init__(self, n_rows: int | None, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.n_rows, self.stream, self.clock = n_rows, stream, clock
        self.n_done, self.n_computed = 0, 0
        self.begun = self.told = clock()
        self.live = stream.isatty()

    def words(self) -> str:
        seconds = self.clock() - self.begun
        rate = self.n_computed / seconds if seconds > 0 else 0.0
        text = f"{self.n_done} rows" if self.n_rows is None else f"{self.n_done} of {self.n_rows} rows"
        if self.n_computed and rate:
            text += f"  {rate:.0f}/s"
            if self.n_rows is not None:
                left = round((self.n_rows - self.n_done) / rate)
                text += f"  {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
        return text

    def add(self, n_rows: int, is_new: bool) -> None:
        """Of what earlier runs have left, nothing tells how long the rest will take."""
        self.n_done += n_rows
        self.n_computed += n_rows if is_new else 0
        now = self.clock()
        if self.live:
            print(f"\r\033[K{self.words()}", end="", file=self.stream, flush=True)
        elif now - self.told >= 60:
            print(f"hone: {self.words()}", file=self.stream, flush=True)
            self.told = now

    def end(self) -> None:
        if self.live and self.n_done:
            print("\r\033[K", end="", file=self.stream, flush=True)


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
        p.add_argument(
            "-i",
            "--input",
            required=True,
            nargs="+",
            metavar="FILE",
            help=".parquet, .arrow or .feather; several, a pattern or a folder are one table",
        )
        p.add_argument("-o", "--output", required=True, type=pathlib.Path, help="likewise, one")
        p.add_argument("--shard", type=_share, default=(0, 1), metavar="I/N", help="every Nth part alone, from the Ith on")
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
        from ._files import count_rows, expand, run
    except ImportError as e:
        print(f"hone: pyarrow is needed: {e}", file=sys.stderr)
        return 1
    columns = (arguments.query_column, arguments.column) if arguments.kind == "rerank" else arguments.column
    options = _given(arguments, "prompt", "role", "dims", "max_tokens", "temperature", "seed")
    model_options = _given(arguments, "compute", "max_length", "strict")
    progress = None
    try:
        if arguments.rows < 1:
            raise HoneError(f"--rows is {arguments.rows}, expected 1 or more")
        work = task(
            arguments.kind, arguments.model, columns, arguments.into, options, model_options, fixed=True, nulls=arguments.nulls
        )
        sources, (i, n_shares) = expand(arguments.input), arguments.shard
        if not arguments.quiet:
            n_rows = count_rows(sources) if n_shares == 1 else None
            progress = Progress(n_rows, sys.stderr)
        n = run(
            work,
            sources,
            arguments.output,
            arguments.rows,
            arguments.threads,
            (i, n_shares),
            progress.add if progress else None,
        )
    except (HoneError, OSError, ValueError) as e:
        print(f"hone: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hone: interrupted; the same command goes on", file=sys.stderr)
        return 130
    finally:
        if progress:
            progress.end()
    if not arguments.quiet:
        print(f"{arguments.output}: {n} rows", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
