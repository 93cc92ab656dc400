"""Where Seawall keeps what it has seen. ``days`` keeps records as Parquet files, one directory a day."""
