-- Which transactions rode another one together, which devices know by its name alone.
CREATE TABLE ride (
    rider   TEXT PRIMARY KEY,
    carrier TEXT NOT NULL
);

CREATE INDEX ride_carrier ON ride (carrier);
