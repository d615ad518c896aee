-- Visits to the page of a second factor.

CREATE TABLE mfa_session (
    -- Keyed hash of the text in the link; it tells the tenant.
    id      BLOB NOT NULL PRIMARY KEY,
    tenant  BLOB NOT NULL,
    ends_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX mfa_session_to_purge ON mfa_session (ends_at);
