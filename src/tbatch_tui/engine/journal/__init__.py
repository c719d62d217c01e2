"""The journal: what must survive a crash, in one SQLite file. Nothing outside this room knows SQLite."""

from tbatch_tui.engine.journal.journal import Journal

__all__ = ["Journal"]
