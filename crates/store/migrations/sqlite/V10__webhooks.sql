-- Servers that are told of events, and events on their way to them.

CREATE TABLE webhook_endpoint (
    tenant  BLOB NOT NULL,
    id      BLOB NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_delivery (
    -- The order of writing, in which the events of a verification are told.
    place        INTEGER PRIMARY KEY,
    tenant       BLOB NOT NULL,
    id           BLOB NOT NULL,
    version      INTEGER NOT NULL,
    endpoint     BLOB NOT NULL,
    -- What is told in its order at an endpoint: a verification, as a rule.
    line         BLOB NOT NULL,
    state        TEXT NOT NULL,
    -- On the clock of the rules: the next try; of a dead letter, since when it is one.
    due_at       INTEGER NOT NULL,
    -- On the clock that nobody moves: the end of the lease.
    leased_until INTEGER NOT NULL,
    body         TEXT NOT NULL,
    UNIQUE (tenant, id)
) STRICT;
CREATE INDEX webhook_delivery_due ON webhook_delivery (due_at, leased_until, endpoint) WHERE state = 'pending';
CREATE INDEX webhook_delivery_leased ON webhook_delivery (leased_until) WHERE state = 'pending' AND leased_until > 0;
CREATE INDEX webhook_delivery_of_line ON webhook_delivery (endpoint, line, place) WHERE state = 'pending';
CREATE INDEX webhook_delivery_dead ON webhook_delivery (tenant, id) WHERE state = 'dead';
CREATE INDEX webhook_delivery_to_purge ON webhook_delivery (due_at) WHERE state = 'dead';
