-- People and what they prove themselves with.

CREATE TABLE user (
    tenant     BLOB NOT NULL,
    id         BLOB NOT NULL,
    -- Keyed hash of the name; none for somebody without one.
    name_index BLOB,
    version    INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_of_name ON user (tenant, name_index) WHERE name_index IS NOT NULL;

CREATE TABLE factor (
    tenant  BLOB NOT NULL,
    id      BLOB NOT NULL,
    user    BLOB NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX factor_of_user ON factor (tenant, user);

-- What can be used once and was: kept until it would have ended anyway.
CREATE TABLE spent_token (
    tenant BLOB NOT NULL,
    id     BLOB NOT NULL,
    until  INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_token_to_purge ON spent_token (until);
