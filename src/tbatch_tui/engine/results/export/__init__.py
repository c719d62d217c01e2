"""Write results as JSONL, CSV, Parquet or Markdown."""
