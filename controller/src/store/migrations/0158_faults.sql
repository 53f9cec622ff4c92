-- What went wrong on the devices of a transaction, part by part: a JSON list.
ALTER TABLE transaction_record ADD COLUMN faults TEXT NOT NULL DEFAULT '[]';
