-- Tasks and what belongs to them. Times are milliseconds since 1970; texts named after protocol objects are their JSON.

CREATE TABLE tasks (
    -- Short, and grows with time: the children are keyed by it, so that they are appended at the end of their tables.
    number            INTEGER PRIMARY KEY,
    id                TEXT    NOT NULL UNIQUE,
    owner             TEXT    NOT NULL,
    agent             TEXT    NOT NULL,
    context_id        TEXT    NOT NULL,
    dialect           TEXT    NOT NULL,
    caller_role       TEXT    NOT NULL,
    version           INTEGER NOT NULL,
    state             INTEGER NOT NULL,
    status_at         INTEGER NOT NULL,
    status            TEXT    NOT NULL,
    last_sequence     INTEGER NOT NULL,
    message_count     INTEGER NOT NULL,
    -- [[artifact id, chunks], …] in the order of the artifacts.
    artifact_chunks   TEXT    NOT NULL,
    lease_runner      TEXT,
    lease_until       INTEGER,
    attempts          INTEGER NOT NULL,
    cancel_requested  INTEGER NOT NULL,
    request_metadata  TEXT,
    -- The digest of the message that began the present turn: its retry is answered with this task, until the client has gone on.
    turn_message      BLOB
) STRICT;

-- One range for each (owner, agent, state): lists merge those that a filter admits, newest first (the key ends with `number`).
CREATE INDEX tasks_by_state ON tasks (owner, agent, state, status_at);
CREATE INDEX tasks_by_context ON tasks (owner, context_id, status_at);
-- These two hold few rows at a time.
CREATE INDEX tasks_leased ON tasks (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX tasks_active ON tasks (number) WHERE state IN (1, 2);

-- How many tasks each range of `tasks_by_state` has, kept by the writer: `totalSize` without counting.
CREATE TABLE task_counts (
    owner  TEXT    NOT NULL,
    agent  TEXT    NOT NULL,
    state  INTEGER NOT NULL,
    tasks  INTEGER NOT NULL,
    PRIMARY KEY (owner, agent, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    task     INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    message  TEXT    NOT NULL,
    PRIMARY KEY (task, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact_chunks (
    task      INTEGER NOT NULL,
    artifact  INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    chunk     TEXT    NOT NULL,
    PRIMARY KEY (task, artifact, number)
) STRICT, WITHOUT ROWID;

-- One row for each commit: `events` is the array of its events, which have the sequences up to `last_sequence`.
CREATE TABLE events (
    task           INTEGER NOT NULL,
    last_sequence  INTEGER NOT NULL,
    events         TEXT    NOT NULL,
    PRIMARY KEY (task, last_sequence)
) STRICT, WITHOUT ROWID;

-- What clients sent in the last day, appended. `digest` is of owner, message id and fingerprint. The index has all but the latest few
-- thousand, which the writer knows by heart.
CREATE TABLE remembered_messages (
    number         INTEGER PRIMARY KEY,
    digest         BLOB    NOT NULL,
    task_id        TEXT    NOT NULL,
    remembered_at  INTEGER NOT NULL
) STRICT;
CREATE TABLE remembered_message_index (
    digest  BLOB    PRIMARY KEY,
    number  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE push_configs (
    task        INTEGER NOT NULL,
    id          TEXT    NOT NULL,
    config      TEXT    NOT NULL,
    dialect     TEXT    NOT NULL,
    cursor      INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (task, id)
) STRICT, WITHOUT ROWID;

-- Background work: the outbox of task commits and the queue in one. `generation` grows when the same work is queued again;
-- `delivery` grows with each hand-out, so that an old receipt is worth nothing.
CREATE TABLE jobs (
    key         TEXT    PRIMARY KEY,
    queue       TEXT    NOT NULL,
    work        TEXT    NOT NULL,
    generation  INTEGER NOT NULL,
    delivery    INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    queued_at   INTEGER NOT NULL,
    -- The generation in a worker's hands; NULL while the job waits.
    taken       INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (queue, due_at);

CREATE TABLE dead_letters (
    number     INTEGER PRIMARY KEY,
    queue      TEXT    NOT NULL,
    work       TEXT    NOT NULL,
    attempts   INTEGER NOT NULL,
    queued_at  INTEGER NOT NULL,
    parked_at  INTEGER NOT NULL,
    reason     TEXT    NOT NULL
) STRICT;
