"""The documented limits of the Batch API, and lists of models that were true on a date."""

from __future__ import annotations

MEGABYTE = 1_000_000
MEBIBYTE = 1 << 20

REQUESTS_MAX = 50_000
REQUESTS_ADVISED = 10_000
FILE_MEGABYTES = 100
LINE_MEGABYTES = 10
CUSTOM_ID_CHARACTERS = 64
STOPS_MAX = 4
DEPTH_MAX = 512
"""Levels of nesting. Not documented: JSON readers give up somewhere between 1,000 (Python) and 10,000 (Go)."""

LINE_BYTES_ADVISED = LINE_MEGABYTES * MEGABYTE
LINE_BYTES_MAX = LINE_MEGABYTES * MEBIBYTE

LONG_LINE = 32_000
"""Longer lines, in bytes, are remembered so that they can be compared with their model's context length."""

NOT_FOR_BATCH_DATE = "July 2026"
NOT_FOR_BATCH = frozenset(
    {
        "deepseek-r1",
        "deepseek-v3.1",
        "deepseek-v4-pro",
        "minimax-m2.7",
        "kimi-k2.5",
        "kimi-k2.6",
        "qwen3.5-397b-a17b",
        "glm-5",
    }
)
"""Serverless models listed as not available for batch on that date: the part after the slash, in lower case."""
