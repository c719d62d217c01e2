"""The tables of the history, as each version of them changed the one before. Append at the end; never edit one."""

from __future__ import annotations

MIGRATIONS = (
    """
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        base_url TEXT NOT NULL,
        organization TEXT,
        project TEXT,
        title TEXT NOT NULL DEFAULT '',
        used_at REAL NOT NULL
    );
    CREATE TABLE account_keys (
        base_url TEXT NOT NULL,
        key_tail TEXT NOT NULL,
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        PRIMARY KEY (base_url, key_tail)
    );
    CREATE TABLE submissions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        path BLOB NOT NULL,
        size INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        endpoint TEXT NOT NULL,
        label TEXT NOT NULL,
        requests INTEGER NOT NULL,
        created_at REAL NOT NULL,
        state TEXT NOT NULL,
        file_id TEXT,
        known_ids TEXT NOT NULL DEFAULT '',
        job_id TEXT,
        error TEXT,
        hint TEXT,
        warning TEXT,
        uncertain_since REAL
    );
    CREATE INDEX submissions_by_state ON submissions (account_id, state);
    CREATE UNIQUE INDEX submissions_by_job ON submissions (account_id, job_id) WHERE job_id IS NOT NULL;
    CREATE INDEX submissions_by_sha ON submissions (account_id, sha256);
    CREATE TABLE records (
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        key TEXT NOT NULL,
        rank TEXT NOT NULL,
        sort_at REAL NOT NULL,
        label TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT '',
        input_name TEXT NOT NULL DEFAULT '',
        requests INTEGER,
        submission_id INTEGER REFERENCES submissions(id),
        first_seen_at REAL NOT NULL,
        status TEXT,
        progress REAL,
        model TEXT,
        endpoint TEXT,
        input_file_id TEXT,
        file_size INTEGER,
        created_at REAL,
        completed_at REAL,
        deadline REAL,
        output_file_id TEXT,
        error_file_id TEXT,
        error TEXT,
        PRIMARY KEY (account_id, key)
    ) WITHOUT ROWID;
    CREATE INDEX records_in_order ON records (account_id, rank, sort_at DESC);
    CREATE INDEX records_by_submission ON records (submission_id) WHERE submission_id IS NOT NULL;
    CREATE INDEX records_by_input ON records (account_id, input_file_id) WHERE input_file_id IS NOT NULL;
    CREATE TABLE transfers (
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        job_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        file_id TEXT NOT NULL,
        state TEXT NOT NULL,
        path BLOB,
        size INTEGER,
        rows INTEGER,
        sha256 TEXT,
        etag TEXT,
        message TEXT,
        updated_at REAL NOT NULL,
        PRIMARY KEY (account_id, job_id, kind)
    ) WITHOUT ROWID;
    CREATE INDEX transfers_by_state ON transfers (account_id, state);
    CREATE TABLE recents (path BLOB PRIMARY KEY, used_at REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE remembered (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
    "ALTER TABLE submissions ADD COLUMN estimate TEXT",
    """
    CREATE TABLE points (
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        key TEXT NOT NULL,
        number INTEGER NOT NULL,
        at REAL NOT NULL,
        status TEXT NOT NULL,
        progress REAL NOT NULL,
        known_at REAL,
        pause REAL NOT NULL,
        PRIMARY KEY (account_id, key, number)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE tallies (
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        job_id TEXT NOT NULL,
        requests INTEGER NOT NULL,
        answered INTEGER NOT NULL,
        errors INTEGER NOT NULL,
        missing INTEGER NOT NULL,
        cut_short INTEGER NOT NULL,
        unknown INTEGER NOT NULL,
        duplicates INTEGER NOT NULL,
        odd INTEGER NOT NULL,
        has_input INTEGER NOT NULL,
        spent TEXT NOT NULL,
        stamps TEXT NOT NULL,
        PRIMARY KEY (account_id, job_id)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE submissions ADD COLUMN parent TEXT;
    CREATE INDEX submissions_by_parent ON submissions (account_id, parent) WHERE parent IS NOT NULL;
    CREATE TABLE retries (
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        path BLOB NOT NULL,
        sha256 TEXT NOT NULL,
        parent TEXT NOT NULL,
        PRIMARY KEY (account_id, path)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE records ADD COLUMN removed_at REAL",
    """
    CREATE TABLE groups (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        path BLOB NOT NULL,
        size INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        requests INTEGER NOT NULL,
        parts INTEGER NOT NULL,
        first INTEGER NOT NULL,
        goes_on INTEGER NOT NULL,
        created_at REAL NOT NULL
    );
    ALTER TABLE submissions ADD COLUMN group_id INTEGER REFERENCES groups(id);
    ALTER TABLE submissions ADD COLUMN part INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX submissions_by_group ON submissions (group_id) WHERE group_id IS NOT NULL;
    """,
    """
    ALTER TABLE submissions ADD COLUMN create_sent_at REAL;
    ALTER TABLE submissions ADD COLUMN create_sent_server_at REAL;
    ALTER TABLE submissions ADD COLUMN repeated_at REAL;
    ALTER TABLE submissions ADD COLUMN redirected_to TEXT;
    CREATE INDEX submissions_by_repeat ON submissions (account_id) WHERE repeated_at IS NOT NULL;
    UPDATE submissions SET create_sent_at = created_at WHERE state IN ('creating', 'uncertain', 'held');
    """,
    """
    ALTER TABLE submissions ADD COLUMN output_dir BLOB;
    ALTER TABLE transfers ADD COLUMN folder BLOB;
    """,
    """
    ALTER TABLE records ADD COLUMN acknowledged TEXT NOT NULL DEFAULT '';
    ALTER TABLE accounts ADD COLUMN quiet_before REAL NOT NULL DEFAULT 0;
    UPDATE accounts SET quiet_before = COALESCE(
        (SELECT MIN(first_seen_at) FROM records WHERE account_id = accounts.id), used_at
    );
    UPDATE records SET rank = '2-done' WHERE rank = '1-attention' AND submission_id IS NULL
        AND sort_at < (SELECT quiet_before FROM accounts WHERE id = records.account_id);
    """,
    """
    ALTER TABLE tallies ADD COLUMN invalid INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE tallies ADD COLUMN attention_share REAL NOT NULL DEFAULT 5;
    """,
    "ALTER TABLE submissions ADD COLUMN owner TEXT",
    """
    CREATE TABLE recipes (
        sha256 TEXT PRIMARY KEY,
        recipe TEXT NOT NULL,
        path BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE records ADD COLUMN answer_schema TEXT NOT NULL DEFAULT ''",
    """
    CREATE TABLE merged_accounts (
        id INTEGER PRIMARY KEY,
        account_id INTEGER NOT NULL REFERENCES accounts(id)
    );
    """,
    """
    CREATE TABLE tries (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        account_id INTEGER NOT NULL REFERENCES accounts(id),
        fingerprint TEXT NOT NULL,
        custom_id TEXT NOT NULL,
        path BLOB,
        line INTEGER,
        endpoint TEXT NOT NULL,
        model TEXT NOT NULL,
        request TEXT NOT NULL,
        sent_at REAL NOT NULL,
        outcome TEXT NOT NULL,
        answer TEXT,
        response TEXT,
        reason TEXT NOT NULL,
        prompt_tokens INTEGER,
        completion_tokens INTEGER,
        audio_seconds REAL,
        seconds REAL,
        cost REAL,
        most REAL
    );
    CREATE INDEX tries_by_line ON tries (account_id, fingerprint);
    CREATE INDEX tries_by_time ON tries (account_id, sent_at);
    """,
    "ALTER TABLE records ADD COLUMN annotated_at REAL",
    """
    ALTER TABLE groups ADD COLUMN name TEXT NOT NULL DEFAULT '';
    ALTER TABLE groups ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE groups ADD COLUMN stages TEXT NOT NULL DEFAULT '';
    ALTER TABLE groups ADD COLUMN share REAL NOT NULL DEFAULT 100;
    ALTER TABLE groups ADD COLUMN at_once INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE groups ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;
    """,
    """
    CREATE TABLE group_files (
        group_id INTEGER NOT NULL REFERENCES groups(id),
        number INTEGER NOT NULL,
        path BLOB NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, requests INTEGER NOT NULL,
        first_part INTEGER NOT NULL, last_part INTEGER NOT NULL,
        PRIMARY KEY (group_id, number)
    );
    CREATE INDEX group_files_by_bytes ON group_files (sha256);
    """,
    """
    CREATE TABLE recording_uploads (
        endpoint TEXT NOT NULL,
        address TEXT NOT NULL,
        size INTEGER NOT NULL,
        uploaded_at REAL NOT NULL,
        PRIMARY KEY (endpoint, address)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE groups ADD COLUMN gates TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE groups ADD COLUMN over_budget INTEGER NOT NULL DEFAULT 0",
    """
    ALTER TABLE submissions ADD COLUMN pause TEXT NOT NULL DEFAULT '';
    UPDATE submissions SET pause = 'outcome' WHERE state = 'ready';
    UPDATE submissions SET pause = 'budget' WHERE state = 'ready' AND error LIKE 'Budget: %';
    UPDATE submissions SET pause = 'tokens' WHERE state = 'waiting' AND error IS NOT NULL;
    """,
    "ALTER TABLE submissions ADD COLUMN slices TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE groups ADD COLUMN copies TEXT NOT NULL DEFAULT ''",
)
