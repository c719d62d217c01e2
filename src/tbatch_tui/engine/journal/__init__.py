"""The history in one SQLite file: what must survive a crash. Only this package knows SQLite."""
