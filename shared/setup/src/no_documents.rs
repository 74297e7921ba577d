//! Stands where no store keeps documents: there are none, and none can be put.

use async_trait::async_trait;
use engine::ports::{Candidate, CandidateQuery, Corpus, DocumentStore, NewDocument, StoreError};

pub(crate) struct NoDocuments;

#[async_trait]
impl DocumentStore for NoDocuments {
    async fn put(&self, _: &Corpus, _: Vec<NewDocument>) -> Result<(), StoreError> {
        Err(StoreError::Failed("this server keeps no documents".into()))
    }

    async fn candidates(&self, _: &CandidateQuery) -> Result<Vec<Candidate>, StoreError> {
        Ok(Vec::new())
    }

    async fn document(&self, _: &str, _: &str) -> Result<Option<NewDocument>, StoreError> {
        Ok(None)
    }

    async fn count(&self, _: &str) -> Result<u64, StoreError> {
        Ok(0)
    }
}
