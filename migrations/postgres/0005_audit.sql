-- What happened that bears on security. Never a credential nor a message's text. Times are milliseconds since 1970, levels 0 (info) to 3 (high).
CREATE TABLE audit (
    at          bigint   NOT NULL,
    id          text     NOT NULL COLLATE "C",
    kind        text     NOT NULL COLLATE "C",
    level       smallint NOT NULL,
    outcome     text     NOT NULL,
    subject     text     NOT NULL COLLATE "C",
    address     text     COLLATE "C",
    request_id  text,
    method      text     NOT NULL,
    object      text,
    detail      text     NOT NULL COLLATE "C",
    count       bigint   NOT NULL,
    PRIMARY KEY (at, id)
);

CREATE INDEX audit_by_kind ON audit (kind, at, id);
CREATE INDEX audit_by_subject ON audit (subject, at, id);
