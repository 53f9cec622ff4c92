-- The journal as a table: what a setting chooses where decisions are to live in the store. One row of journal_lease says
-- under which epoch it may be written, and where its last record stands.
CREATE TABLE journal_lease (
    id       BIGINT PRIMARY KEY CHECK (id = 1),
    epoch    BIGINT NOT NULL,
    position BIGINT NOT NULL
);

INSERT INTO journal_lease (id, epoch, position) VALUES (1, 0, 0);

CREATE TABLE journal (
    position BIGINT PRIMARY KEY,
    epoch    BIGINT NOT NULL,
    record   BYTEA NOT NULL
);
