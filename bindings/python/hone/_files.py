"""Tables in files: parquet, and Arrow's own form (which Feather is). Several are one table, whose rows come file by file. A job
that is killed goes on where it was.

Beside the output OUT lies OUT.parts/ until it is whole: what the job is (job.json) and the parts that are finished, each of
which got its name when it was. OUT is put together of them, so its bytes do not tell whether anything was interrupted.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ._arrow import Task
from ._errors import HoneError, RefusedError, UsageError
from ._handle import find
from ._model import Model

PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")


def form_of(path: pathlib.Path) -> str:
    """ "parquet" or "arrow", by name; and by content where there is some."""
    form = "parquet" if path.suffix in PARQUET else "arrow" if path.suffix in ARROW else None
    if form is None:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(PARQUET + ARROW)}")
    return form


def expand(names: Sequence[str]) -> list[pathlib.Path]:
    """The files that names, patterns ("texts-*.parquet") and folders stand for."""
    found: list[pathlib.Path] = []
    for name in names:
        path = pathlib.Path(name)
        if path.is_dir():
            some = sorted(p for p in path.iterdir() if p.suffix in PARQUET + ARROW)
        elif path.exists() or not glob.has_magic(name):
            some = [path]
        else:
            some = [pathlib.Path(p) for p in sorted(glob.glob(name))]
        if not some:
            raise UsageError(f"{name}: there are no files {', '.join('*' + end for end in PARQUET + ARROW)}")
        found += some
    for path in found:
        form_of(path)
        if not path.exists():
            raise UsageError(f"{path}: there is no such file")
    return found


@contextlib.contextmanager
def _reading(path: pathlib.Path, row: Sequence[int]) -> Iterator[None]:
    """What goes wrong in here has the file's name, and the row from which on it cannot be read."""
    try:
        yield
    except (pa.ArrowException, OSError) as e:
        raise HoneError(f"{path}, from row {row[0]} on: {str(e).strip()}") from e


def _damaged(file: pq.ParquetFile, group: int, error: Exception) -> str:
    """Which columns of a group of rows cannot be read; each by itself tells."""
    bad = []
    for name in dict.fromkeys(n.split(".")[0] for n in file.schema.names):
        try:
            file.read_row_group(group, columns=[name])
        except (pa.ArrowException, OSError):
            bad.append(name)
    columns = f"column {', '.join(bad)}: " if bad else ""
    return f"row group {group}, {columns}{str(error).strip()}"


def _parquet_batches(path: pathlib.Path, n_rows: int) -> Iterator[pa.RecordBatch]:
    row = [0]
    with _reading(path, row), pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            some = file.iter_batches(batch_size=n_rows, row_groups=[group])
            while True:
                try:
                    batch = next(some, None)
                except (pa.ArrowException, OSError) as e:
                    raise pa.ArrowInvalid(_damaged(file, group, e)) from e
                if batch is None:
                    break
                yield batch
                row[0] += batch.num_rows


def _arrow_batches(path: pathlib.Path, n_rows: int) -> Iterator[pa.RecordBatch]:
    row = [0]
    with _reading(path, row), pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        for i in range(reader.num_record_batches):
            whole = reader.get_batch(i)
            for start in range(0, whole.num_rows, n_rows):
                yield whole.slice(start, n_rows)
            row[0] += whole.num_rows


def batches(path: pathlib.Path, n_rows: int) -> Iterator[pa.RecordBatch]:
    """The table in batches of n_rows, but for the last of a part of the file."""
    return _parquet_batches(path, n_rows) if form_of(path) == "parquet" else _arrow_batches(path, n_rows)


def _schema(path: pathlib.Path) -> pa.Schema:
    with _reading(path, [0]):
        if form_of(path) == "parquet":
            return pq.read_schema(path)
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
            return reader.schema


def _common_schema(sources: Sequence[pathlib.Path]) -> pa.Schema:
    """That of all files: one with other columns cannot stand below the first."""
    first = _schema(sources[0])
    for path in sources[1:]:
        other = _schema(path)
        if not other.equals(first):
            wrong = next((f for f in other if f.name not in first.names or first.field(f.name) != f), None)
            what = f"column {wrong.name} ({wrong.type})" if wrong else f"columns {', '.join(other.names)}"
            raise UsageError(f"{path}: its {what} is not as in {sources[0]}, which has {', '.join(map(str, first))}")
    return first


def count_rows(sources: Sequence[pathlib.Path]) -> int | None:
    """None where only reading all of them would tell."""
    if any(form_of(path) != "parquet" for path in sources):
        return None
    n = 0
    for path in sources:
        with _reading(path, [0]):
            n += pq.read_metadata(path).num_rows
    return n


