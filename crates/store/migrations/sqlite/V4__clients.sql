-- Applications that ask for tokens, the keys that sign those, and the tokens that live long.

CREATE TABLE client (
    -- It is what tells the tenant of a request, so it is searched without one.
    id      TEXT NOT NULL PRIMARY KEY,
    tenant  BLOB NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX client_of_tenant ON client (tenant);

-- Of the whole installation: no tenant.
CREATE TABLE signing_key (
    kid     TEXT NOT NULL PRIMARY KEY,
    state   TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL
) STRICT;
-- One that signs and one that is next, whoever makes them at once.
CREATE UNIQUE INDEX signing_key_in_use ON signing_key (state) WHERE state <> 'retired';

CREATE TABLE refresh_token (
    -- Keyed hash of the text; it tells the tenant.
    hash       BLOB NOT NULL PRIMARY KEY,
    tenant     BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_token_to_purge ON refresh_token (expires_at);

-- What a tenant has chosen about second factors; none: everything as it comes.
CREATE TABLE mfa_choice (
    tenant  BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
