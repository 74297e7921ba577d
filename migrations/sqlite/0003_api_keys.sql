-- API keys: of each the SHA-256, never the key itself. Times are milliseconds since 1970.
CREATE TABLE api_keys (
    id                     TEXT    PRIMARY KEY,
    digest                 TEXT    NOT NULL UNIQUE,
    name                   TEXT    NOT NULL,
    role                   TEXT    NOT NULL,
    created_at             INTEGER NOT NULL,
    expires_at             INTEGER NOT NULL,
    revoked_at             INTEGER,
    rate_limit_per_minute  INTEGER
) STRICT, WITHOUT ROWID;
