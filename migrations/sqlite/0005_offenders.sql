-- Addresses that showed wrong credentials lately or are blocked, each as JSON. Times are milliseconds since 1970.
CREATE TABLE offenders (
    address        TEXT    PRIMARY KEY,
    version        INTEGER NOT NULL,
    blocked_until  INTEGER NOT NULL,
    forget_at      INTEGER NOT NULL,
    known          TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX offenders_by_forget_at ON offenders (forget_at);
