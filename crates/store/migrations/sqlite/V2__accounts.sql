-- Prepaid money: the main account of a tenant has an empty name.
CREATE TABLE account (
    tenant  BLOB NOT NULL,
    name    TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
