/**
 * The schema of a store, which is also the schema of a tape file (a store that holds one run), and the steps
 * from older formats. `docs/format.md` explains the columns.
 */

import { APPLICATION_ID, FORMAT, MIN_READER } from "../tape/format.ts";

/** With row numbers: rows of some hundred bytes would not fit into a page of an index. */
const EVENTS = `CREATE TABLE events (
  run INTEGER NOT NULL REFERENCES runs (key),
  lane INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  type INTEGER NOT NULL,
  at INTEGER NOT NULL,
  body BLOB NOT NULL,
  link BLOB NOT NULL,
  UNIQUE (run, lane, seq)
);
`;

/** Bodies that are put together of chunks: format 2. */
const CHUNKED = `
CREATE TABLE lists (
  key INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  data BLOB NOT NULL
);

CREATE TABLE bodies (
  key INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  data BLOB NOT NULL
);
`;

/** Makes an empty file a store of the current format. */
export const SCHEMA = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('min_reader', '${MIN_READER}');

CREATE TABLE runs (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT,
  state TEXT NOT NULL CHECK (state IN ('recording', 'complete', 'recovered')),
  created INTEGER NOT NULL,
  ended INTEGER,
  writer TEXT,
  about TEXT NOT NULL,
  exit_code INTEGER,
  exit_signal TEXT,
  fingerprint BLOB,
  seal BLOB,
  parent TEXT,
  fork_step INTEGER,
  note TEXT
);

CREATE TABLE lanes (
  run INTEGER NOT NULL REFERENCES runs (key),
  lane INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  mark TEXT NOT NULL,
  runtime TEXT NOT NULL,
  argv TEXT NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (run, lane)
) WITHOUT ROWID;

${EVENTS}
CREATE TABLE blobs (
  key INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  size INTEGER NOT NULL,
  zstd INTEGER NOT NULL,
  data BLOB NOT NULL
);
${CHUNKED}
CREATE TABLE environment (
  run INTEGER NOT NULL REFERENCES runs (key),
  name TEXT NOT NULL,
  value TEXT,
  secret INTEGER NOT NULL,
  PRIMARY KEY (run, name)
) WITHOUT ROWID;

CREATE TABLE handover (
  run INTEGER NOT NULL REFERENCES runs (key),
  seq INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE TABLE output (
  run INTEGER NOT NULL REFERENCES runs (key),
  stream INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (run, stream, seq)
) WITHOUT ROWID;

PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${FORMAT};
`;

/** SQL that takes a file from format n to n + 1, by n. Events and links are never rewritten. */
export const UPGRADES: Readonly<Record<number, string>> = {
  // Bodies of format 1 are whole, which they may be in format 2 as well.
  1: `${CHUNKED}
ALTER TABLE events RENAME TO old_events;
${EVENTS}
INSERT INTO events SELECT * FROM old_events ORDER BY run, lane, seq;
DROP TABLE old_events;
ALTER TABLE runs ADD COLUMN note TEXT;
UPDATE meta SET value = '2' WHERE key = 'min_reader';
PRAGMA user_version = 2;`,
};
