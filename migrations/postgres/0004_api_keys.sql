-- API keys: of each the SHA-256, never the key itself. Times are milliseconds since 1970.
CREATE TABLE api_keys (
    id                     text    NOT NULL COLLATE "C" PRIMARY KEY,
    digest                 text    NOT NULL COLLATE "C" UNIQUE,
    name                   text    NOT NULL,
    role                   text    NOT NULL,
    created_at             bigint  NOT NULL,
    expires_at             bigint  NOT NULL,
    revoked_at             bigint,
    rate_limit_per_minute  bigint
);
