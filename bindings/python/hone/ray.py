"""hone in Ray Data: columns of vectors, scores, labels and texts. Needs ray[data].

    import hone.ray

    vectors = hone.ray.embed(ds, "/models/minilm.gguf", "text", into="vector", concurrency=2)

Each actor opens the model once, with as many threads as it has processors (num_cpus).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import ray
from ray.data import Dataset

from ._arrow import Task, task


class Actor:
    """A callable class for Dataset.map_batches(batch_format="pyarrow"): each batch with one more column."""

    def __init__(self, work: Task, threads: int = 0) -> None:
        self.work = work
        self.model = work.open(threads)

    def __call__(self, batch: pa.Table) -> pa.Table:
        return self.work.add(batch, self.model)


def _map(ds: Dataset, work: Task, concurrency: Any, num_cpus: float, batch_size: int) -> Dataset:
    return ds.map_batches(
        Actor,
        fn_constructor_args=(work, max(1, int(num_cpus))),
        batch_format="pyarrow",
        batch_size=batch_size,
        zero_copy_batch=True,
        num_cpus=num_cpus,
        **_pool(concurrency),
    )


def _pool(concurrency: Any) -> dict[str, Any]:
    if hasattr(ray.data, "ActorPoolStrategy"):
        low, high = concurrency if isinstance(concurrency, tuple) else (concurrency, concurrency)
        return {"compute": ray.data.ActorPoolStrategy(min_size=low, max_size=high)}
    return {"concurrency": concurrency}


def embed(
    ds: Dataset,
    model: str,
    column: str,
    *,
    into: str = "embedding",
    concurrency: int | tuple[int, int] = 1,
    num_cpus: float = 1,
    batch_size: int = 1024,
    model_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Dataset:
    """With a column of lists of float32. options: of hone.Model.embed (role=, dims=, ...)."""
    return _map(ds, task("embed", model, column, into, options, model_options), concurrency, num_cpus, batch_size)


def rerank(
    ds: Dataset,
    model: str,
    query: str,
    document: str,
    *,
    into: str = "score",
    concurrency: int | tuple[int, int] = 1,
    num_cpus: float = 1,
    batch_size: int = 1024,
    model_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Dataset:
    """With a column of float32: how well the document of a row answers its query."""
    work = task("rerank", model, (query, document), into, options, model_options)
    return _map(ds, work, concurrency, num_cpus, batch_size)


def classify(
    ds: Dataset,
    model: str,
    column: str,
    *,
    into: str = "label",
    concurrency: int | tuple[int, int] = 1,
    num_cpus: float = 1,
    batch_size: int = 1024,
    model_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Dataset:
    """With a column of structs of label and score: the best label."""
    return _map(ds, task("classify", model, column, into, options, model_options), concurrency, num_cpus, batch_size)


def generate(
    ds: Dataset,
    model: str,
    column: str,
    *,
    into: str = "generated",
    concurrency: int | tuple[int, int] = 1,
    num_cpus: float = 1,
    batch_size: int = 64,
    model_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Dataset:
    """With a column of texts that go on with prompts."""
    return _map(ds, task("generate", model, column, into, options, model_options), concurrency, num_cpus, batch_size)
