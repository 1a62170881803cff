"""Vectors of the column `text` of a parquet folder, by Ray Data.

    python3 ray_embed.py MODEL IN.parquet OUT.parquet [N_ACTORS]

MODEL is a path that every machine has.
"""

import sys

import ray

import hone.ray


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    model, source, target = sys.argv[1:4]
    actors = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    hone.ray.embed(ray.data.read_parquet(source), model, "text", role="document", concurrency=actors).write_parquet(target)


if __name__ == "__main__":
    main()
