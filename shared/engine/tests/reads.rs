//! GetTask and ListTasks.

use engine::{CallContext, Reply};
use protocol::{
    A2aError, Answer, Call,
    types::{GetTaskRequest, ListTasksRequest, ListTasksResponse, TaskState},
};

use crate::world::*;

async fn page(world: &World, request: ListTasksRequest) -> Result<ListTasksResponse, A2aError> {
    match world.call(Call::ListTasks(request)).await? {
        Reply::Answer { answer: Answer::Tasks(page), .. } => Ok(page),
        _ => panic!("no list"),
    }
}

#[tokio::test]
async fn a_task_shows_as_much_history_as_was_asked_for_from_memory_and_from_the_store() {
    let world = World::new(vec![script(vec![says(TaskState::Working, "one"), artifact("a", "out"), says(TaskState::Completed, "two")], None)]);
    let task = world.send("go").await.unwrap();
    let cold = World { engine: world.another(vec![script(vec![], None)]), ..World::new(vec![]) };
    for (asked, expected) in [(None, vec!["go", "one"]), (Some(0), vec![]), (Some(1), vec!["one"])] {
        let get = Call::GetTask(GetTaskRequest { id: task.id.clone(), history_length: asked, tenant: None });
        for engine in [&world.engine, &cold.engine] {
            let found = task_of(engine.call(get.clone(), alice()).await).unwrap();
            assert_eq!(history(&found), expected);
            assert_eq!((found.history.is_none(), found.artifacts.is_some()), (asked == Some(0), true));
        }
    }
}

#[tokio::test]
async fn a_finished_task_in_memory_is_still_its_owners_and_its_agents_alone() {
    let world = World::new(vec![script(vec![], None), script(vec![], None).named("other")]);
    let task = world.send("go").await.unwrap();
    let get = Call::GetTask(GetTaskRequest { id: task.id.clone(), history_length: None, tenant: None });
    let not_found = Err(A2aError::TaskNotFound { task_id: task.id.clone() });
    assert_eq!(task_of(world.engine.call(get.clone(), bob()).await), not_found);
    for (tenant, expected) in [("actor", Ok(task.clone())), ("other", not_found)] {
        let context = CallContext { tenant: Some(tenant.into()), ..alice() };
        assert_eq!(task_of(world.engine.call(get.clone(), context).await), expected);
    }
}

#[tokio::test]
async fn lists_come_in_pages_with_and_without_artifacts() {
    let world = World::new(vec![script(vec![artifact("a", "out")], None)]);
    for _ in 0..5 {
        world.clock.advance(std::time::Duration::from_millis(1));
        world.send("go").await.unwrap();
    }
    let first = page(&world, ListTasksRequest { page_size: Some(3), ..list() }).await.unwrap();
    assert_eq!((first.tasks.len(), first.page_size, first.total_size), (3, 3, 5));
    assert!(first.tasks.iter().all(|task| task.artifacts.is_none()));
    let request = ListTasksRequest { page_size: Some(3), page_token: Some(first.next_page_token), include_artifacts: Some(true), ..list() };
    let second = page(&world, request).await.unwrap();
    assert_eq!((second.tasks.len(), second.next_page_token.as_str()), (2, ""));
    assert!(second.tasks.iter().all(|task| task.artifacts.as_ref().is_some_and(|artifacts| artifacts.len() == 1)));
    assert_eq!(page(&world, list()).await.unwrap().page_size, 50);
}

#[tokio::test]
async fn bad_pages_are_refused_by_name() {
    let world = World::new(vec![script(vec![], None)]);
    for (request, field) in [
        (ListTasksRequest { page_size: Some(0), ..list() }, "pageSize"),
        (ListTasksRequest { page_size: Some(101), ..list() }, "pageSize"),
        (ListTasksRequest { page_token: Some("mine".into()), ..list() }, "pageToken"),
    ] {
        let Err(A2aError::InvalidParams { violations }) = page(&world, request).await else { panic!("not refused") };
        assert_eq!(violations[0].field, field);
    }
}

#[tokio::test]
async fn a_list_with_artifacts_shows_that_a_task_has_none() {
    let world = World::new(vec![script(vec![], None)]);
    world.send("go").await.unwrap();
    let listed = page(&world, ListTasksRequest { include_artifacts: Some(true), status: Some(TaskState::Completed), ..list() }).await.unwrap();
    assert_eq!(listed.tasks[0].artifacts, Some(vec![]));
}
