"""Lists of calls as files: CSV, JSON Lines and Parquet, streamed batch by batch with constant memory."""
