-- Addresses that showed wrong credentials lately or are blocked, each as JSON. Times are milliseconds since 1970.
CREATE TABLE offenders (
    address        text    NOT NULL COLLATE "C" PRIMARY KEY,
    version        bigint  NOT NULL,
    blocked_until  bigint  NOT NULL,
    forget_at      bigint  NOT NULL,
    known          text    NOT NULL
);

CREATE INDEX offenders_by_forget_at ON offenders (forget_at);
