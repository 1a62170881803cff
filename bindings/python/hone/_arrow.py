"""What hone makes of a column of an Apache Arrow table: another column. Needs pyarrow.

Texts are read where Arrow has them, and vectors stay where they were written: neither is copied.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from ._errors import RefusedError, UsageError
from ._model import Model
from ._shared import shared_model

class _Refused(Exception):
    """A text of a call, by its place there."""

    def __init__(self, place: int, sentence: str) -> None:
        super().__init__(sentence)
        self.place = place


def _refuse(place: int, sentence: str) -> None:
    raise _Refused(place, sentence)


KINDS = {"embed": 1, "rerank": 2, "classify": 1, "generate": 1}  # and how many columns they read


@dataclass(frozen=True)
class Task:
    """A new column `into` of what a model says of others. It goes to other processes as it is, and opens the model there.

    kind: "embed" (a list of float32), "rerank" (columns query and document; a float32), "classify" (a struct of label and
    score, the best one), "generate" (a text). options: of the method of hone.Model of that name. fixed: vectors are lists
    of a fixed size. nulls: "keep", where a text is null the result is; or "refuse".
    """

    kind: str
    model: str
    columns: tuple[str, ...]
    into: str
    options: Mapping[str, Any] = field(default_factory=dict)
    model_options: Mapping[str, Any] = field(default_factory=dict)
    fixed: bool = False
    nulls: str = "keep"

    def __post_init__(self) -> None:
        if self.kind not in KINDS or len(self.columns) != KINDS[self.kind]:
            raise UsageError(f"{self.kind} of the columns {', '.join(self.columns)}: expected {KINDS}")

    def open(self, threads: int = 0) -> Model:
        """The model of this process."""
        options = dict(self.model_options)
        if threads:
            options.setdefault("threads", threads)
        return shared_model(self.model, options)

    def type(self, model: Model | None = None) -> pa.DataType:
        """Of the new column."""
        if self.kind == "embed":
            if not self.fixed or model is None:
                return pa.list_(pa.float32())
            return pa.list_(pa.float32(), int(self.options.get("dims") or model.n_dims))
        if self.kind == "classify":
            return pa.struct([("label", pa.string()), ("score", pa.float32())])
        return pa.float32() if self.kind == "rerank" else pa.string()

    def add(self, table: Any, model: Model, first_row: int = 0) -> Any:
        """A RecordBatch or Table with the new column behind the others. first_row: what sentences call its row 0."""
        if self.into in table.schema.names:
            raise UsageError(f"there is a column {self.into} already")
        columns = [self._texts(table, name) for name in self.columns]
        n, valid = len(columns[0]), np.ones(len(columns[0]), bool)
        for column in columns:
            if column.null_count:
                valid &= np.asarray(column.is_valid().to_numpy(zero_copy_only=False), bool)
        if not valid.all():
            if self.nulls == "refuse":
                name = next(a for a, c in zip(self.columns, columns) if c.null_count)
                raise UsageError(f"column {name}, row {first_row + int(np.argmin(valid))}: null, expected a text")
            columns = [c.filter(pa.array(valid)) for c in columns]
        try:
            new = self._spread(self._compute(columns, model), valid, n)
        except _Refused as e:
            row = first_row + int(np.flatnonzero(valid)[e.place])
            sentence = re.sub(r"^text \d+", "this text", str(e))  # its place in a call says nothing
            raise RefusedError(f"column {self.columns[-1]}, row {row}: {sentence}") from None
        return type(table).from_arrays([*table.columns, new], schema=table.schema.append(pa.field(self.into, new.type)))

    def _texts(self, table: Any, name: str) -> Any:
        if name not in table.schema.names:
            raise UsageError(f"there is no column {name}, expected one of {', '.join(table.schema.names)}")
        column = table.column(name)
        if isinstance(column, pa.ChunkedArray):
            column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if str(column.type) == "string_view":
            column = column.cast(pa.large_string())
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise UsageError(f"column {name} is of the type {column.type}, expected strings")
        return column

    def _compute(self, columns: list[Any], model: Model) -> Any:
        """Of texts without nulls: rows [n, width] of float32, scores [n], or a list."""
        if self.kind == "embed":
            return model.embed(columns[0], **{"on_refused": _refuse, **self.options})
        if self.kind == "rerank":
            return self._scores(columns[0], columns[1], model)
        if self.kind == "classify":
            scores = model.classify(columns[0], **{"on_refused": _refuse, **self.options})
            best = scores.argmax(1) if len(scores) else np.empty(0, int)
            labels = np.array(model.labels, object)
            return labels[best].tolist(), np.ascontiguousarray(scores[np.arange(len(best)), best])
        return [g.text for g in model.generate_many(columns[0].to_pylist(), **self.options)]

    def _scores(self, queries: Any, documents: Any, model: Model) -> Any:
        scores = np.empty(len(queries), np.float32)
        groups = queries.dictionary_encode()
        places = groups.indices.to_numpy()
        for k, query in enumerate(groups.dictionary.to_pylist()):
            rows = np.flatnonzero(places == k)
            try:
                scores[rows] = model.rerank(query, documents.take(pa.array(rows)), **{"on_refused": _refuse, **self.options})
            except _Refused as e:
                raise _Refused(int(rows[e.place]), str(e)) from None
        return scores

    def _spread(self, values: Any, valid: Any, n: int) -> Any:
        """As an Arrow array of n rows, null where nothing was computed."""
        mask = None if valid.all() else pa.array(~valid)
        if self.kind == "embed":
            return self._lists(values, valid, mask)
        if self.kind == "classify":
            labels, scores = values
            parts = [_scatter(labels, valid, n, pa.string()), _scatter(scores, valid, n, pa.float32())]
            return pa.StructArray.from_arrays(parts, names=["label", "score"], mask=mask)
        return _scatter(values, valid, n, self.type())

    def _lists(self, rows: Any, valid: Any, mask: Any) -> Any:
        width = rows.shape[1]
        if self.fixed:
            if mask is not None:
                spread = np.zeros((len(valid), width), np.float32)
                spread[valid] = rows
                rows = spread
            return pa.FixedSizeListArray.from_arrays(pa.array(rows.reshape(-1)), width, mask=mask)
        ends = np.cumsum(valid) * width
        if len(ends) and ends[-1] > 2**31 - 1:
            raise UsageError(f"{len(valid)} rows of {width} numbers are too many for one batch")
        offsets = np.concatenate([[0], ends]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(rows.reshape(-1)), mask=mask)


def _scatter(values: Any, valid: Any, n: int, kind: Any) -> Any:
    if valid.all():
        return pa.array(values, kind)
    places = np.full(n, -1, np.int64)
    places[valid] = np.arange(int(valid.sum()))
    return pa.array(values, kind).take(pa.array(places, mask=~valid))


def task(
    kind: str,
    model: str,
    columns: str | Sequence[str],
    into: str,
    options: Mapping[str, Any],
    model_options: Mapping[str, Any] | None,
    **more: Any,
) -> Task:
    """A Task from what callers write."""
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    return Task(kind, str(model), names, into, dict(options), dict(model_options or {}), **more)

