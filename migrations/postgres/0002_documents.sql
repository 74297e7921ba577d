-- The documents that agents search, with their inverted index. Names and texts are kept as `0001_tasks.sql` says.

-- One row for each owner, and the shared one. Counts are exact and move with every change; whoever changes a corpus holds its row.
CREATE TABLE corpora (
    key          integer  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text     NOT NULL COLLATE "C" UNIQUE,     -- `shared`, or `of/` and the owner
    next_passage bigint   NOT NULL DEFAULT 0,
    documents    bigint   NOT NULL DEFAULT 0,
    passages     bigint   NOT NULL DEFAULT 0,
    title_terms  bigint   NOT NULL DEFAULT 0,
    text_terms   bigint   NOT NULL DEFAULT 0
);

-- `digest` is the SHA-256 of the id, because ids and sources may be longer than an index takes.
CREATE TABLE documents (
    corpus        integer  NOT NULL REFERENCES corpora (key),
    digest        bytea    NOT NULL,
    id            text     NOT NULL,
    title         text     NOT NULL,
    source        text     NOT NULL COLLATE "C",
    fingerprint   text     NOT NULL,
    first_passage bigint   NOT NULL,
    passages      bigint   NOT NULL,
    PRIMARY KEY (corpus, digest)
);
CREATE INDEX documents_by_source ON documents (corpus, left(source, 200));

CREATE TABLE passages (
    place        bigint   PRIMARY KEY,                     -- corpus * 2^32 + number in the corpus
    document     bytea    NOT NULL,                        -- its digest
    number       integer  NOT NULL,                        -- in the document
    title_length smallint NOT NULL,
    text_length  integer  NOT NULL,
    text         text     NOT NULL,
    terms        text     NOT NULL                         -- lines of `term in_title in_text`
);

-- Not a `tsvector` with a GIN index: that finds candidates, but what scores them has to be read from each candidate's row. Of 28,000 passages a
-- query took 87 to 113 ms and 12.8 MB that way, and 1 to 3 ms and 0.3 MB this way; and every database ranks alike.
-- Which of 1,024 neighbouring passages have a term; `entries` holds fixed-size postings, of which a put only touches the last blocks.
CREATE TABLE postings (
    corpus  integer  NOT NULL,
    term    text     NOT NULL COLLATE "C",
    block   integer  NOT NULL,
    entries bytea    NOT NULL,
    PRIMARY KEY (corpus, term, block)
)
WITH (fillfactor = 80);
-- Kept as they are, so that their length is known without reading them.
ALTER TABLE postings ALTER COLUMN entries SET STORAGE EXTERNAL;
