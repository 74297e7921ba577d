-- What all processes on this database must know and nobody else: the private key that signs agent cards.
CREATE TABLE secrets (
    name   text  NOT NULL COLLATE "C" PRIMARY KEY,
    value  text  NOT NULL
);
