//! The five statements of commits. Each is one round trip and one transaction by itself; a commit takes the shortest that does it.
//!
//! What they lock they lock in this order: the task, the count of its owner and agent, webhooks, jobs by key. So commits, which have a task
//! each, never wait for each other in a circle.

/// Adds to the counts in the connection's slot, if `$differences` is a row of them.
macro_rules! count {
    ($differences:literal) => {
        concat!(
            " INSERT INTO task_counts AS counts (owner, agent, slot,
                unspecified, submitted, working, completed, failed, canceled, input_required, rejected, auth_required) ",
            $differences,
            " ON CONFLICT (owner, agent, slot) DO UPDATE SET
                unspecified = counts.unspecified + excluded.unspecified, submitted = counts.submitted + excluded.submitted,
                working = counts.working + excluded.working, completed = counts.completed + excluded.completed,
                failed = counts.failed + excluded.failed, canceled = counts.canceled + excluded.canceled,
                input_required = counts.input_required + excluded.input_required, rejected = counts.rejected + excluded.rejected,
                auth_required = counts.auth_required + excluded.auth_required"
        )
    };
}
pub(super) use count;

/// The ten values of an [`super::outbox::Outbox`], which follow those that each statement has.
macro_rules! outbox {
    () => {
        ", configured AS (
            INSERT INTO push_configs (task, id, config, dialect, cursor, created_at)
            SELECT task.number, given.*
            FROM task, unnest($23::text[], $24::text[], $25::text[], $26::bigint[], $27::bigint[]) AS given
            ON CONFLICT (task, id) DO UPDATE SET
                config = excluded.config, dialect = excluded.dialect, cursor = excluded.cursor, created_at = excluded.created_at
        ), queued AS (
            INSERT INTO jobs (key, queue, work, generation, delivery, attempts, due_at, queued_at)
            SELECT given.key, given.queue, given.work, 1, 0, 0, $32, $32
            FROM task, unnest($28::text[], $29::text[], $30::text[]) AS given (key, queue, work)
            ON CONFLICT (key) DO UPDATE SET
                generation = jobs.generation + 1,
                attempts = CASE WHEN jobs.taken IS NULL AND jobs.key <> ALL ($31::text[]) THEN 0 ELSE jobs.attempts END,
                due_at = CASE WHEN jobs.taken IS NULL AND (jobs.attempts = 0 OR jobs.key <> ALL ($31::text[]))
                    THEN least(jobs.due_at, excluded.due_at) ELSE jobs.due_at END
        )"
    };
}

/// Fails where the task or its message is there already: to ask first would cost each of those for whom it isn't so.
macro_rules! create {
    ($push_config_ids:literal, $outbox:expr) => {
        concat!(
            "WITH task AS (
                INSERT INTO tasks (id, owner, agent, context_id, dialect, caller_role, version, state, state_before, status_at, status,
                    last_sequence, first_events, message_count, first_messages, artifacts, lease_runner, lease_until, attempts,
                    cancel_requested, request_metadata, turn_message, turn_at, messages, chunks, events, push_config_ids)
                VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $8, $9,
                    $10, $10, $11, $11, $12::text::jsonb, $13, $14, $15,
                    $16, $17, $18, $19, $20, $21, $22, ",
            $push_config_ids,
            ") RETURNING number)",
            $outbox,
            count!(
                "SELECT $2, $3, pg_backend_pid() & 63,
                    ($7 = 0)::integer, ($7 = 1)::integer, ($7 = 2)::integer, ($7 = 3)::integer, ($7 = 4)::integer,
                    ($7 = 5)::integer, ($7 = 6)::integer, ($7 = 7)::integer, ($7 = 8)::integer FROM task"
            )
        )
    };
}

/// Gives a row if the task was as expected: at its version, in no other turn with the same message, and followed by what is added.
macro_rules! change {
    ($turn:expr, $unless:literal, $place_taken:expr, $more:expr) => {
        concat!(
            "WITH task AS (
                UPDATE tasks SET version = version + 1, state_before = state, state = $3, status_at = $4, status = $5,
                    last_sequence = last_sequence + $7, message_count = message_count + $9,
                    artifacts = coalesce(artifacts || $11::text::jsonb, $11::text::jsonb, artifacts),
                    lease_runner = CASE WHEN $12 THEN lease_runner ELSE $13 END, lease_until = CASE WHEN $12 THEN lease_until ELSE $14 END,
                    attempts = $15, cancel_requested = $16, request_metadata = coalesce($17, request_metadata), turn_at = coalesce($22, turn_at), ",
            $turn,
            " WHERE id = $1 AND version = $2 AND last_sequence = coalesce($6, last_sequence) AND message_count = coalesce($8, message_count)
                    AND ($10 IS NULL OR artifacts @> $10::text::jsonb)",
            $unless,
            " RETURNING number, owner, agent, state_before
            ), counted AS (",
            count!(
                "SELECT owner, agent, pg_backend_pid() & 63,
                    ($3 = 0)::integer - (state_before = 0)::integer, ($3 = 1)::integer - (state_before = 1)::integer,
                    ($3 = 2)::integer - (state_before = 2)::integer, ($3 = 3)::integer - (state_before = 3)::integer,
                    ($3 = 4)::integer - (state_before = 4)::integer, ($3 = 5)::integer - (state_before = 5)::integer,
                    ($3 = 6)::integer - (state_before = 6)::integer, ($3 = 7)::integer - (state_before = 7)::integer,
                    ($3 = 8)::integer - (state_before = 8)::integer FROM task WHERE state_before <> $3"
            ),
            "), logged AS (
                INSERT INTO task_log (task, place, number, body)
                SELECT task.number, given.* FROM task, unnest($19::integer[], $20::bigint[], $21::text[]) AS given ",
            $place_taken,
            ")",
            $more,
            " SELECT FROM task"
        )
    };
}

/// Makes a task.
pub(super) const CREATE: &str = create!("NULL", "");

/// Makes a task with webhooks or work.
pub(super) const CREATE_WITH_MORE: &str = create!("nullif($23::text[], '{}')", outbox!());

/// What becomes of the message that is remembered, where none is to be.
macro_rules! same_turn {
    () => {
        "turn_message = CASE WHEN $18 THEN NULL ELSE turn_message END"
    };
}

/// A chunk takes the place of the one that it replaces. To delete that would leave an entry in the index, which each later look at the artifact
/// would come by until a vacuum; and of an artifact that gets shorter, rows stay that no longer count.
macro_rules! replace_chunks {
    () => {
        "ON CONFLICT (task, place, number) DO UPDATE SET body = excluded.body"
    };
}

/// Changes a task, but not its artifacts.
pub(super) const CHANGE: &str = change!(same_turn!(), "", "", "");

/// Changes a task and its artifacts.
pub(super) const CHANGE_WITH_CHUNKS: &str = change!(same_turn!(), "", replace_chunks!(), "");

/// Changes a task, with webhooks, work or a message to remember.
pub(super) const CHANGE_WITH_MORE: &str = change!(
    "turn_message = CASE WHEN $18 THEN NULL ELSE coalesce($33, turn_message) END,
     push_config_ids = (
        SELECT array_agg(DISTINCT id ORDER BY id) FROM unnest(push_config_ids || $23::text[] COLLATE \"C\") AS given (id))",
    " AND NOT EXISTS (SELECT FROM tasks AS sent WHERE sent.turn_message = $33 AND sent.owner || '' = tasks.owner AND sent.turn_at >= $34)",
    replace_chunks!(),
    outbox!()
);
