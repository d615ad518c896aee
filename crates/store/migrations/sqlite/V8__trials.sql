-- Services that callers make for themselves, and their messages as reports count them.

CREATE TABLE configuration (
    place      INTEGER PRIMARY KEY,
    tenant     BLOB NOT NULL,
    id         BLOB NOT NULL,
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    body       TEXT NOT NULL,
    UNIQUE (tenant, id),
    UNIQUE (tenant, name)
) STRICT;
-- Lists show the newest first; `place` is in every index by itself.
CREATE INDEX configuration_by_age ON configuration (tenant, created_at);

-- Of a verification whose messages are trials: until when its code can be checked. The others are in no list and have none.
ALTER TABLE verification ADD COLUMN checkable_until INTEGER;
-- The first six bytes of an id are the millisecond in which it was made.
CREATE INDEX verification_checkable ON verification (tenant, service, substr(id, 1, 6)) WHERE checkable_until IS NOT NULL;

CREATE TABLE trial (
    place        INTEGER PRIMARY KEY,
    tenant       BLOB NOT NULL,
    -- The message's.
    id           BLOB NOT NULL,
    verification BLOB NOT NULL,
    service      BLOB NOT NULL,
    to_index     BLOB NOT NULL,
    channel      TEXT NOT NULL,
    -- Empty where there is none.
    country      TEXT NOT NULL,
    successful   INTEGER NOT NULL,
    made_at      INTEGER NOT NULL,
    price_e4     INTEGER NOT NULL,
    currency     TEXT NOT NULL,
    updated_at   INTEGER NOT NULL,
    UNIQUE (tenant, id)
) STRICT;
CREATE INDEX trial_of_kind ON trial (tenant, service, channel, country, successful, made_at);
CREATE INDEX trial_of_verification ON trial (tenant, verification, made_at);
CREATE INDEX trial_of_address ON trial (tenant, to_index, made_at);

-- How many trials of each kind a day (UTC, counted from 1970) has, so that nobody has to count a million rows.
CREATE TABLE trial_count (
    tenant     BLOB NOT NULL,
    service    BLOB NOT NULL,
    day        INTEGER NOT NULL,
    channel    TEXT NOT NULL,
    country    TEXT NOT NULL,
    successful INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (tenant, service, day, channel, country, successful)
) STRICT, WITHOUT ROWID;
