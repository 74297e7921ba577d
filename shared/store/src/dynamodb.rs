//! DynamoDB: one table, billed by the request.
//!
//! # Items
//!
//! All that a task has lies in one partition, so that one query reads its row and its latest messages:
//!
//! | `pk` | `sk` | what |
//! |---|---|---|
//! | `task/ID` | `task` | the row: status, version, counts, lease |
//! | | `message/NUMBER`, `event/SEQUENCE`, `artifact/…` | what one commit appended of each, as one item or a few, named by its last |
//! | | `webhook/ID` | a push notification config |
//! | | `job/…` | background work, the outbox of commits |
//! | | `blob/SET/…` | pieces of texts that are too large for the item that they belong to |
//! | `list/OWNER/AGENT/STATE` | `STATUS TIME/ID` | the task's place in lists; moves with its status |
//! | `context/OWNER/CONTEXT` | `ID` | the task's place in its conversation, with what filters ask for |
//! | `counts/OWNER` | `AGENT/SHARD` | how many tasks of each state, summed over the shards |
//! | `sent/DIGEST` | `sent` | a remembered message |
//! | `dead/QUEUE` | `TIME/…` | work that was given up |
//! | `api-keys` | `ID` | an API key; its digest, not the key itself |
//! | `api-key/DIGEST` | `key` | the same, to be found by its digest |
//! | `audit` | `TIME/ID` | something that happened which bears on security |
//! | `blocks` | `ADDRESS` | an address that showed wrong credentials lately, or is blocked |
//! | `secrets` | `NAME` | a secret that all processes share |
//! | `documents/CORPUS` | `head` | which packs a corpus of documents is made of; moves with each put |
//! | | `pack/SET/PIECE` | what one put brought, compressed |
//!
//! The one index, `due`, is sparse: leases, active tasks, finished tasks, jobs and unfinished uploads by the time at which someone
//! must look at them. It alone is eventually consistent, and all that is found through it is checked against the table.
//!
//! # Commits
//!
//! A change is one `TransactWriteItems`, conditional on the row's version. Small texts of a commit share items; what would not fit a
//! transaction (4 MB, 100 items, 400 KB an item) is written before it in pieces, which nobody sees before the row or the item that
//! names them is there. A commit that fails in between leaves a set of pieces with an entry in the index, which retention clears away.
//!
//! Reads are strongly consistent, yet one query may see half of a transaction: what the row counts and the query lacks is read again.
//!
//! # What it takes
//!
//! A function needs `GetItem`, `BatchGetItem`, `Query`, `PutItem`, `UpdateItem`, `DeleteItem` and `BatchWriteItem` on the table and `Query` on its
//! index; who makes the table needs `CreateTable`, `DescribeTable`, `DescribeTimeToLive` and `UpdateTimeToLive` besides. A partition key takes
//! 1,000 write units a second, and a transaction writes two for each item: some 500 changes a second of one owner's tasks of one agent and state, and
//! about as many pieces of work on each queue, whose part of the index is cut into four.

mod api_keys;
mod attributes;
mod audit;
mod blobs;
mod blocks;
mod commit;
mod database;
mod documents;
mod jobs;
mod keys;
mod known;
mod list;
mod places;
mod push_configs;
mod read;
mod remembered;
mod retention;
mod schema;
mod secrets;
mod tasks;
mod transaction;

pub use database::DynamoDbDatabase;
pub use documents::{DynamoDbDocumentStore, OpenCorpus};
pub use tasks::DynamoDbTaskStore;
