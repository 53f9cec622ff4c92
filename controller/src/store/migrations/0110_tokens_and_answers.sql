-- Who may come in, with which role; and what was answered under an idempotency key.
CREATE TABLE token (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    role    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    digest  TEXT NOT NULL UNIQUE,
    made_by TEXT NOT NULL,
    made    BIGINT NOT NULL,
    revoked BIGINT
);

CREATE TABLE answer (
    caller  TEXT NOT NULL,
    key     TEXT NOT NULL,
    request TEXT NOT NULL,
    status  BIGINT,
    kind    TEXT NOT NULL,
    body    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);
