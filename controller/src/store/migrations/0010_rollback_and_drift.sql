-- What intents wanted before a transaction changed it, and drift that an operator told us to leave alone.
CREATE TABLE was (
    transaction_id TEXT NOT NULL,
    device         TEXT NOT NULL,
    intent         TEXT NOT NULL,
    wish           TEXT,
    body           TEXT,
    at             BIGINT NOT NULL,
    PRIMARY KEY (transaction_id, device, intent)
);

CREATE TABLE ignored (
    device TEXT NOT NULL,
    path   TEXT NOT NULL,
    who    TEXT NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (device, path)
);
