"""What campaigns have measured, in SQLite: one file, from which figures and tables are made.

    campaigns ─▶ definitions ─▶ sessions ─▶ phases      what the controller says that its time went to
                                         ─▶ transfers   one sample of the traffic each: 100 ms of one direction
                                         ─▶ delays      histogram of one-way delays
                                         ─▶ losses      packets that did not come, each gap once

A session is one migration. It is `pending`, `running`, `done` or `failed`.
"""

import csv
import datetime
import json
import sqlite3
from contextlib import contextmanager

SCHEMA = """
CREATE TABLE IF NOT EXISTS campaigns (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    file TEXT NOT NULL,              -- the definition, word for word
    seed INTEGER NOT NULL,
    started_at TEXT NOT NULL,        -- RFC 3339, UTC
    finished_at TEXT,
    git_revision TEXT NOT NULL,
    versions TEXT NOT NULL,          -- JSON: program -> version
    machine TEXT NOT NULL            -- JSON: processors, memory, kernel, system
);
CREATE TABLE IF NOT EXISTS definitions (
    id INTEGER PRIMARY KEY,
    campaign INTEGER NOT NULL REFERENCES campaigns (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    controller TEXT NOT NULL,        -- godwit, os-ken
    topology TEXT NOT NULL,          -- as `mn --topo` has it
    algorithm TEXT NOT NULL,         -- freeze-copy, move, clone
    rules INTEGER NOT NULL,          -- on the source, for each direction
    rate INTEGER NOT NULL,           -- packets/s, each direction
    size INTEGER NOT NULL,           -- bytes of UDP payload
    cycles INTEGER NOT NULL,
    switches INTEGER,                -- of the network, once it was up
    links INTEGER,
    hops INTEGER,                    -- switches on the path before the migration
    source TEXT,
    target TEXT
);
CREATE TABLE IF NOT EXISTS sessions (
    id INTEGER PRIMARY KEY,
    definition INTEGER NOT NULL REFERENCES definitions (id),
    cycle INTEGER NOT NULL,          -- from 1
    status TEXT NOT NULL,            -- pending, running, done, failed
    started_at TEXT,
    finished_at TEXT,
    error TEXT,                      -- why it failed
    total_us INTEGER,                -- from the request to the commit, by the controller
    wall_us INTEGER,                 -- from the request until its end was seen, by the experiment
    plan_us INTEGER,                 -- reading and planning
    rules_us INTEGER,                -- writing rules: install, cut, flip, remove
    wait_us INTEGER,                 -- waiting for packets, caches and counters: confirm, drain, read
    floor_us INTEGER,                -- a bare client writing the same rules (measured in the first cycle only)
    rules_installed INTEGER,
    rules_modified INTEGER,
    rules_removed INTEGER,
    asked INTEGER,                   -- packets that the rate called for, both directions, as all below
    sent INTEGER,
    received INTEGER,
    lost INTEGER,
    duplicates INTEGER,
    reordered INTEGER,
    max_displacement INTEGER,        -- sequence numbers
    silence_us INTEGER,              -- longest time between two arrivals, either direction
    delay_before_us REAL,            -- mean one-way delay of packets sent before the migration
    delay_during_us REAL,            -- ... between the request and the commit
    delay_after_us REAL,
    delay_max_us INTEGER,
    jitter_us INTEGER,               -- RFC 3550
    counted INTEGER,                 -- by the controller: what the source and the target have forwarded
    counter_error INTEGER            -- counted - received
);
CREATE TABLE IF NOT EXISTS phases (
    session INTEGER NOT NULL REFERENCES sessions (id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    duration_us INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS transfers (
    session INTEGER NOT NULL REFERENCES sessions (id),
    direction TEXT NOT NULL,         -- there, back
    at_ms INTEGER NOT NULL,          -- start of the sample, relative to the request; negative before it
    length_ms INTEGER NOT NULL,
    sent INTEGER NOT NULL,           -- packets sent in it
    lost INTEGER NOT NULL,           -- of these, so many never came
    duplicates INTEGER NOT NULL,
    bits_sent INTEGER NOT NULL,
    bits_lost INTEGER NOT NULL,
    bits_arrived INTEGER NOT NULL,   -- of packets that arrived in it
    bandwidth INTEGER NOT NULL,      -- bits_arrived/s
    jitter_us INTEGER NOT NULL,
    delay_mean_us INTEGER NOT NULL,
    delay_max_us INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS delays (
    session INTEGER NOT NULL REFERENCES sessions (id),
    upper_us INTEGER NOT NULL,
    count INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS losses (
    session INTEGER NOT NULL REFERENCES sessions (id),
    direction TEXT NOT NULL,
    flow INTEGER NOT NULL,
    sequence INTEGER NOT NULL,       -- of the first packet of the gap
    count INTEGER NOT NULL,
    at_ms REAL NOT NULL              -- when the first was sent, relative to the request
);
CREATE INDEX IF NOT EXISTS sessions_of ON sessions (definition);
CREATE INDEX IF NOT EXISTS phases_of ON phases (session);
CREATE INDEX IF NOT EXISTS transfers_of ON transfers (session);
CREATE INDEX IF NOT EXISTS delays_of ON delays (session);
CREATE INDEX IF NOT EXISTS losses_of ON losses (session);
"""
# Of the tables above.
LAYOUT = 1


