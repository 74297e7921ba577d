//! The one writer of server-sent events: whatever the dialect and the binding, a stream of texts becomes a stream of bytes.

use std::{fmt::Write as _, time::Duration};

use bytes::Bytes;
use engine::StreamItem;
use futures::{FutureExt, Stream, StreamExt, stream::BoxStream};
use protocol::{A2aError, types::StreamResponse};
use tokio::time::{Instant, sleep_until};

use crate::observe;

/// So often something is sent, lest someone on the way take the connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A comment: readers skip it.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// The last word of a stream that ends before its task: whoever waits there runs out of time, not the task.
const TO_BE_CONTINUED: Bytes =
    Bytes::from_static(b": this stream has lasted as long as it may; subscribe to the task with Last-Event-ID to hear the rest\n\n");

/// Events that are ready together go out together, up to about so many bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// Writes each event as `render` puts it, on one line, with its sequence as the id.
///
/// The first bytes come at once, and something at least every 15 s. An error is the last event, and an event like the others. Where the events end
/// in the middle of a turn, a comment says so.
pub(crate) fn write(
    mut events: BoxStream<'static, Result<StreamItem, A2aError>>,
    mut render: impl FnMut(Result<&StreamResponse, &A2aError>, bool) -> String + Send + 'static,
) -> impl Stream<Item = Bytes> + Send + 'static {
    async_stream::stream! {
        let mut next = events.next().now_or_never();
        if next.is_none() {
            yield COMMENT;
        }
        let mut quiet_until = Instant::now() + KEEP_ALIVE;
        let mut over = true;
        loop {
            let event = match next.take() {
                Some(ready) => ready,
                None => tokio::select! {
                    biased;
                    event = events.next() => event,
                    () = sleep_until(quiet_until) => {
                        yield COMMENT;
                        quiet_until = Instant::now() + KEEP_ALIVE;
                        continue;
                    }
                },
            };
            let Some(event) = event else { break };
            let mut event = event;
            let mut chunk = String::with_capacity(512);
            let ended = loop {
                over = event.is_err() || ends_turn(&event);
                // Whether this is the last one shows in what follows it, which after the end of a turn is there at once.
                let following = events.next().now_or_never();
                let last = match &following {
                    Some(None) => true,
                    Some(Some(_)) => false,
                    None => ends_turn(&event),
                };
                put(&mut chunk, &event, last, &mut render);
                match following {
                    _ if event.is_err() => break true,
                    Some(None) => break true,
                    None => break false,
                    Some(Some(another)) if chunk.len() < CHUNK_BYTES => event = another,
                    Some(Some(another)) => {
                        next = Some(Some(another));
                        break false;
                    }
                }
            };
            yield Bytes::from(chunk);
            if ended {
                break;
            }
            quiet_until = Instant::now() + KEEP_ALIVE;
        }
        if !over {
            yield TO_BE_CONTINUED;
        }
    }
}

/// Adds one event.
fn put(
    chunk: &mut String,
    event: &Result<StreamItem, A2aError>,
    last: bool,
    render: &mut impl FnMut(Result<&StreamResponse, &A2aError>, bool) -> String,
) {
    if let Ok(StreamItem { sequence: Some(sequence), .. }) = event {
        // Writing to a string can't fail.
        let _ = writeln!(chunk, "id: {sequence}");
    }
    chunk.push_str("data: ");
    // JSON as it is written here has no line breaks, so it is one line.
    chunk.push_str(&render(event.as_ref().map(|item| &item.event), last));
    chunk.push_str("\n\n");
}

/// Whether a stream ends after such an event, as far as it tells: a turn that is over, or the one message of a stream without a task.
fn ends_turn(event: &Result<StreamItem, A2aError>) -> bool {
    event.as_ref().is_ok_and(|item| matches!(item.event, StreamResponse::Message(_)) || observe::ended(&item.event).is_some())
}

#[cfg(test)]
mod tests {
    use futures::stream;
    use protocol::types::{TaskState, TaskStatus, TaskStatusUpdateEvent};

    use super::*;

    fn status(sequence: u64, state: TaskState) -> Result<StreamItem, A2aError> {
        let event = StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: "t".into(),
            context_id: "c".into(),
            status: TaskStatus { state, message: None, timestamp: None },
            metadata: None,
        });
        Ok(StreamItem { sequence: Some(sequence), event })
    }

    fn written(events: impl Stream<Item = Result<StreamItem, A2aError>> + Send + 'static) -> impl Stream<Item = Bytes> {
        write(events.boxed(), |event, last| match event {
            Ok(_) => format!(r#"{{"last":{last}}}"#),
            Err(error) => format!(r#"{{"error":"{error}"}}"#),
        })
    }

    #[tokio::test]
    async fn events_that_are_ready_go_out_together_with_their_ids() {
        let chunks: Vec<Bytes> = written(stream::iter([status(1, TaskState::Working), status(2, TaskState::Completed)])).collect().await;
        assert_eq!(chunks, ["id: 1\ndata: {\"last\":false}\n\nid: 2\ndata: {\"last\":true}\n\n"]);
    }

    #[tokio::test]
    async fn the_end_of_a_turn_is_the_last_event_even_where_the_stream_stays_open() {
        let events = stream::iter([status(1, TaskState::InputRequired), status(2, TaskState::Working), status(3, TaskState::Completed)]);
        let chunks: Vec<Bytes> = written(events.chain(stream::pending())).take(1).collect().await;
        assert_eq!(chunks, ["id: 1\ndata: {\"last\":false}\n\nid: 2\ndata: {\"last\":false}\n\nid: 3\ndata: {\"last\":true}\n\n"]);
    }

    #[tokio::test]
    async fn an_error_is_the_last_event() {
        let chunks: Vec<Bytes> =
            written(stream::iter([status(1, TaskState::Working), Err(A2aError::Internal), status(2, TaskState::Working)])).collect().await;
        assert_eq!(chunks, ["id: 1\ndata: {\"last\":false}\n\ndata: {\"error\":\"internal error\"}\n\n"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_has_nothing_to_tell_says_so_at_once_and_every_15_s() {
        let began = Instant::now();
        let mut chunks = Box::pin(written(stream::pending()));
        assert_eq!(chunks.next().await, Some(COMMENT));
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert_eq!(chunks.next().await, Some(COMMENT));
        assert_eq!(chunks.next().await, Some(COMMENT));
        assert_eq!(began.elapsed(), 2 * KEEP_ALIVE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_ends_before_its_turn_says_so() {
        let later = stream::iter([()]).then(|()| tokio::time::sleep(Duration::from_secs(1))).map(|()| status(2, TaskState::Working));
        let chunks: Vec<Bytes> = written(stream::iter([status(1, TaskState::Working)]).chain(later)).collect().await;
        assert_eq!(chunks.len(), 3);
        assert_eq!(chunks.last(), Some(&TO_BE_CONTINUED));
        assert!(TO_BE_CONTINUED.starts_with(b":") && TO_BE_CONTINUED.ends_with(b"\n\n"), "a comment");
    }

    #[tokio::test]
    async fn a_stream_without_events_ends_without_a_word() {
        assert_eq!(written(stream::empty()).count().await, 0);
    }
}
