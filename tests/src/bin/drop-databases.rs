//! Deletes the databases that a run of the tests (`A2A_TEST_RUN`) made on a server that stays.
#![allow(clippy::print_stdout, reason = "a command says what it did")]

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("{} dropped", tests::servers::drop_postgres_databases().await);
}
