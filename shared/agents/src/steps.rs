//! The agent of fault tests: does its work in steps that can be told apart, so that a lost or repeated one shows.

use std::time::Duration;

use engine::ports::{Agent, AgentError, AgentProfile, Job, Update, skill};
use futures::{StreamExt, stream, stream::BoxStream};
use protocol::types::{Part, TaskState};
use tokio::time::sleep;

use crate::say;

/// More would be no test.
const MOST_STEPS: usize = 1000;

/// `4 steps of 50 ms` says its two numbers in a message's text; a text that ends in `keep` leaves the task `input-required`, in one
/// that ends in `fail` the agent fails.
///
/// A step is a chunk of the artifact `steps-MESSAGE_ID`, with the message's id and the step's number as its text.
pub struct StepsAgent {
    profile: AgentProfile,
}

impl Default for StepsAgent {
    fn default() -> Self {
        StepsAgent { profile: profile() }
    }
}

/// What it says of itself.
pub fn profile() -> AgentProfile {
    let skill = skill("steps", "Steps", "As many steps, as many milliseconds apart, as the message says.", &["test"], &["4 steps of 50 ms"]);
    AgentProfile::new("steps", "Steps", "Works in numbered steps with pauses between them.", vec![skill])
}

impl Agent for StepsAgent {
    fn profile(&self) -> &AgentProfile {
        &self.profile
    }

    fn run(&self, job: Job) -> BoxStream<'static, Result<Update, AgentError>> {
        let text = job.message.text().unwrap_or_default();
        let mut numbers = text.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
        let steps = numbers.next().map_or(3, |steps| usize::try_from(steps).unwrap_or(MOST_STEPS).clamp(1, MOST_STEPS));
        let pause = Duration::from_millis(numbers.next().unwrap_or(0));
        let last = match text {
            text if text.ends_with("fail") => Err(AgentError::new("it was told to fail")),
            text if text.ends_with("keep") => Ok(say::status(TaskState::InputRequired)),
            _ => Ok(say::status(TaskState::Completed)),
        };
        let id = job.message.message_id;
        let artifact = format!("steps-{id}");
        let work = stream::iter(1..=steps).then(move |step| {
            let parts = vec![Part::text(format!("{id} {step}/{steps}\n"))];
            let artifact = say::artifact_of(&artifact, "steps", parts);
            async move {
                if !pause.is_zero() {
                    sleep(pause).await;
                }
                Update::Artifact { artifact, append: step > 1, last_chunk: step == steps }
            }
        });
        let canceled = job.cancellation.cancelled_owned();
        let begin = stream::iter([say::status(TaskState::Working)]);
        begin.chain(work).map(Ok).chain(stream::iter([last])).take_until(canceled).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{job, text_message, updates};

    #[tokio::test(start_paused = true)]
    async fn steps_are_numbered_chunks_of_the_messages_own_artifact() {
        let began = tokio::time::Instant::now();
        let told = updates(&StepsAgent::default(), job(text_message("m7", "2 steps of 30 ms"))).await;
        assert_eq!(began.elapsed(), Duration::from_millis(60));
        let [
            first,
            Update::Artifact { artifact: one, append: false, last_chunk: false },
            Update::Artifact { artifact: two, append: true, last_chunk: true },
            last,
        ] = told.as_slice()
        else {
            panic!("{told:?}")
        };
        assert_eq!((first, last), (&say::status(TaskState::Working), &say::status(TaskState::Completed)));
        assert_eq!((one.artifact_id.as_str(), two.artifact_id.as_str()), ("steps-m7", "steps-m7"));
        assert_eq!((&one.parts[0], &two.parts[0]), (&Part::text("m7 1/2\n"), &Part::text("m7 2/2\n")));
    }

    #[tokio::test]
    async fn a_text_that_ends_in_keep_leaves_the_task_open() {
        let told = updates(&StepsAgent::default(), job(text_message("m1", "1 keep"))).await;
        assert_eq!(told.last(), Some(&say::status(TaskState::InputRequired)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancellation_ends_the_steps() {
        let job = job(text_message("m1", "5 steps of 100 ms"));
        job.cancellation.cancel();
        assert!(updates(&StepsAgent::default(), job).await.len() <= 1);
    }
}
