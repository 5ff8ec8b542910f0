"""The scorer on Dask and Spark."""
