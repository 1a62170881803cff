"""hone in Apache Spark: columns of vectors, scores, labels and texts. Needs pyspark and pyarrow.

    import hone.spark

    vectors = hone.spark.embed(df, "/models/minilm.gguf", "text", into="vector")

Each Python worker opens the model once and keeps it, with as many threads as a task has processors (spark.task.cpus); the
model's file is on every machine. Rows come back in their order with all their columns; where a text is null, the result
is. A task that is tried again gives the same.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql.types import ArrayType, DataType, FloatType, StringType, StructField, StructType

from ._arrow import Task, task
from ._errors import HoneError

TYPES: dict[str, DataType] = {
    "embed": ArrayType(FloatType()),
    "rerank": FloatType(),
    "classify": StructType([StructField("label", StringType()), StructField("score", FloatType())]),
    "generate": StringType(),
}


class MapInArrow:
    """A function for DataFrame.mapInArrow: each batch with one more column. `schema(df)` is what comes of it."""

    def __init__(self, work: Task) -> None:
        self.work = work

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        try:
            model = self.work.open(context.cpus() if context else 0)
        except HoneError as e:
            raise type(e)(f"executor on {socket.gethostname()}: {e}") from None
        for batch in batches:
            yield self.work.add(batch, model)

    def schema(self, df: DataFrame) -> StructType:
        """The columns of df, and the new one."""
        return StructType([*df.schema.fields, StructField(self.work.into, TYPES[self.work.kind])])


def _map(df: DataFrame, work: Task) -> DataFrame:
    function = MapInArrow(work)
    return df.mapInArrow(function, function.schema(df))


def embed(
    df: DataFrame,
    model: str,
    column: str,
    *,
    into: str = "embedding",
    model_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> DataFrame:
    """With a column of array<float>. options: of hone.Model.embed (role=, dims=, ...)."""
    return _map(df, task("embed", model, column, into, options, model_options))


def rerank(
    df: DataFrame,
    model: str,
    query: str,
    document: str,
    *,
    into: str = "score",
    model_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> DataFrame:
    """With a column of float: how well the document of a row answers its query. Rows of one query that are in one batch are
    computed together."""
    return _map(df, task("rerank", model, (query, document), into, options, model_options))


def classify(
    df: DataFrame,
    model: str,
    column: str,
    *,
    into: str = "label",
    model_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> DataFrame:
    """With a column of struct<label, score>: the best label."""
    return _map(df, task("classify", model, column, into, options, model_options))


def generate(
    df: DataFrame,
    model: str,
    column: str,
    *,
    into: str = "generated",
    model_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> DataFrame:
    """With a column of texts that go on with prompts. With a temperature, give a seed: then a task that is tried again
    says the same."""
    return _map(df, task("generate", model, column, into, options, model_options))


def embed_udf(model: str, *, model_options: Mapping[str, Any] | None = None, **options: Any) -> Any:
    """A pandas_udf from a column of texts to array<float>; embed() copies less. Needs pandas."""
    import pandas as pd
    from pyspark.sql import functions

    work = task("embed", model, "text", "embedding", options, model_options)

    def vectors(columns: Iterator[pd.Series]) -> Iterator[pd.Series]:
        context = TaskContext.get()
        opened = work.open(context.cpus() if context else 0)
        for column in columns:
            batch = pa.RecordBatch.from_arrays([pa.array(column, pa.string())], names=["text"])
            yield work.add(batch, opened).column(1).to_pandas()

    # Spark reads the hints themselves, not what they are written as.
    vectors.__annotations__ = {"columns": Iterator[pd.Series], "return": Iterator[pd.Series]}
    make = getattr(functions, "pandas_udf")  # its types are more than mypy can follow
    return make(vectors, returnType=TYPES["embed"])


__all__: Sequence[str] = ["MapInArrow", "classify", "embed", "embed_udf", "generate", "rerank"]
