"""Lines of a file into PostgreSQL, and those that are nearest to a query: pgvector, with psycopg.

    python3 pgvector_nearest.py MODEL TEXTS.txt "dbname=test" QUERY [N]

The table hone_texts is made where it is not there, with an HNSW index for cosine distances.
"""

import sys

import psycopg

import hone


def written(row):
    return "[" + ",".join(map(repr, row.tolist())) + "]"


def fill(db, model, texts):
    db.execute("CREATE EXTENSION IF NOT EXISTS vector")
    db.execute(f"CREATE TABLE hone_texts (id bigint PRIMARY KEY, text text, embedding vector({model.n_dims}))")
    with db.cursor().copy("COPY hone_texts FROM STDIN") as copy:
        for i, (text, row) in enumerate(zip(texts, model.embed(texts, role="document"))):
            copy.write_row((i, text, written(row)))
    db.execute("CREATE INDEX ON hone_texts USING hnsw (embedding vector_cosine_ops)")
    db.commit()


def nearest(db, query, n):
    """(text, cosine distance) of the n texts that are nearest to the query's vector."""
    found = db.execute(
        "SELECT text, embedding <=> %(query)s::vector AS distance FROM hone_texts ORDER BY distance LIMIT %(n)s",
        {"query": written(query), "n": n},
    )
    return found.fetchall()


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    name, texts, database, query = sys.argv[1:5]
    model = hone.Model(name)
    with psycopg.connect(database) as db:
        if db.execute("SELECT to_regclass('hone_texts')").fetchone()[0] is None:
            with open(texts, encoding="utf-8") as lines:
                fill(db, model, [line.rstrip("\n") for line in lines])
        for text, distance in nearest(db, model.embed(query, role="query"), int(sys.argv[5]) if len(sys.argv) > 5 else 5):
            print(f"{1 - distance:.4f} {text}")


if __name__ == "__main__":
    main()