def _writer(path: pathlib.Path, schema: pa.Schema, form: str) -> Any:
    return pq.ParquetWriter(path, schema) if form == "parquet" else pa.ipc.new_file(str(path), schema)


def _content(path: pathlib.Path) -> list[Any]:
    """What tells that a file or folder is another one than it was."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [[str(p), p.stat().st_size, p.stat().st_mtime_ns] for p in files]


def _job(work: Task, sources: Sequence[pathlib.Path], n_rows: int, share: tuple[int, int]) -> dict[str, Any]:
    """What a job is, each under the name that a refusal tells."""
    return {
        "the model": _content(pathlib.Path(find(work.model)).resolve()),
        "the input": [_content(path.resolve()) for path in sources],
        "what is computed": [work.kind, list(work.columns), work.into, work.nulls, work.fixed],
        "an option": [sorted(work.options.items()), sorted((k, v) for k, v in work.model_options.items() if k != "threads")],
        "--rows": n_rows,
        "--shard": share,
    }


class Parts:
    """OUT.parts/, which one job at a time has."""

    def __init__(self, target: pathlib.Path, job: dict[str, Any]) -> None:
        self.target, self.folder = target, target.with_name(target.name + ".parts")
        self.folder.mkdir(exist_ok=True)
        self._lock = open(self.folder / "lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.close()
            raise UsageError(f"{target}: another job writes it now") from None
        text, path = json.dumps(job, indent=1), self.folder / "job.json"
        if path.exists():
            before = json.loads(path.read_text())
            for name in job:
                if json.loads(text)[name] != before.get(name):
                    raise UsageError(
                        f"{target}: a job was begun with other settings, and {name} is not what it was; "
                        f"remove {self.folder} to begin anew"
                    )
        else:
            self._write(path, text.encode())

    def close(self) -> None:
        """Another job may have the folder."""
        self._lock.close()

    def _write(self, path: pathlib.Path, data: bytes) -> None:
        """It has its name when it is whole."""
        temporary = path.with_suffix(".tmp")
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)

    def path(self, i: int) -> pathlib.Path:
        return self.folder / f"{i:08}.arrow"

    def has(self, i: int) -> bool:
        return self.path(i).exists()

    def add(self, i: int, batch: pa.RecordBatch) -> None:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        data = sink.getvalue()
        self._write(self.path(i), hashlib.sha256(data).digest() + data.to_pybytes())

    def read(self, i: int) -> pa.RecordBatch:
        data = self.path(i).read_bytes()
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            raise HoneError(f"{self.path(i)} is damaged: remove it, and run this again")
        with pa.ipc.open_stream(data[32:]) as reader:
            return next(iter(reader))

    def join(self, n: int, schema: pa.Schema) -> None:
        """Makes the output of n parts, and takes them away."""
        temporary = self.folder / "whole.tmp"
        with _writer(temporary, schema, form_of(self.target)) as writer:
            for i in range(n):
                writer.write_batch(self.read(i))
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.rename(temporary, self.target)
        shutil.rmtree(self.folder)


def run(
    work: Task,
    sources: Sequence[pathlib.Path],
    target: pathlib.Path,
    n_rows: int,
    threads: int = 0,
    share: tuple[int, int] = (0, 1),
    on_batch: Callable[[int, bool], Any] | None = None,
) -> int:
    """The table with a new column, in another file; how many rows it has. share: i, n: of its batches, every nth from the ith on,
    counted from 0. on_batch: told the rows of each, and whether they were computed now."""
    form_of(target)
    schema = _common_schema(sources)
    job = _job(work, sources, n_rows, share)
    model = work.open(threads)
    with contextlib.closing(Parts(target, job)) as parts:
        return _run_parts(work, model, sources, parts, schema, n_rows, share, on_batch)


def _run_parts(
    work: Task,
    model: Model,
    sources: Sequence[pathlib.Path],
    parts: Parts,
    schema: pa.Schema,
    n_rows: int,
    share: tuple[int, int],
    on_batch: Callable[[int, bool], Any] | None,
) -> int:
    n_seen = n = n_written = 0
    for path in sources:
        row = 0
        for batch in batches(path, n_rows):
            if n_seen % share[1] == share[0]:
                done = parts.has(n)
                if not done:
                    try:
                        parts.add(n, work.add(batch, model, row))
                    except (UsageError, RefusedError) as e:
                        raise type(e)(f"{path}: {e}") from None
                n, n_written = n + 1, n_written + batch.num_rows
                if on_batch:
                    on_batch(batch.num_rows, not done)
            n_seen, row = n_seen + 1, row + batch.num_rows
    schema = parts.read(0).schema if n else schema.append(pa.field(work.into, work.type(model)))
    parts.join(n, schema)
    return n_written
