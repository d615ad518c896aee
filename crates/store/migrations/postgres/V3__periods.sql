-- What grows with every verification is kept in periods: each of these tables is divided by the time that an identifier tells
-- (its first 48 bits, RFC 9562; of events and trials that of the verification, with which they leave), so that old rows leave as
-- whole tables. postgres/periods.rs of the store makes the periods ahead
-- of their time and drops them.
--
-- * The rows of today, and those of the next day, are `<table>_before`. They leave in bounded batches, as they always did.
-- * What belongs to no period is `<table>_rest`: no row is ever refused because a period is missing.
-- * A new period is made LIKE `<table>_before`, with its indexes: whoever adds an index adds it to `<table>`, which is all of them.
--
-- The rows that there are must be looked at once, as long as that takes.
SET LOCAL statement_timeout = 0;

CREATE TABLE period (
    name     TEXT COLLATE "C" PRIMARY KEY,
    first_ms BIGINT NOT NULL,
    end_ms   BIGINT NOT NULL UNIQUE CHECK (end_ms > first_ms),
    -- Nothing in it is needed any more: it is being dropped.
    is_over  BOOLEAN NOT NULL DEFAULT FALSE
);

-- Those that keep their period: a code without an end can be checked for ever.
CREATE INDEX verification_without_end ON verification (id) WHERE decided_at IS NULL AND open_until IS NULL;

-- The oldest of each period, in the order in which they are taken.
DROP INDEX message_queued, message_leased;
CREATE INDEX message_queued ON message (channel, due_at, place) WHERE state = 'queued';
CREATE INDEX message_leased ON message (channel, leased_until, place) WHERE state = 'leased';

DO $$
DECLARE
    day_ms    CONSTANT BIGINT := 86400000;
    until_ms  BIGINT;
    until_id  BYTEA;
    grows     RECORD;
    last      BIGINT;
BEGIN
    SELECT ((extract(epoch FROM clock_timestamp()) * 1000 + offset_ms)::bigint / day_ms + 2) * day_ms
        INTO until_ms FROM sandbox_clock;
    until_id := decode(lpad(to_hex(until_ms), 12, '0'), 'hex');
    INSERT INTO period (name, first_ms, end_ms) VALUES ('before', 0, until_ms);
    FOR grows IN SELECT * FROM (VALUES
        ('verification', 'id', ', PRIMARY KEY (tenant, id)'),
        ('event', 'verification', ', PRIMARY KEY (tenant, verification, id)'),
        ('message', 'id', ', PRIMARY KEY (tenant, id)'),
        -- Each of its parts has that key: one of whole is impossible, and a trial has one verification only.
        ('trial', 'verification', ''),
        ('activity', 'id', ', PRIMARY KEY (tenant, id)')
    ) AS table_of (name, divider, key) LOOP
        EXECUTE format('SELECT last_value FROM %s', pg_get_serial_sequence(grows.name, 'place')) INTO last;
        EXECUTE format(
            'ALTER TABLE %1$I RENAME TO %2$I;
             ALTER INDEX %3$I RENAME TO %4$I;
             ALTER TABLE %2$I ALTER place DROP IDENTITY;
             CREATE SEQUENCE %5$I;
             ALTER TABLE %2$I ALTER place SET DEFAULT nextval(%5$L);
             CREATE TABLE %1$I (LIKE %2$I INCLUDING DEFAULTS%6$s) PARTITION BY RANGE (%7$I);
             ALTER SEQUENCE %5$I OWNED BY %1$I.place;
             ALTER TABLE %1$I ATTACH PARTITION %2$I FOR VALUES FROM (MINVALUE) TO (%8$L);
             CREATE TABLE %9$I (LIKE %2$I INCLUDING ALL);
             ALTER TABLE %1$I ATTACH PARTITION %9$I DEFAULT',
            grows.name, grows.name || '_before', grows.name || '_pkey', grows.name || '_before_pkey',
            grows.name || '_place', grows.key, grows.divider, until_id, grows.name || '_rest');
        PERFORM setval(grows.name || '_place', last);
    END LOOP;
END $$;
