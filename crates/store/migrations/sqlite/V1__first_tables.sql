-- What every table has in common:
-- * The tenant comes first in the key, so that a tenant's rows lie together and can be moved or split off by tenant.
-- * Columns hold what is searched for or guarded; `body` is the rest of the value as JSON.
-- * Identifiers are 16 bytes that sort by age; moments are milliseconds since 1970.
-- * `version` is what a writer must have read. There are no foreign keys: a batch is right by its own assertions, and a
--   look into a second table for each row would cost more than it finds.
-- * Small rows that are found by their key have no rowid: one tree less to write. Big rows have one: in a key-ordered tree
--   they would spill onto pages of their own.

CREATE TABLE tenant (
    id   BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
    tenant       BLOB NOT NULL,
    id           BLOB NOT NULL,
    -- Keyed hash of the secret. It is what tells the tenant of a request, so it is searched without one.
    hash         BLOB NOT NULL UNIQUE,
    last_used_at INTEGER,
    revoked_at   INTEGER,
    body         TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE service (
    tenant  BLOB NOT NULL,
    id      BLOB NOT NULL,
    name    TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE template (
    tenant  BLOB NOT NULL,
    message TEXT NOT NULL,
    channel TEXT NOT NULL,
    locale  TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (tenant, message, channel, locale)
) STRICT, WITHOUT ROWID;

CREATE TABLE verification (
    -- The order of writing: two ids of one millisecond have none.
    place      INTEGER PRIMARY KEY,
    tenant     BLOB NOT NULL,
    id         BLOB NOT NULL,
    service    BLOB NOT NULL,
    to_index   BLOB NOT NULL,
    version    INTEGER NOT NULL,
    -- While it is pending: when its last code dies; none where that never happens.
    open_until INTEGER,
    -- Once it has ended: when.
    decided_at INTEGER,
    body       TEXT NOT NULL,
    UNIQUE (tenant, id)
) STRICT;
-- The latest one of an address; `place` is in every index by itself.
CREATE INDEX verification_of_address ON verification (tenant, service, to_index);
-- The two jobs look at what is to expire and what is to be purged, for all tenants at once.
CREATE INDEX verification_to_expire ON verification (open_until) WHERE open_until IS NOT NULL;
CREATE INDEX verification_to_purge ON verification (decided_at) WHERE decided_at IS NOT NULL;

CREATE TABLE destination (
    tenant      BLOB NOT NULL,
    service     BLOB NOT NULL,
    to_index    BLOB NOT NULL,
    version     INTEGER NOT NULL,
    -- The last moment that its body speaks of; see destinations.rs.
    quiet_since INTEGER NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (tenant, service, to_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX destination_to_purge ON destination (quiet_since);

CREATE TABLE message (
    place        INTEGER PRIMARY KEY,
    tenant       BLOB NOT NULL,
    id           BLOB NOT NULL,
    -- None for a text of a caller's own.
    verification BLOB,
    version      INTEGER NOT NULL,
    channel      TEXT NOT NULL,
    state        TEXT NOT NULL,
    -- On the clock of the rules: the next attempt, or the end of waiting for a receipt.
    due_at       INTEGER,
    -- On the clock that nobody moves: the end of the lease. It means nothing unless the state is leased.
    leased_until INTEGER,
    updated_at   INTEGER NOT NULL,
    -- The provider's name for it, under which its receipts come.
    provider     TEXT,
    reference    TEXT,
    body         TEXT NOT NULL,
    UNIQUE (tenant, id)
) STRICT;
CREATE INDEX message_of_verification ON message (tenant, verification) WHERE verification IS NOT NULL;
-- Texts of callers' own go by age; a code goes with its verification.
CREATE INDEX message_to_purge ON message (updated_at) WHERE verification IS NULL;
-- A receipt names the message as the provider does, and knows no tenant.
CREATE INDEX message_of_reference ON message (provider, reference) WHERE reference IS NOT NULL;
-- The outbox. Most messages are in none of these: what is done costs nothing here.
CREATE INDEX message_queued ON message (channel, due_at) WHERE state = 'queued';
CREATE INDEX message_leased ON message (channel, leased_until) WHERE state = 'leased';
CREATE INDEX message_without_receipt ON message (due_at) WHERE state = 'accepted' AND due_at IS NOT NULL;

CREATE TABLE event (
    place        INTEGER PRIMARY KEY,
    tenant       BLOB NOT NULL,
    verification BLOB NOT NULL,
    id           BLOB NOT NULL,
    body         TEXT NOT NULL,
    UNIQUE (tenant, verification, id)
) STRICT;

CREATE TABLE callback (
    tenant       BLOB NOT NULL,
    id           BLOB NOT NULL,
    version      INTEGER NOT NULL,
    -- On the clock of the rules: the next call.
    due_at       INTEGER NOT NULL,
    -- On the clock that nobody moves: the end of the lease.
    leased_until INTEGER NOT NULL,
    body         TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX callback_due ON callback (due_at);

CREATE TABLE answer (
    place       INTEGER PRIMARY KEY,
    tenant      BLOB NOT NULL,
    key         BLOB NOT NULL,
    request     BLOB NOT NULL,
    key_version INTEGER NOT NULL,
    outcome     BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (tenant, key)
) STRICT;
CREATE INDEX answer_to_purge ON answer (created_at);

-- Written to find out whether it can be.
CREATE TABLE probe (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    writes   INTEGER NOT NULL
) STRICT;
INSERT INTO probe (only_row, writes) VALUES (1, 0);

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Dev mode only, from here on: empty in production.

CREATE TABLE sandbox_inbox (
    -- Never given twice, even when the inbox was emptied.
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    message   BLOB NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    channel   TEXT NOT NULL,
    body      TEXT NOT NULL
) STRICT;
CREATE INDEX sandbox_inbox_of_recipient ON sandbox_inbox (recipient);

CREATE TABLE sandbox_outcome (
    recipient TEXT NOT NULL PRIMARY KEY,
    body      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sandbox_lookup (
    recipient TEXT NOT NULL PRIMARY KEY,
    body      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sandbox_call (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE sandbox_clock (
    only_row  INTEGER PRIMARY KEY CHECK (only_row = 1),
    offset_ms INTEGER NOT NULL
) STRICT;
INSERT INTO sandbox_clock (only_row, offset_ms) VALUES (1, 0);
