-- What operators taught, the sets of rules that held one after the other, and what a language model was asked each hour.
CREATE TABLE learned_rule (
    number      BIGINT PRIMARY KEY,
    body        TEXT NOT NULL,
    state       TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    at          BIGINT NOT NULL
);

CREATE TABLE learned_set (
    version BIGINT PRIMARY KEY,
    rules   TEXT NOT NULL,
    what    TEXT NOT NULL,
    who     TEXT NOT NULL,
    at      BIGINT NOT NULL
);

CREATE TABLE model_use (
    hour   BIGINT PRIMARY KEY,
    calls  BIGINT NOT NULL,
    tokens BIGINT NOT NULL
);
