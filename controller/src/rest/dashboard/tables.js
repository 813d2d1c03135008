// Tables that keep their rows: a button that has the focus keeps it when the numbers beside it change.

import { isFinal, known, portName, switchName } from "./state.js";
import { button, element, named, say } from "./elements.js";
import { bits, clock, count, duration, endpoint, hostName, percent, plural } from "./words.js";
import { cancel, revert } from "./dialogs.js";
import { choose } from "./chosen.js";

const MOST_ROWS = 200;
const BUSIEST = 20;

// Columns are `{ title, text(row), number?, act?(row), does?(row) }`. With `act` the text is a button, if there is one, and
// `does` says which of the many it is.
export class Table {
  #body = element("tbody");
  #columns;
  #key;
  #rows = new Map();

  constructor(table, columns, key) {
    this.#columns = columns;
    this.#key = key;
    const title = (column) => element("th", { scope: "col", class: column.number ? "number" : null }, column.title);
    table.append(element("thead", {}, element("tr", {}, ...columns.map(title))), this.#body);
  }

  show(rows) {
    const before = this.#rows;
    this.#rows = new Map();
    rows.slice(0, MOST_ROWS).forEach((row, index) => {
      const key = this.#key(row);
      const entry = before.get(key) ?? this.#make();
      before.delete(key);
      this.#rows.set(key, entry);
      entry.row = row;
      this.#columns.forEach((column, at) => this.#fill(column, entry.cells[at], entry));
      const there = this.#body.children[index] ?? null;
      if (there !== entry.line) this.#body.insertBefore(entry.line, there);
    });
    for (const { line } of before.values()) line.remove();
  }

  #make() {
    const cell = (column, at) =>
      at === 0
        ? element("th", { scope: "row" })
        : element("td", { class: column.number ? "number" : null });
    const cells = this.#columns.map(cell);
    return { line: element("tr", {}, ...cells), cells, row: null };
  }

  #fill(column, cell, entry) {
    const text = column.text(entry.row);
    if (!column.act) return say(cell, text);
    let there = cell.firstElementChild;
    if (text === "") return there?.remove();
    if (!there) {
      there = button(text, () => column.act(entry.row));
      cell.append(there);
    }
    say(there, text);
    if (column.does) there.setAttribute("aria-label", column.does(entry.row));
  }
}

const dpid = (row) => row.dpid;
const number = (title, text) => ({ title, text, number: true });
const name = (row) => switchName(row.dpid);

const rates = [
  number("Rate", (row) => bits(row.bits_per_second)),
  number("Packets/s", (row) => count(row.packets_per_second)),
  number("Used", (row) => percent(row.utilisation)),
];

function phase(migration) {
  const took = migration.phases.map((one) => `${one.name} ${duration(one.duration_us)}`).join(", ");
  const now = known.phases.get(migration.id);
  return isFinal(migration) || !now ? took : `${took ? `${took}; ` : ""}now: ${now}`;
}

const MIGRATIONS = [
  { title: "Number", text: (row) => String(row.id) },
  { title: "Of", text: (row) => switchName(row.source) },
  { title: "To", text: (row) => (row.target === null ? "wherever paths lead" : switchName(row.target)) },
  { title: "Algorithm", text: (row) => row.algorithm },
  { title: "State", text: (row) => row.state.replace("_", " ") + (row.reverted_by ? `, reverted by ${row.reverted_by}` : "") },
  { title: "Phases", text: phase },
  number("Flows", (row) => count(row.flows)),
  number("Took", (row) => duration(row.duration_us)),
  { title: "Began", text: (row) => clock(row.started_at) },
  { title: "Error", text: (row) => row.error ?? "" },
  { title: "Cancel", text: (row) => (isFinal(row) ? "" : "Cancel…"), act: cancel, does: (row) => `Cancel migration ${row.id}…` },
  { title: "Revert", text: (row) => (row.hold_until ? "Revert…" : ""), act: revert, does: (row) => `Revert migration ${row.id}…` },
];

