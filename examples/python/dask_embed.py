"""Vectors of the column `text` of a parquet folder, by Dask.

    python3 dask_embed.py MODEL IN.parquet OUT.parquet [N_PROCESSES]

Each process has an equal part of the processors.
"""

import os
import sys

import dask.dataframe
from dask.distributed import Client, LocalCluster

import hone.dask


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    model, source, target = sys.argv[1:4]
    n = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    threads = max(1, len(os.sched_getaffinity(0)) // n)
    with LocalCluster(n_workers=n, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        df = dask.dataframe.read_parquet(source)
        vectors = hone.dask.embed(df, model, "text", role="document", model_options={"threads": threads})
        vectors.to_parquet(target)


if __name__ == "__main__":
    main()
