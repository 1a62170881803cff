"""Tables in files: parquet, and Arrow's own form (which Feather is). A job that is killed goes on where it was.

Beside the output OUT lies OUT.parts/ until it is whole: what the job is (job.json) and the parts that are finished, each of
which got its name when it was. OUT is put together of them, so its bytes do not tell whether anything was interrupted.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ._arrow import Task
from ._errors import HoneError, UsageError
from ._handle import find

PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc")


def form_of(path: pathlib.Path) -> str:
    """ "parquet" or "arrow", by name; and by content where there is some."""
    form = "parquet" if path.suffix in PARQUET else "arrow" if path.suffix in ARROW else None
    if form is None:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(PARQUET + ARROW)}")
    return form


def batches(path: pathlib.Path, n_rows: int) -> Iterator[pa.RecordBatch]:
    """The table in batches of n_rows, but for the last of a part of the file."""
    row = 0
    try:
        if form_of(path) == "parquet":
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=n_rows):
                    yield batch
                    row += batch.num_rows
        else:
            with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
                for i in range(reader.num_record_batches):
                    whole = reader.get_batch(i)
                    for start in range(0, whole.num_rows, n_rows):
                        yield whole.slice(start, n_rows)
                    row += whole.num_rows
    except (pa.ArrowException, OSError) as e:
        raise HoneError(f"{path}, from row {row} on: {str(e).strip()}") from e


def _writer(path: pathlib.Path, schema: pa.Schema, form: str) -> Any:
    return pq.ParquetWriter(path, schema) if form == "parquet" else pa.ipc.new_file(str(path), schema)


def _content(path: pathlib.Path) -> list[Any]:
    """What tells that a file or folder is another one than it was."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [[str(p), p.stat().st_size, p.stat().st_mtime_ns] for p in files]


def _job(work: Task, source: pathlib.Path, n_rows: int) -> dict[str, Any]:
    """What a job is, each under the name that a refusal tells."""
    return {
        "the model": _content(pathlib.Path(find(work.model)).resolve()),
        "the input": _content(source.resolve()),
        "what is computed": [work.kind, list(work.columns), work.into, work.nulls, work.fixed],
        "an option": [sorted(work.options.items()), sorted((k, v) for k, v in work.model_options.items() if k != "threads")],
        "--rows": n_rows,
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
    source: pathlib.Path,
    target: pathlib.Path,
    n_rows: int,
    threads: int = 0,
    on_batch: Callable[[int], Any] | None = None,
) -> int:
    """The table with a new column, in another file; how many rows it has. on_batch: told the rows of each."""
    form_of(target)
    if not source.exists():
        raise UsageError(f"{source}: there is no such file")
    job = _job(work, source, n_rows)
    model = work.open(threads)
    parts, n, row, schema = Parts(target, job), 0, 0, None
    for batch in batches(source, n_rows):
        if not parts.has(n):
            try:
                parts.add(n, work.add(batch, model))
            except UsageError as e:
                raise UsageError(f"{source}, rows {row} to {row + batch.num_rows - 1}: {e}") from None
        schema = schema or parts.read(n).schema
        n, row = n + 1, row + batch.num_rows
        if on_batch:
            on_batch(batch.num_rows)
    if schema is None:
        empty = pq.read_schema(source) if form_of(source) == "parquet" else pa.ipc.open_file(str(source)).schema
        schema = empty.append(pa.field(work.into, work.type(model)))
    parts.join(n, schema)
    return row
