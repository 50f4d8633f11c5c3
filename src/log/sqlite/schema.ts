import { POSTED } from './rows.ts'

/** A posting with content, as a condition: a query names it, or `REST`, to use their indexes. */
export const SHOWN = `(kind = ${POSTED} AND data IS NOT NULL)`

/** Every other entry. */
export const REST = `(kind <> ${POSTED} OR data IS NULL)`

/**
 * The first version of the tables. Times are epoch ms; `words`, `data` and `server` are JSON.
 *
 * Measured once each: batches of 100 posts into 100 channels, `synchronous=FULL`, on an empty log /
 * on a filled one (rows/s, file and page of 50 messages at 2,000,000 rows on a busy 4-core machine,
 * so differences below some 30 % say little; pages per batch at 1,000,000, which load cannot change):
 *
 * | entries                            | rows/s        | pages per batch | file   | page of 50 |
 * |------------------------------------|---------------|-----------------|--------|------------|
 * | rowid + unique(channel, seq), blob | 40.6k / 14.4k | 148 / 227       | 791 MB | 0.50 ms    |
 * | the same, ids as text              | 36.6k / 17.5k | not measured    | 1.1 GB | 0.24 ms    |
 * | WITHOUT ROWID on (channel, seq)    | 24.4k / 12.5k | not measured    | 792 MB | 0.21 ms    |
 * | key = channel << 32 or seq         | 25.0k / 12.8k | 248 / 332       | 806 MB | 0.30 ms    |
 *
 * So rows are appended in the order of commits and only small index entries are sorted by channel:
 * clustering splits the wide pages of every busy channel; it would read a page of history faster.
 * Ids are bytes (see `id-codec.ts`): the file is a quarter smaller. A 128-bit digest in place of the
 * three columns of `entries_client` saved 5 % of the pages for 4–7 µs of hashing a row.
 *
 * What a row costs in this version is the pages that its indexes change. `entries_id` grows at its end, the others in as many
 * places as there are busy channels, and `entries_client` in one for each sender whose ids ascend but in one
 * for each *row* whose client id is random, once it has outgrown a batch (50,000 rows or so). That is the
 * whole difference between an empty and a filled log; from there on the rate stays. Written and
 * computed for each row on a busy machine, batches of 400 into 1,000 channels, `checkpointPages` 16,000:
 *
 * | client ids | 1,000,000 rows    | 10,000,000 rows   |
 * |------------|-------------------|-------------------|
 * | none       | 4.6 KiB, 28 µs    | 5.3 KiB, 21 µs    |
 * | ascending  | 6.1 KiB, 31 µs    | 6.9 KiB, 25 µs    |
 * | random     | 10.1 KiB, 46 µs   | 12.1 KiB, 48 µs   |
 *
 * Neither a larger cache (256 MiB) nor smaller pages (1 and 2 KiB: fewer bytes, but more pages) changed that. The
 * client id as first column helps ids that ascend over all clients, and no others. `SCHEMA_2` is the answer.
 *
 * Each entry is in one of two indexes by number, `entries_shown` or `entries_rest`, so that a page of
 * messages steps over nothing that was erased. Measured at 500,000 rows, page of 50 below 200,000
 * deleted messages:
 *
 * | index on (channel, seq)        | pages per batch | page below deleted ones |
 * |--------------------------------|-----------------|-------------------------|
 * | one                            | 271             | 107–157 ms              |
 * | one, and one more of the shown | 386             | 0.2 ms                  |
 * | the shown, and the rest        | 271             | 0.2 ms                  |
 *
 * So no index alone keeps numbers unique; that they are follows from the one writer, which takes each
 * from the tail.
 */
export const SCHEMA_1 = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE channels (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    server_id TEXT NOT NULL,
    type TEXT NOT NULL,
    words TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    place INTEGER NOT NULL UNIQUE,
    dm_key TEXT,
    is_live INTEGER NOT NULL,
    has_agents INTEGER NOT NULL,
    cleared_seq INTEGER NOT NULL,
    swept_seq INTEGER NOT NULL
  );
  CREATE INDEX channels_live ON channels (server_id, place) WHERE is_live = 1;
  CREATE INDEX channels_listed ON channels (place) WHERE is_live = 1;
  CREATE UNIQUE INDEX channels_dm ON channels (dm_key) WHERE dm_key IS NOT NULL;
  CREATE INDEX channels_unswept ON channels (key) WHERE swept_seq < cleared_seq;

  CREATE TABLE participants (
    channel_key INTEGER NOT NULL,
    place INTEGER NOT NULL,
    entity_id TEXT NOT NULL,
    is_agent INTEGER NOT NULL,
    PRIMARY KEY (channel_key, place),
    UNIQUE (channel_key, entity_id)
  ) WITHOUT ROWID;
  CREATE INDEX participants_agents ON participants (channel_key) WHERE is_agent = 1;

  CREATE TABLE entries (
    place INTEGER PRIMARY KEY,
    channel_key INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    id NOT NULL,
    kind INTEGER NOT NULL,
    at INTEGER NOT NULL,
    author_id,
    client_message_id,
    message_seq INTEGER,
    updated_at INTEGER,
    data TEXT
  );
  CREATE UNIQUE INDEX entries_shown ON entries (channel_key, seq) WHERE ${SHOWN};
  CREATE UNIQUE INDEX entries_rest ON entries (channel_key, seq) WHERE ${REST};
  CREATE UNIQUE INDEX entries_id ON entries (id);
  CREATE UNIQUE INDEX entries_client ON entries (channel_key, author_id, client_message_id)
    WHERE client_message_id IS NOT NULL;

  CREATE TABLE servers (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    server TEXT NOT NULL,
    created_by TEXT NOT NULL,
    removed_by TEXT,
    is_live INTEGER NOT NULL
  );
  CREATE TABLE server_agents (
    place INTEGER PRIMARY KEY,
    server_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    UNIQUE (server_id, agent_id)
  );
  CREATE INDEX server_agents_agent ON server_agents (agent_id);
