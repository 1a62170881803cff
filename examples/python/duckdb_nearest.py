"""Texts in parquet, vectors in parquet, nearest neighbours in DuckDB.

    python3 duckdb_nearest.py MODEL TEXTS.parquet VECTORS.parquet QUERY [N]

TEXTS.parquet has a column `text`. VECTORS.parquet is made where it is not there; a run that is interrupted goes on.
"""

import os
import subprocess
import sys

import duckdb

import hone


def embed(model, texts, vectors):
    command = [sys.executable, "-m", "hone", "embed", "-m", model, "-i", texts, "-o", vectors, "--role", "document", "-q"]
    subprocess.run(command, check=True)


def nearest(vectors, query, n):
    """(text, cosine similarity) of the n texts that are nearest to the query's vector."""
    width = len(query)
    return duckdb.execute(
        f"""
        SELECT text, array_cosine_similarity(embedding::FLOAT[{width}], $query::FLOAT[{width}]) AS similarity
        FROM read_parquet($vectors) ORDER BY similarity DESC, text LIMIT $n
        """,
        {"query": query.tolist(), "vectors": vectors, "n": n},
    ).fetchall()


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    model, texts, vectors, query = sys.argv[1:5]
    if not os.path.exists(vectors):
        embed(model, texts, vectors)
    asked = hone.Model(model).embed(query, role="query")
    for text, similarity in nearest(vectors, asked, int(sys.argv[5]) if len(sys.argv) > 5 else 5):
        print(f"{similarity:.4f} {text}")


if __name__ == "__main__":
    main()
