//! `a2a index`: adds documents to the corpus that everyone may search.

use std::{collections::HashSet, path::Path, sync::Arc};

use agents::reading::{EXTENSIONS, Skipped, read_path};
use anyhow::{Context, Result, bail};
use engine::ports::{Corpus, DocumentStore, NewDocument, PutSummary};
use indicatif::{ProgressBar, ProgressStyle};
use setup::Settings;
use tokio::{sync::mpsc, task::spawn_blocking};

use super::say;
use crate::cli::IndexOptions;

/// Documents of one transaction.
const BATCH: usize = 64;

/// How many of those that are skipped are named; the others are counted.
const MAX_NAMED: u64 = 100;

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Indexed {
    put: PutSummary,
    skipped: u64,
}

/// What the reader tells.
enum Step {
    Documents(Vec<NewDocument>),
    Skipped(Skipped),
    /// Bytes read, and bytes in all.
    Progress(u64, u64),
}

/// Reads a file or a folder. What can't be read is named and left out.
pub async fn run(options: IndexOptions) -> Result<()> {
    // What goes to a file is gathered in a database of its own.
    let corpus = options.out.as_ref().map(|_| setup::Corpus::new()).transpose()?;
    let documents = match &corpus {
        Some(corpus) => corpus.documents(),
        None => setup::documents(&Settings::from_env()?).await?,
    };
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {msg} {eta}").context("the progress bar")?);
    let indexed = index(documents, &options.path, &bar).await?;
    bar.finish_and_clear();
    let Indexed { put: PutSummary { added, replaced, unchanged }, skipped } = &indexed;
    say(format_args!("{added} documents added, {replaced} replaced, {unchanged} unchanged, {skipped} skipped"));
    indexed.check(&options.path)?;
    if let Some((corpus, out)) = corpus.zip(options.out) {
        corpus.write_to(&out).await.with_context(|| format!("can't write `{}`", out.display()))?;
        say(format_args!("written to {}", out.display()));
    }
    Ok(())
}

impl Indexed {
    /// Whoever asks for nothing to be done has most likely named the wrong place.
    fn check(&self, path: &Path) -> Result<()> {
        let path = path.display();
        match (self.put.added + self.put.replaced + self.put.unchanged, self.skipped) {
            (0, 0) => bail!("`{path}` holds no file that ends in {EXTENSIONS}"),
            (0, _) => bail!("nothing in `{path}` can be read"),
            _ => Ok(()),
        }
    }
}

async fn index(documents: Arc<dyn DocumentStore>, path: &Path, bar: &ProgressBar) -> Result<Indexed> {
    let (tell, mut told) = mpsc::channel(4);
    let path = path.to_owned();
    let reader = spawn_blocking(move || read(&path, &tell));
    let mut indexed = Indexed::default();
    while let Some(step) = told.recv().await {
        match step {
            Step::Documents(batch) => {
                let PutSummary { added, replaced, unchanged } =
                    documents.put(&Corpus::Shared, batch).await.context("the documents can't be stored")?;
                let put = &mut indexed.put;
                (put.added, put.replaced, put.unchanged) = (put.added + added, put.replaced + replaced, put.unchanged + unchanged);
                bar.set_message(format!("{} documents", put.added + put.replaced + put.unchanged));
            }
            Step::Skipped(what) => {
                indexed.skipped += 1;
                if indexed.skipped <= MAX_NAMED {
                    bar.suspend(|| eprintln!("skipped: {what}"));
                }
            }
            Step::Progress(read, all) => {
                bar.set_length(all);
                bar.set_position(read);
            }
        }
    }
    reader.await??;
    Ok(indexed)
}

/// Parsing takes its time, so it has a thread of its own. Ends early if nobody listens any more.
fn read(path: &Path, tell: &mpsc::Sender<Step>) -> Result<()> {
    let mut reading = read_path(path)?;
    let mut batch = Vec::new();
    let mut ids = HashSet::new();
    while let Some(item) = reading.next() {
        let told = match item {
            // Two files that number their documents alike: the second must not push out what the first has just brought.
            Ok(NewDocument { id, source, .. }) if !ids.insert(id.clone()) => {
                let reason = format!("`{source}`: a document `{id}` was read before it");
                tell.blocking_send(Step::Skipped(Skipped { path: source, reason }))
            }
            Ok(document) => {
                batch.push(document);
                if batch.len() < BATCH { Ok(()) } else { tell.blocking_send(Step::Documents(std::mem::take(&mut batch))) }
            }
            Err(skipped) => tell.blocking_send(Step::Skipped(skipped)),
        };
        if told.and_then(|()| tell.blocking_send(Step::Progress(reading.read_bytes(), reading.total_bytes()))).is_err() {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        // Whoever stopped listening knows why.
        let _ = tell.blocking_send(Step::Documents(batch));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_indexed_once_and_what_can_not_be_read_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}/a2a.db", folder.path().display());
        let documents = setup::documents(&Settings::from_vars([("A2A_DATABASE_URL", database)]).unwrap()).await.unwrap();
        let path = folder.path().join("documents");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("one.md"), "# One").unwrap();
        std::fs::write(path.join("broken.pdf"), "no PDF").unwrap();
        let lines: String = (0..100).map(|id| format!("{{\"id\":\"{id}\",\"title\":\"t\",\"text\":\"text {id}\"}}\n")).collect();
        std::fs::write(path.join("many.jsonl"), lines).unwrap();

        std::fs::write(path.join("numbered_alike.jsonl"), "{\"id\":\"42\",\"text\":\"other\"}").unwrap();

        let bar = ProgressBar::hidden();
        let first = index(documents.clone(), &path, &bar).await.unwrap();
        assert_eq!(first, Indexed { put: PutSummary { added: 101, replaced: 0, unchanged: 0 }, skipped: 2 });
        assert_eq!(bar.position(), bar.length().unwrap());
        assert_eq!(index(documents.clone(), &path, &bar).await.unwrap().put.unchanged, 101);
        assert_eq!(documents.document("anyone", "42").await.unwrap().unwrap().passages, ["text 42"]);
    }

    #[test]
    fn a_place_with_nothing_to_index_is_an_error() {
        let check = |added, skipped| Indexed { put: PutSummary { added, ..PutSummary::default() }, skipped }.check(Path::new("papers"));
        assert!(check(0, 0).is_err_and(|error| error.to_string().starts_with("`papers` holds no file that ends in .txt, .md")));
        assert!(check(0, 2).is_err_and(|error| error.to_string().contains("`papers`")));
        assert!(check(1, 2).is_ok());
    }

    #[tokio::test]
    async fn a_path_that_is_not_there_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite://{}/a2a.db", folder.path().display());
        let documents = setup::documents(&Settings::from_vars([("A2A_DATABASE_URL", database)]).unwrap()).await.unwrap();
        let error = index(documents, Path::new("nowhere"), &ProgressBar::hidden()).await.unwrap_err();
        assert!(error.to_string().contains("`nowhere`"), "{error}");
    }
}
