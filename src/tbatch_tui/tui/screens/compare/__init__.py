"""The screen Compare: where two jobs, or a job and a gold column, agree and differ."""
