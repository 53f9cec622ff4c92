-- What stood on devices around transactions, in their own words and without secrets; equal texts are kept once.
CREATE TABLE native (
    device         TEXT NOT NULL,
    number         BIGINT NOT NULL,
    transaction_id TEXT NOT NULL,
    moment         TEXT NOT NULL,
    digest         TEXT NOT NULL,
    at             BIGINT NOT NULL,
    PRIMARY KEY (device, number)
);

CREATE TABLE native_text (
    digest TEXT PRIMARY KEY,
    body   TEXT NOT NULL
);
