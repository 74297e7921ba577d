//! GetTask (spec section 3.1.3).

use protocol::{A2aError, Answer, types::GetTaskRequest};

use crate::{
    CallContext, Engine, Reply,
    answer::{history_length, with_history},
    commit::unanswerable,
    ports::View,
};

impl Engine {
    pub(crate) async fn get_task(&self, request: GetTaskRequest, context: CallContext) -> Result<Reply, A2aError> {
        let scope = self.scope(&context)?;
        let history_length = history_length(request.history_length);
        if let Some(finished) = self.finished().get(&scope, &request.id, self.now()) {
            return Ok(Reply::Answer { answer: Answer::Task(with_history(finished.task, history_length)), dialect: finished.dialect });
        }
        let stored = self.ports().tasks.task(&scope, &request.id, View { history_length, artifacts: true }).await.map_err(unanswerable)?;
        let stored = stored.ok_or(A2aError::TaskNotFound { task_id: request.id })?;
        let dialect = stored.dialect;
        Ok(Reply::Answer { answer: Answer::Task(with_history(self.finished().keep(stored), history_length)), dialect })
    }
}
