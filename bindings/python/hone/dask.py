"""hone in Dask: columns of vectors, scores, labels and texts of a dask.dataframe. Needs dask[dataframe].

    import hone.dask

    vectors = hone.dask.embed(df, "/models/minilm.gguf", "text", into="vector")

Each process opens the model once. With several threads a worker their calls are computed in turn, each with all of the
model's threads: one thread a worker is as good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from ._arrow import Task, task


def _add(df: pd.DataFrame, work: Task) -> pd.DataFrame:
    """A partition with one more column; its index stays."""
    names = list(work.columns)
    table = pa.Table.from_arrays([pa.array(df[name], pa.string(), from_pandas=True) for name in names], names=names)
    new = work.add(table, work.open()).column(len(names))
    return df.assign(**{work.into: pd.Series(pd.arrays.ArrowExtensionArray(new), index=df.index)})


def _map(df: Any, work: Task) -> Any:
    kind = pd.ArrowDtype(work.type())  # with which to_parquet knows what to write
    meta = df._meta.assign(**{work.into: pd.Series([], dtype=kind, index=df._meta.index)})
    return df.map_partitions(_add, work, meta=meta)


def embed(
    df: Any, model: str, column: str, *, into: str = "embedding", model_options: Mapping[str, Any] | None = None, **options: Any
) -> Any:
    """With a column of lists of float32. options: of hone.Model.embed (role=, dims=, ...)."""
    return _map(df, task("embed", model, column, into, options, model_options))


def rerank(
    df: Any,
    model: str,
    query: str,
    document: str,
    *,
    into: str = "score",
    model_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    """With a column of float32: how well the document of a row answers its query."""
    return _map(df, task("rerank", model, (query, document), into, options, model_options))


def classify(
    df: Any, model: str, column: str, *, into: str = "label", model_options: Mapping[str, Any] | None = None, **options: Any
) -> Any:
    """With a column of {"label", "score"}: the best label."""
    return _map(df, task("classify", model, column, into, options, model_options))


def generate(
    df: Any, model: str, column: str, *, into: str = "generated", model_options: Mapping[str, Any] | None = None, **options: Any
) -> Any:
    """With a column of texts that go on with prompts."""
    return _map(df, task("generate", model, column, into, options, model_options))
