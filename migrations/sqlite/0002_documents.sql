-- The documents that agents search, with their inverted index.

-- One row for each owner, and the shared one. Counts are exact and move with every change.
CREATE TABLE corpora (
    key          INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,           -- `shared`, or `of/` and the owner
    next_passage INTEGER NOT NULL DEFAULT 0,
    documents    INTEGER NOT NULL DEFAULT 0,
    passages     INTEGER NOT NULL DEFAULT 0,
    title_terms  INTEGER NOT NULL DEFAULT 0,
    text_terms   INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE documents (
    corpus        INTEGER NOT NULL REFERENCES corpora (key),
    id            TEXT    NOT NULL,
    title         TEXT    NOT NULL,
    source        TEXT    NOT NULL,
    fingerprint   TEXT    NOT NULL,
    first_passage INTEGER NOT NULL,
    passages      INTEGER NOT NULL,
    PRIMARY KEY (corpus, id)
) STRICT;

CREATE INDEX documents_by_source ON documents (corpus, source);

CREATE TABLE passages (
    place        INTEGER PRIMARY KEY,               -- corpus * 2^32 + number in the corpus
    document_id  TEXT    NOT NULL,
    number       INTEGER NOT NULL,                  -- in the document
    title_length INTEGER NOT NULL,
    text_length  INTEGER NOT NULL,
    text         TEXT    NOT NULL,
    terms        TEXT    NOT NULL                   -- lines of `term in_title in_text`
) STRICT;

-- Which of 1,024 neighbouring passages have a term; `entries` holds fixed-size postings, of which a put only touches the last blocks.
CREATE TABLE postings (
    corpus  INTEGER NOT NULL,
    term    TEXT    NOT NULL,
    block   INTEGER NOT NULL,
    entries BLOB    NOT NULL,
    PRIMARY KEY (corpus, term, block)
) STRICT, WITHOUT ROWID;
