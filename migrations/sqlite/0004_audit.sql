-- What happened that bears on security. Never a credential nor a message's text. Times are milliseconds since 1970, levels 0 (info) to 3 (high).
CREATE TABLE audit (
    at          INTEGER NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    level       INTEGER NOT NULL,
    outcome     TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    address     TEXT,
    request_id  TEXT,
    method      TEXT    NOT NULL,
    object      TEXT,
    detail      TEXT    NOT NULL,
    count       INTEGER NOT NULL,
    PRIMARY KEY (at, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_by_kind ON audit (kind, at, id);
CREATE INDEX audit_by_subject ON audit (subject, at, id);
