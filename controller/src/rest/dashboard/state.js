// What is known of the network, and how it is read.

import { Problem, Resource, Unreachable, list, read } from "./api.js";
import { shortened } from "./words.js";

// More than a picture or a table can show. What is left out is said.
const MOST = { switches: 1000, links: 8000, hosts: 1000, rates: 500, migrations: 25 };

// So long a switch that has gone is still shown: what is missing is seen, and another network begins clean.
const GONE_MS = 5 * 60_000;

export const known = {
  // By datapath id.
  switches: new Map(),
  links: [],
  hosts: [],
  totals: { switches: 0, hosts: 0, migrations: 0 },
  // The busiest first.
  rates: { links: [], routes: [] },
  // The newest first.
  migrations: [],
  // What a migration does now, by its number.
  phases: new Map(),
  apps: [],
  // Why something can't be shown, by resource.
  problems: new Map(),
  // When the controller last answered, and why it doesn't now.
  answered: null,
  unreachable: null,
  // Whether there is a first picture.
  complete: false,
};

export function switchName(dpid) {
  return known.switches.get(dpid)?.name || shortened(dpid);
}

export function portName({ dpid, port }) {
  return `${switchName(dpid)}/${port}`;
}

export function isFinal(migration) {
  return ["committed", "rolled_back", "failed"].includes(migration.state);
}

async function switches() {
  const { all, total } = await list("/v1/switches?limit=500", MOST.switches);
  const now = Date.now();
  const next = new Map();
  for (const one of all) {
    const before = known.switches.get(one.dpid);
    next.set(one.dpid, { ...one, name: one.name ?? before?.name });
  }
  for (const [dpid, before] of known.switches) {
    const gone = before.gone ?? now;
    if (!next.has(dpid) && all.length === total && now - gone < GONE_MS) {
      next.set(dpid, { ...before, state: "disconnected", gone });
    }
  }
  known.switches = new Map([...next].sort(([one], [other]) => (one < other ? -1 : 1)));
  known.totals.switches = total;
}

async function links() {
  known.links = (await list("/v1/links?limit=4000", MOST.links)).all;
}

async function hosts() {
  const { all, total } = await list(`/v1/hosts?limit=${MOST.hosts}`, MOST.hosts);
  known.hosts = all;
  known.totals.hosts = total;
}

async function rates() {
  known.rates = await read(`/v1/statistics?busiest=${MOST.rates}`);
}

// The number before the first that is shown: those before it are read once only.
let seen = 0;

async function migrations() {
  const { all, total } = await list(`/v1/migrations?limit=100&after=${seen}`, Infinity);
  if (all.length < Math.min(total, known.migrations.length)) {
    // They are another run's.
    seen = 0;
    known.phases.clear();
    again("migrations");
  }
  known.migrations = all.slice(-MOST.migrations).reverse();
  known.totals.migrations = total;
  const first = known.migrations.at(-1);
  if (first) seen = first.id - 1;
}

async function apps() {
  known.apps = await read("/v1/apps");
}

// How often each is read when no event says that it has changed, in milliseconds.
const EVERY = { switches: 15_000, links: 15_000, hosts: 20_000, rates: 5_000, migrations: 15_000, apps: 30_000 };
const READERS = { switches, links, hosts, rates, migrations, apps };

let changed = () => {};
const first = new Set(["switches", "links", "hosts"]);
const resources = new Map();

for (const [name, reader] of Object.entries(READERS)) {
  const take = async () => {
    try {
      await reader();
      known.problems.delete(name);
      answered();
    } catch (error) {
      if (error instanceof Unreachable) known.unreachable ??= { since: Date.now(), why: error.message };
      else if (error instanceof Problem) {
        known.problems.set(name, error.message);
        answered();
      } else throw error;
    }
    first.delete(name);
    known.complete = first.size === 0;
    changed(name);
  };
  resources.set(name, new Resource(take, EVERY[name]));
}

function answered() {
  known.answered = Date.now();
  if (known.unreachable === null) return;
  known.unreachable = null;
  // Whatever has happened meanwhile.
  again(...resources.keys());
}

// Reads these again, soon.
export function again(...names) {
  for (const name of names) resources.get(name).refresh();
}

// Begins; `whenChanged` is told of each that has been read, or could not be.
export function begin(whenChanged) {
  changed = whenChanged;
  again(...resources.keys());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) again(...resources.keys());
  });
}