const LINKS = [
  { title: "Link", text: (row) => `${portName(row.src)} → ${portName(row.dst)}` },
  ...rates,
];

const ROUTES = [
  { title: "Route", text: (row) => String(row.id) },
  { title: "From", text: (row) => endpoint(row.from, switchName) },
  { title: "To", text: (row) => endpoint(row.to, switchName) },
  { title: "State", text: (row) => row.state },
  ...rates,
];

const SWITCHES = [
  { title: "Switch", text: name, act: (row) => choose(row.dpid), does: (row) => `Show switch ${name(row)}` },
  { title: "Datapath id", text: dpid },
  { title: "State", text: (row) => row.state },
  { title: "OpenFlow", text: (row) => row.openflow ?? "" },
  { title: "Address", text: (row) => row.address ?? "" },
  number("Ports", (row) => count(row.ports.length)),
];

const HOSTS = [
  { title: "Host", text: hostName },
  { title: "MAC address", text: (row) => row.mac },
  { title: "Other addresses", text: (row) => [...row.ipv4.slice(1), ...row.ipv6].join(", ") },
  { title: "Port", text: (row) => portName(row.attachment) },
  { title: "Last heard", text: (row) => clock(row.last_seen) },
];

const APPS = [
  { title: "App", text: (row) => row.name },
  { title: "State", text: (row) => (row.enabled ? "enabled" : `disabled${row.disabled_because ? `: ${row.disabled_because}` : ""}`) },
  { title: "What it does", text: (row) => row.description },
  number("Rules", (row) => count(row.rules)),
  number("Packets", (row) => count(row.packets)),
];

const end = ({ dpid: at, port }) => `${at}/${port}`;
const tables = {
  migrations: new Table(named("migrations"), MIGRATIONS, (row) => row.id),
  links: new Table(named("links"), LINKS, (row) => `${end(row.src)} ${end(row.dst)}`),
  routes: new Table(named("routes"), ROUTES, (row) => row.id),
  switches: new Table(named("switches"), SWITCHES, dpid),
  hosts: new Table(named("hosts"), HOSTS, (row) => row.mac),
  apps: new Table(named("apps"), APPS, (row) => row.name),
};

// Shows rows, and beside them how many aren't shown, or why none are.
function fill(which, rows, total, problem, none) {
  tables[which].show(rows);
  const shown = Math.min(rows.length, MOST_ROWS);
  const left = total > shown ? `${count(shown)} of ${count(total)} are shown.` : "";
  say(named(`${which}-note`), known.problems.get(problem) ?? (rows.length === 0 ? none : left));
}

function busiest(rows) {
  return rows.filter((row) => row.bits_per_second !== null).slice(0, BUSIEST);
}

// Shows everything that is known.
export function show() {
  const { links, routes } = known.rates;
  const all = [...known.switches.values()];
  fill("migrations", known.migrations, known.totals.migrations, "migrations", "None yet.");
  fill("links", busiest(links), 0, "rates", "No rates yet: they take two collections.");
  fill("routes", busiest(routes).length > 0 ? busiest(routes) : routes.slice(0, BUSIEST), 0, "rates", "None yet.");
  fill("switches", all, Math.max(all.length, known.totals.switches), "switches", "None has connected.");
  fill("hosts", known.hosts, known.totals.hosts, "hosts", "None has been heard.");
  fill("apps", known.apps, 0, "apps", "None.");
  const away = all.filter((one) => one.state !== "active").length;
  const counts = [
    plural(known.totals.switches, "switch", "switches") + (away > 0 ? ` (${count(away)} not active)` : ""),
    plural(new Set(known.links.map(({ src, dst }) => [end(src), end(dst)].sort().join(" "))).size, "link"),
    plural(known.totals.hosts, "host"),
  ];
  say(named("counts"), counts.join(", "));
}
