"""Vectors of the column `text` of a parquet folder, by Spark.

    spark-submit spark_embed.py MODEL IN.parquet OUT.parquet

MODEL is a path that every machine has. With spark.task.cpus=4 each task computes with four threads.
"""

import sys

from pyspark.sql import SparkSession

import hone.spark


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    _, model, source, target = sys.argv
    spark = SparkSession.builder.appName("hone").getOrCreate()
    hone.spark.embed(spark.read.parquet(source), model, "text", role="document").write.parquet(target)
    spark.stop()


if __name__ == "__main__":
    main()