`

/**
 * The second version: client ids are found through `client_keys`, which is not changed with every row
 * (see `client-keys.ts`). `place` is that of the entry.
 *
 * Measured with random client ids from an empty log, 100 channels, `synchronous=FULL`:
 *
 * | batches | `entries_client`  | `client_keys`        |
 * |---------|-------------------|----------------------|
 * | of 15   | 11.2 KiB, 36–39 µs | 5.1 KiB, 25–26 µs   |
 * | of 200  | 11.2 KiB, 32–35 µs | 3.2 KiB, 19–22 µs   |
 */
export const SCHEMA_2 = `
  DROP INDEX entries_client;
  CREATE TABLE client_keys (
    hash INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (hash, place)
  ) WITHOUT ROWID;
  INSERT INTO meta (name, value) VALUES ('client_keys_upto', '0');
`

/**
 * The third version: who may see a channel, who made it, and how many take part in it. What was there
 * before is what its type says it would be by default, and nobody's.
 *
 * Measured: 1.5 s for 220,000 channels with 430,000 participants. `participants_entity` and the two lists of public
 * channels are what `visible-channels.ts` reads.
 */
export const SCHEMA_3 = `
  ALTER TABLE channels ADD COLUMN visibility TEXT NOT NULL DEFAULT 'public';
  ALTER TABLE channels ADD COLUMN owner_id TEXT;
  ALTER TABLE channels ADD COLUMN participant_count INTEGER NOT NULL DEFAULT 0;
  UPDATE channels SET visibility = 'private' WHERE type IN ('SELF', 'DM', 'VOICE_DM', 'API');
  UPDATE channels SET participant_count = taking_part.count
    FROM (SELECT channel_key, count(*) AS count FROM participants GROUP BY channel_key) AS taking_part
    WHERE taking_part.channel_key = channels.key;

  CREATE INDEX channels_public ON channels (place) WHERE is_live = 1 AND visibility = 'public';
  CREATE INDEX channels_public_of_server ON channels (server_id, place)
    WHERE is_live = 1 AND visibility = 'public';
  CREATE INDEX participants_entity ON participants (entity_id, channel_key);
`

/**
 * The fourth version: up to which place of `entries` each agent has dealt with everything, and what it gave up.
 *
 * A failure has the number of its message as well, so that it goes with the message's content, found by one
 * seek for a whole slice. `settled_by` and `changed_by` are ids of commands, by which repeated ones are known.
 */
export const SCHEMA_4 = `
  CREATE TABLE agent_cursors (
    agent_id TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    settled_by TEXT
  ) WITHOUT ROWID;
  CREATE TABLE agent_failures (
    agent_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    channel_key INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    at INTEGER NOT NULL,
    changed_by TEXT,
    reason TEXT NOT NULL,
    PRIMARY KEY (agent_id, place)
  ) WITHOUT ROWID;
  CREATE INDEX agent_failures_state ON agent_failures (agent_id, state, place);
  CREATE INDEX agent_failures_message ON agent_failures (channel_key, seq);
`

/**
 * The fifth version: the streams that go on, and the agents that are no modules or were stopped.
 *
 * `is_awaited` is 1 on a message that agents were to deal with when it was posted, otherwise null, which takes no
 * room; `joined_place` is the newest place when somebody began to take part. Up to `passed_over` messages do not wait
 * for the agent, wherever its cursor is.
 *
 * A stream's row goes when it ends: its message says the rest. `text` is a checkpoint. To begin and to end one costs
 * the writer as much again as its message (measured: 18 µs against 9 µs, batches of 100, without fsync).
 */
export const SCHEMA_5 = `
  CREATE TABLE streams (
    id TEXT PRIMARY KEY,
    channel_key INTEGER NOT NULL,
    author_id TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    answers TEXT,
    is_cancelled INTEGER NOT NULL,
    body TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (channel_key, author_id, name)
  ) WITHOUT ROWID;
  CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    definition TEXT,
    is_stopped INTEGER NOT NULL,
    changed_by TEXT NOT NULL
  ) WITHOUT ROWID;
  ALTER TABLE entries ADD COLUMN is_awaited INTEGER;
  ALTER TABLE participants ADD COLUMN joined_place INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE agent_cursors ADD COLUMN passed_over INTEGER NOT NULL DEFAULT 0;
`
