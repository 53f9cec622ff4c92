-- What went wrong before, as documents; they are found again by an index in memory.
CREATE TABLE case_record (
    id   TEXT PRIMARY KEY,
    at   BIGINT NOT NULL,
    body TEXT NOT NULL
);
