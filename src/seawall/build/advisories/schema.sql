-- The advisory database: one SQLite file, written once by `advisories build`, then only read.
-- Bounds are the byte keys of the ecosystem's version order (versions/), so that SQLite and DuckDB compare versions as they compare bytes.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;          -- schema, built (RFC 3339), seawall
CREATE TABLE feed (name TEXT PRIMARY KEY, records INTEGER NOT NULL, problems INTEGER NOT NULL, newest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE problem (feed TEXT NOT NULL, path TEXT NOT NULL, message TEXT NOT NULL);
CREATE TABLE advisory (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,
  vulnerability TEXT NOT NULL,     -- the id of the group of records that speak of the same vulnerability: its CVE where there is one
  aliases TEXT NOT NULL,           -- JSON list: aliases and upstream
  published TEXT NOT NULL, modified TEXT NOT NULL, withdrawn TEXT NOT NULL,
  summary TEXT NOT NULL, severity TEXT NOT NULL,
  cvss TEXT NOT NULL,              -- JSON list of [vector, source]
  reference TEXT NOT NULL          -- JSON list of addresses
);
CREATE INDEX advisory_id ON advisory (id);
CREATE INDEX advisory_vulnerability ON advisory (vulnerability);
-- One row for each interval of affected versions; a version that is named alone is an interval from itself to itself.
CREATE TABLE affected (
  ecosystem TEXT NOT NULL,         -- normalised: pypi, debian:12, alpine:3.19, almalinux:8
  name TEXT NOT NULL,              -- normalised by the rules of the ecosystem
  low BLOB NOT NULL,               -- inclusive; empty: from the beginning
  high BLOB,                       -- NULL: no end
  closed INTEGER NOT NULL,         -- 1: high itself is affected
  fixed TEXT NOT NULL,             -- the version that mends it, as published, or empty
  status TEXT NOT NULL, severity TEXT NOT NULL,
  module TEXT NOT NULL, arch TEXT NOT NULL,  -- arch: names joined by blanks
  advisory INTEGER NOT NULL REFERENCES advisory (number)
);
CREATE INDEX affected_package ON affected (ecosystem, name);
CREATE TABLE exploited (cve TEXT PRIMARY KEY, added TEXT NOT NULL, due TEXT NOT NULL, ransomware INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE likelihood (cve TEXT PRIMARY KEY, score REAL NOT NULL, percentile REAL NOT NULL, date TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE end_of_life (product TEXT NOT NULL, cycle TEXT NOT NULL, codename TEXT NOT NULL, released TEXT NOT NULL, eol TEXT NOT NULL,
  extended TEXT NOT NULL, ended INTEGER NOT NULL, identifiers TEXT NOT NULL, PRIMARY KEY (product, cycle)) WITHOUT ROWID;
