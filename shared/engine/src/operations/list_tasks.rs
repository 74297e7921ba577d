//! ListTasks (spec section 3.1.4).

use protocol::{
    A2aError, Answer,
    types::{ListTasksRequest, ListTasksResponse, Task, TaskState},
};

use crate::{
    CallContext, Engine, Reply,
    answer::history_length,
    commit::unanswerable,
    ports::{StoredTask, TaskFilter},
};

const DEFAULT_PAGE_SIZE: u32 = 50;
const LARGEST_PAGE_SIZE: u32 = 100;

impl Engine {
    pub(crate) async fn list_tasks(&self, request: ListTasksRequest, context: CallContext) -> Result<Reply, A2aError> {
        let scope = self.scope(&context)?;
        let page_size = match request.page_size {
            None => DEFAULT_PAGE_SIZE,
            Some(given) => {
                let fits = u32::try_from(given).ok().filter(|size| (1..=LARGEST_PAGE_SIZE).contains(size));
                fits.ok_or_else(|| A2aError::invalid("pageSize", format!("is {given}, not from 1 to {LARGEST_PAGE_SIZE}")))?
            }
        };
        let include_artifacts = request.include_artifacts.unwrap_or(false);
        let filter = TaskFilter {
            context_id: request.context_id.filter(|id| !id.is_empty()),
            state: request.status.filter(|state| *state != TaskState::Unspecified),
            status_timestamp_after: request.status_timestamp_after,
            page_size,
            page_token: request.page_token.filter(|token| !token.is_empty()),
            history_length: history_length(request.history_length),
            include_artifacts,
        };
        let page = self.ports().tasks.list(&scope, &filter).await.map_err(unanswerable)?;
        context.reply(Answer::Tasks(ListTasksResponse {
            tasks: page.tasks.into_iter().map(|stored| listed(stored, include_artifacts)).collect(),
            next_page_token: page.next_page_token,
            page_size: i32::try_from(page_size).unwrap_or(i32::MAX),
            total_size: i32::try_from(page.total_size).unwrap_or(i32::MAX),
        }))
    }
}

/// With artifacts, even none, where they were asked for, and else without the field.
fn listed(stored: StoredTask, include_artifacts: bool) -> Task {
    let artifacts = include_artifacts.then(|| stored.task.artifacts.unwrap_or_default());
    Task { artifacts, ..stored.task }
}