class NotThere(Exception):
    """There is no such campaign, or no such file of results."""


def now():
    """The time, as it is kept."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """A file of results. Every method that changes something has done so on disk when it returns."""

    def __init__(self, path):
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        try:
            self._prepare(path)
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise NotThere(f"{path}: {error}") from error

    def _prepare(self, path):
        layout = self._database.execute("PRAGMA user_version").fetchone()[0]
        # Whoever only reads must neither wait for nor hold up whoever measures.
        if layout == LAYOUT:
            return
        if layout != 0:
            raise NotThere(f"{path} was written by another version: its layout is {layout}, not {LAYOUT}")
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(SCHEMA)
        self._database.execute(f"PRAGMA user_version = {LAYOUT}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._database.close()

    @contextmanager
    def _together(self):
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def rows(self, query, *values):
        """What a query selects."""
        return self._database.execute(query, values).fetchall()

    def begin(self, campaign, file, surroundings):
        """A new campaign, all of its sessions pending; its id. `surroundings` has `git_revision`, `versions` and
        `machine`."""
        with self._together():
            identifier = self._insert(
                "campaigns",
                {
                    "name": campaign.name,
                    "description": campaign.description,
                    "file": file,
                    "seed": campaign.seed,
                    "started_at": now(),
                    "git_revision": surroundings["git_revision"],
                    "versions": json.dumps(surroundings["versions"]),
                    "machine": json.dumps(surroundings["machine"]),
                },
            )
            for one in campaign.definitions:
                names = ("name", "description", "controller", "topology", "algorithm", "rules", "rate", "size", "cycles")
                values = {name: getattr(one, name) for name in names}
                definition = self._insert("definitions", {"campaign": identifier, **values})
                for cycle in range(1, one.cycles + 1):
                    self._insert("sessions", {"definition": definition, "cycle": cycle, "status": "pending"})
        return identifier

    def _insert(self, table, values):
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        done = self._database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
        return done.lastrowid

    def _insert_all(self, table, rows):
        for row in rows:
            self._insert(table, row)

    def _update(self, table, identifier, values):
        changes = ", ".join(f"{name} = ?" for name in values)
        self._database.execute(f"UPDATE {table} SET {changes} WHERE id = ?", (*values.values(), identifier))

    def campaigns(self):
        """All campaigns, the oldest first, each with how many sessions it has in each state."""
        found = []
        for row in self.rows("SELECT * FROM campaigns ORDER BY id"):
            counts = self.rows(
                "SELECT status, COUNT(*) AS count FROM sessions JOIN definitions ON definition = definitions.id"
                " WHERE campaign = ? GROUP BY status",
                row["id"],
            )
            found.append({**dict(row), "sessions": {one["status"]: one["count"] for one in counts}})
        return found

    def campaign(self, name=None):
        """The latest campaign, or the latest of this name or id."""
        found = [one for one in self.campaigns() if name in (None, one["name"], str(one["id"]))]
        if not found:
            raise NotThere("there is no campaign" if name is None else f"there is no campaign {name}")
        return found[-1]

    def numbered(self, identifier):
        """The campaign with this id."""
        return next(one for one in self.campaigns() if one["id"] == identifier)

    def definitions(self, campaign):
        """The definitions of a campaign, in the order of its file."""
        return self.rows("SELECT * FROM definitions WHERE campaign = ? ORDER BY id", campaign)

    def sessions(self, campaign):
        """The sessions of a campaign, with what their definitions are, in order."""
        return self.rows(
            "SELECT sessions.*, name, controller, topology, algorithm, rules, rate, size, switches, links, hops, source, target"
            " FROM sessions JOIN definitions ON definition = definitions.id WHERE campaign = ? ORDER BY sessions.id",
            campaign,
        )

    def reopen(self, campaign, failed):
        """Sessions that were running when the campaign was interrupted are pending again, and with `failed` those that
        failed, too. What they had measured is forgotten. A campaign of which nothing is pending then has still ended
        when it did."""
        states = ("running", "failed") if failed else ("running",)
        with self._together():
            for row in self.sessions(campaign):
                if row["status"] in states:
                    self._forget(row["id"])
                    self._update("sessions", row["id"], {"status": "pending", "error": None})
            if any(row["status"] == "pending" for row in self.sessions(campaign)):
                self._update("campaigns", campaign, {"finished_at": None})

    def _forget(self, session):
        for table in ("phases", "transfers", "delays", "losses"):
            self._database.execute(f"DELETE FROM {table} WHERE session = ?", (session,))

    def describe(self, definition, network):
        """What the network of a definition turned out to be: `switches`, `links`, `hops`, `source`, `target`."""
        self._update("definitions", definition, network)

    def started(self, session):
        """A session runs now."""
        self._update("sessions", session, {"status": "running", "started_at": now()})

    def failed(self, session, error):
        """A session has failed; the campaign goes on."""
        with self._together():
            self._forget(session)
            self._update("sessions", session, {"status": "failed", "finished_at": now(), "error": error})

    def done(self, session, result):
        """A session has ended well. `result` has `session`, the columns, and lists of rows of the other tables."""
        with self._together():
            self._update("sessions", session, {**result["session"], "status": "done", "finished_at": now()})
            for table in ("phases", "transfers", "delays", "losses"):
                self._insert_all(table, ({"session": session, **row} for row in result[table]))

    def finish(self, campaign):
        """All sessions have been tried, now unless they had been before."""
        self._database.execute(
            "UPDATE campaigns SET finished_at = COALESCE(finished_at, ?) WHERE id = ?", (now(), campaign)
        )

    def export(self, campaign, output):
        """CSV, one row a sample, each with the columns of its session and its definition, and with what the campaign was
        measured with: `versions` and `machine` are JSON."""
        cursor = self._database.execute(
            "SELECT definitions.name, controller, topology, switches, links, hops, algorithm, rules, rate, size,"
            " cycle, status, sessions.started_at, total_us, plan_us, rules_us, wait_us, sessions.lost AS session_lost,"
            " sessions.duplicates AS session_duplicates, counter_error, transfers.*,"
            " seed, git_revision, versions, machine"
            " FROM transfers JOIN sessions ON session = sessions.id JOIN definitions ON definition = definitions.id"
            " JOIN campaigns ON campaign = campaigns.id"
            " WHERE campaign = ? ORDER BY session, direction, at_ms",
            (campaign,),
        )
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(column[0] for column in cursor.description)
        writer.writerows(tuple(row) for row in cursor)
