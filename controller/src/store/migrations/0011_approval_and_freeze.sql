-- Who asked for a plan, what others said about it, and what an operator froze.
ALTER TABLE plan ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';

CREATE TABLE said (
    plan     TEXT NOT NULL REFERENCES plan (id),
    who      TEXT NOT NULL,
    approved BIGINT NOT NULL,
    hash     TEXT NOT NULL,
    reason   TEXT NOT NULL,
    at       BIGINT NOT NULL,
    PRIMARY KEY (plan, who)
);

CREATE TABLE freeze (
    name   TEXT PRIMARY KEY,
    who    TEXT NOT NULL,
    reason TEXT NOT NULL,
    until  BIGINT,
    at     BIGINT NOT NULL
);
