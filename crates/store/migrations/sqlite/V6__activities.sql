-- What was done to users and by them: searched by time, the newest first, and by what it was.
CREATE TABLE activity (
    -- The order of writing: two ids of one millisecond have none.
    place  INTEGER PRIMARY KEY,
    tenant BLOB NOT NULL,
    id     BLOB NOT NULL,
    at     INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    body   TEXT NOT NULL,
    UNIQUE (tenant, id)
) STRICT;
CREATE INDEX activity_of_tenant ON activity (tenant, at);
CREATE INDEX activity_to_purge ON activity (at);
