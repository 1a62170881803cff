"""Lines of a file into SQLite, and those that are nearest to a query: sqlite-vec.

    python3 sqlite_vec_nearest.py MODEL TEXTS.txt INDEX.db QUERY [N]

INDEX.db is made where it is not there.
"""

import os
import sqlite3
import sys

import sqlite_vec

import hone


def connect(path):
    db = sqlite3.connect(path)
    db.enable_load_extension(True)
    sqlite_vec.load(db)
    db.enable_load_extension(False)
    return db


def fill(db, model, texts):
    db.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT)")
    db.execute(f"CREATE VIRTUAL TABLE vectors USING vec0(embedding float[{model.n_dims}] distance_metric=cosine)")
    rows = model.embed(texts, role="document")
    db.executemany("INSERT INTO texts VALUES (?, ?)", enumerate(texts, 1))
    db.executemany("INSERT INTO vectors (rowid, embedding) VALUES (?, ?)", ((i, row.tobytes()) for i, row in enumerate(rows, 1)))
    db.commit()


def nearest(db, query, n):
    """(text, cosine distance) of the n texts that are nearest to the query's vector."""
    return db.execute(
        """
        SELECT text, distance FROM vectors JOIN texts ON texts.id = vectors.rowid
        WHERE embedding MATCH ? AND k = ? ORDER BY distance
        """,
        (query.tobytes(), n),
    ).fetchall()


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    name, texts, index, query = sys.argv[1:5]
    model, is_new = hone.Model(name), not os.path.exists(index)
    db = connect(index)
    if is_new:
        with open(texts, encoding="utf-8") as lines:
            fill(db, model, [line.rstrip("\n") for line in lines])
    for text, distance in nearest(db, model.embed(query, role="query"), int(sys.argv[5]) if len(sys.argv) > 5 else 5):
        print(f"{1 - distance:.4f} {text}")


if __name__ == "__main__":
    main()
