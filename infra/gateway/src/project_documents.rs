//! The project's own documents, so that a first search has something to find.

use agents::reading::{Source, analysed, read};
use anyhow::Result;
use engine::ports::{Corpus, DocumentStore, PutSummary};

/// By path within the project. The binary carries them, because it may be alone.
const DOCUMENTS: &[(&str, &str)] = &[("README.md", include_str!("../../../README.md"))];

/// Puts them into the shared corpus. Those that are there as they are stay so: it may be done at each start.
pub async fn index(documents: &dyn DocumentStore) -> Result<PutSummary> {
    let mut carried = Vec::new();
    for (name, text) in DOCUMENTS {
        carried.extend(read(Source { name, media_type: Some("text/markdown"), bytes: text.as_bytes() })?.into_iter().map(analysed));
    }
    Ok(documents.put(&Corpus::Shared, carried).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn they_are_put_in_once() {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}/a2a.db", folder.path().display());
        let documents = setup::documents(&setup::Settings::from_vars([("A2A_DATABASE_URL", database)]).unwrap()).await.unwrap();
        assert_eq!(index(&*documents).await.unwrap().added, DOCUMENTS.len() as u64);
        assert_eq!(documents.document("anyone", "README.md").await.unwrap().unwrap().title, "a2a-lambda");
        assert_eq!(index(&*documents).await.unwrap().unchanged, DOCUMENTS.len() as u64);
    }

    #[test]
    fn every_document_of_the_project_is_carried() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../");
        let Ok(folder) = std::fs::read_dir(format!("{root}docs")) else { return };
        for entry in folder {
            let name = format!("docs/{}", entry.unwrap().file_name().to_string_lossy());
            assert!(!name.ends_with(".md") || DOCUMENTS.iter().any(|(carried, _)| *carried == name), "{name}");
        }
    }
}
