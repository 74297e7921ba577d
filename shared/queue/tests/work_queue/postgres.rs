//! What holds beyond the suite where several processes share the rows: each has its own connections and hears of nothing that others commit.

use crate::*;

/// Processes on one database.
async fn processes(number: usize) -> Vec<Given> {
    let url = tests::servers::postgres_database().await;
    let clock = Arc::new(ManualClock::default());
    let mut processes = Vec::new();
    for _ in 0..number {
        let database = store::PostgresDatabase::open(&url, 4).unwrap();
        database.migrate().await.unwrap();
        let rows: Arc<dyn JobRows> = Arc::new(database.clone());
        let queue = Arc::new(queue::RowsWorkQueue::new(rows.clone(), clock.clone()));
        processes.push(Given { queue, tasks: Arc::new(store::PostgresTaskStore::new(database)), rows, clock: clock.clone() });
    }
    processes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_two_processes_are_given_the_same_job() {
    let processes = processes(3).await;
    let work: Vec<Work> = (0..60).map(|n| run(&format!("t-{n}"))).collect();
    for work in &work {
        processes[0].queue(vec![work.clone()]).await;
    }
    // Nothing is done with what they take, so that only a job that is handed out twice could make it more.
    let take = async |process: &Given| {
        let mut taken = Vec::new();
        loop {
            match process.receive(4).await {
                deliveries if deliveries.is_empty() => return taken,
                deliveries => taken.extend(deliveries.into_iter().map(|delivery| delivery.work)),
            }
        }
    };
    let taken: Vec<Work> = join_all(processes.iter().flat_map(|process| [take(process), take(process)])).await.into_iter().flatten().collect();
    assert_eq!(taken.len(), work.len());
    assert_eq!(taken.into_iter().collect::<HashSet<_>>(), work.into_iter().collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_of_one_process_is_found_by_another_that_waits() {
    let processes = processes(2).await;
    let queue = processes[1].queue.clone();
    let worker = tokio::spawn(async move { queue.receive(QueueName::RunTask, 1, MINUTE, MINUTE).await.unwrap() });
    processes[0].queue(vec![run("t")]).await;
    let deliveries = tokio::time::timeout(Duration::from_secs(10), worker).await.expect("it looks by itself").unwrap();
    assert_eq!(deliveries[0].work, run("t"));
}
