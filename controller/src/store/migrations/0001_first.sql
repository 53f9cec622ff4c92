-- The first form: what was asked, what was planned, what became of it, and the chain that shows tampering.
CREATE TABLE intent (
    id       TEXT PRIMARY KEY,
    name     TEXT,
    class    TEXT NOT NULL,
    body     TEXT NOT NULL,
    state    TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    at       BIGINT NOT NULL
);

CREATE TABLE plan (
    id    TEXT PRIMARY KEY,
    hash  TEXT NOT NULL,
    body  TEXT NOT NULL,
    state TEXT NOT NULL,
    at    BIGINT NOT NULL
);

CREATE TABLE ownership (
    device TEXT PRIMARY KEY,
    body   TEXT NOT NULL
);

CREATE TABLE transaction_record (
    id       TEXT PRIMARY KEY,
    plan     TEXT NOT NULL REFERENCES plan (id),
    state    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    devices  TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    begun    BIGINT NOT NULL,
    ended    BIGINT
);

CREATE TABLE audit (
    position  BIGINT PRIMARY KEY,
    body      TEXT NOT NULL,
    hash      TEXT NOT NULL,
    signature TEXT NOT NULL
);
