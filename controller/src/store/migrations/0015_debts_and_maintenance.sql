-- What devices are owed from torn transactions, and devices that people work on.
CREATE TABLE debt (
    device         TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    confirm        BIGINT NOT NULL,
    reason         TEXT NOT NULL,
    waived_by      TEXT,
    at             BIGINT NOT NULL,
    PRIMARY KEY (device, transaction_id)
);

CREATE TABLE maintenance (
    device TEXT PRIMARY KEY,
    who    TEXT NOT NULL,
    reason TEXT NOT NULL,
    at     BIGINT NOT NULL
);
