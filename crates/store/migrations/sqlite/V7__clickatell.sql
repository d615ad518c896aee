-- The link of an image grid: keyed hash of its token. It is what tells the tenant of a request, so it is searched without one.
ALTER TABLE verification ADD COLUMN link BLOB;
CREATE UNIQUE INDEX verification_of_link ON verification (link) WHERE link IS NOT NULL;
