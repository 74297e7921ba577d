-- Tasks and what belongs to them. Times are milliseconds since 1970; texts named after protocol objects are their JSON. Texts are compared byte
-- by byte, whatever the database's language. Names that clients give are kept with NUL escaped, which Postgres refuses: U+0001 stands before.

CREATE SEQUENCE task_numbers;

CREATE TABLE tasks (
    number            bigint    NOT NULL DEFAULT nextval('task_numbers'),
    version           bigint    NOT NULL,
    status_at         bigint    NOT NULL,
    last_sequence     bigint    NOT NULL,
    message_count     bigint    NOT NULL,
    lease_until       bigint,
    -- When the present turn's message came.
    turn_at           bigint,
    -- So many messages and events came with the first commit.
    first_messages    integer   NOT NULL,
    first_events      integer   NOT NULL,
    attempts          integer   NOT NULL,
    state             smallint  NOT NULL,
    -- The state before the latest change: what an UPDATE found it can't return otherwise.
    state_before      smallint  NOT NULL,
    cancel_requested  boolean   NOT NULL,
    id                text      NOT NULL COLLATE "C" PRIMARY KEY,
    owner             text      NOT NULL COLLATE "C",
    agent             text      NOT NULL COLLATE "C",
    context_id        text      NOT NULL COLLATE "C",
    -- The digest of the message that began the present turn: its retry is answered with this task, until the client has gone on.
    turn_message      bytea,
    lease_runner      text      COLLATE "C",
    dialect           text      NOT NULL,
    caller_role       text      NOT NULL,
    -- {"0": [artifact id, chunks], …} by the artifact's number; NULL where there is none.
    artifacts         jsonb,
    -- In order; NULL where there is none.
    push_config_ids   text[]    COLLATE "C",
    request_metadata  text,
    status            text      NOT NULL,
    -- What came with the first commit, so that a quick task is one row: arrays of messages, of [artifact number, chunk], and of events. What came
    -- later is in `task_log`.
    messages          text,
    chunks            text,
    events            text
)
-- Rows up to this size are kept as they are: compressing a quick task would cost more than storing it. Some room for updates in place.
WITH (toast_tuple_target = 4096, fillfactor = 90);

-- One range for each (owner, agent, state): lists merge those that a filter admits.
CREATE INDEX tasks_by_state ON tasks (owner, agent, state, status_at, number);
CREATE INDEX tasks_by_context ON tasks (owner, context_id, status_at, number);
-- For retention: the oldest first.
CREATE INDEX tasks_finished ON tasks (status_at) WHERE state IN (3, 4, 5, 7);
-- These two hold few rows at a time. A runner that extends its lease touches neither.
CREATE INDEX tasks_leased ON tasks (number) WHERE lease_runner IS NOT NULL;
CREATE INDEX tasks_active ON tasks (number) WHERE state IN (1, 2);
CREATE UNIQUE INDEX tasks_turn_message ON tasks (turn_message, owner);

-- How many tasks there are in each state, kept by each commit: `totalSize` without counting. The number is the sum over the slots, of which
-- each connection has one, so that commits at the same time don't wait for each other. A slot alone may be negative.
CREATE TABLE task_counts (
    owner           text      NOT NULL COLLATE "C",
    agent           text      NOT NULL COLLATE "C",
    slot            smallint  NOT NULL,
    -- In the order of the states' numbers.
    unspecified     integer   NOT NULL,
    submitted       integer   NOT NULL,
    working         integer   NOT NULL,
    completed       integer   NOT NULL,
    failed          integer   NOT NULL,
    canceled        integer   NOT NULL,
    input_required  integer   NOT NULL,
    rejected        integer   NOT NULL,
    auth_required   integer   NOT NULL,
    PRIMARY KEY (owner, agent, slot)
);

-- What came to a task after its first commit, appended. `place` says what a row is: an artifact's number (`body` is a chunk of it, in the order
-- of `number`), -1 (a message with its number in the history), or -2 (the events of one commit, `number` being the last one's sequence).
CREATE TABLE task_log (
    task    bigint   NOT NULL,
    number  bigint   NOT NULL,
    place   integer  NOT NULL,
    body    text     NOT NULL,
    PRIMARY KEY (task, place, number)
)
WITH (toast_tuple_target = 4096);

CREATE TABLE push_configs (
    task        bigint  NOT NULL,
    id          text    NOT NULL COLLATE "C",
    config      text    NOT NULL,
    dialect     text    NOT NULL,
    cursor      bigint  NOT NULL,
    created_at  bigint  NOT NULL,
    PRIMARY KEY (task, id)
);

-- Background work: the outbox of task commits and the queue in one. `generation` grows when the same work is queued again; `delivery` grows with
-- each hand-out, so that an old receipt is worth nothing. `key` is kept as names are.
CREATE TABLE jobs (
    key         text     NOT NULL COLLATE "C" PRIMARY KEY,
    queue       text     NOT NULL,
    work        text     NOT NULL,
    generation  bigint   NOT NULL,
    delivery    bigint   NOT NULL,
    attempts    integer  NOT NULL,
    due_at      bigint   NOT NULL,
    queued_at   bigint   NOT NULL,
    -- The generation in a worker's hands; NULL while the job waits.
    taken       bigint
);
CREATE INDEX jobs_due ON jobs (queue, due_at);

CREATE TABLE dead_letters (
    number     bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue      text     NOT NULL,
    work       text     NOT NULL,
    attempts   integer  NOT NULL,
    queued_at  bigint   NOT NULL,
    parked_at  bigint   NOT NULL,
    reason     text     NOT NULL
);
