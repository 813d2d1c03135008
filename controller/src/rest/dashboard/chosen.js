// The switch that is chosen: what it is, what it counts, and what can be done with it.

import { Resource, Unreachable, read } from "./api.js";
import { known, portName, switchName } from "./state.js";
import { button, describe, element, named, say } from "./elements.js";
import { bytes, count, moment, plural } from "./words.js";
import { migrate, restore } from "./dialogs.js";

const EVERY_MS = 5_000;
const MOST_PORTS = 100;

let chosen = null;
// What the switch itself said last: entries by table, and counters by port; or why nothing is known.
let said = { tables: null, counters: new Map(), problem: "" };
let changed = () => {};

const counted = new Resource(async () => {
  const dpid = chosen;
  const state = known.switches.get(dpid)?.state;
  if (dpid === null || state === undefined || state === "disconnected") return;
  let next;
  try {
    const [tables, ports] = await Promise.all([
      read(`/v1/switches/${dpid}/tables`),
      read(`/v1/switches/${dpid}/ports`),
    ]);
    next = { tables, counters: new Map(ports.map((one) => [one.number, one])), problem: "" };
  } catch (error) {
    // That the controller is away is said elsewhere.
    next = { ...said, problem: error instanceof Unreachable ? "" : error.message };
  }
  if (dpid !== chosen) return;
  said = next;
  changed();
}, EVERY_MS);

export const chosenSwitch = () => chosen;

export function choose(dpid) {
  chosen = dpid === chosen ? null : dpid;
  said = { tables: null, counters: new Map(), problem: "" };
  if (chosen !== null) counted.refresh();
  changed();
}

// `whenChanged` is called when something may look different.
export function begin(whenChanged) {
  changed = whenChanged;
  named("chosen-actions").append(
    button("Migrate…", () => migrate(chosen), { id: "migrate" }),
    button("Restore…", () => restore(chosen), { id: "restore" }),
    element("a", { id: "rules" }, "Its rules (JSON, the first 100)"),
  );
}

// OpenFlow's description; "None" is Open vSwitch's word for nothing.
function description(one) {
  return Object.entries(one.description ?? {}).filter(([, text]) => text !== "" && text !== "None");
}

function rules() {
  if (said.tables === null) return said.problem || "…";
  const used = said.tables.filter((table) => table.active > 0);
  const sum = used.reduce((all, table) => all + table.active, 0);
  return `${count(sum)} in ${plural(used.length, "table")}`;
}

function port(one, peers) {
  const counters = said.counters.get(one.number);
  const state = one.admin_down ? "disabled" : one.up ? "up" : "down";
  const cells = [one.name, state, peers.get(one.number) ?? "", bytes(counters?.rx_bytes), bytes(counters?.tx_bytes)];
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, String(one.number)),
    ...cells.map((text, at) => element("td", { class: at > 2 ? "number" : null }, text)),
  );
}

// What each port is joined to.
function peersOf(dpid) {
  const peers = new Map();
  for (const { src, dst } of known.links) if (src.dpid === dpid) peers.set(src.port, portName(dst));
  for (const host of known.hosts) {
    const { dpid: at, port: number } = host.attachment;
    if (at === dpid && !peers.has(number)) peers.set(number, host.ipv4[0] ?? host.mac);
  }
  return peers;
}

export function show() {
  if (chosen !== null && !known.switches.has(chosen)) chosen = null;
  const one = known.switches.get(chosen);
  named("chosen").hidden = one === undefined;
  named("none-chosen").hidden = one !== undefined;
  if (one === undefined) return;
  say(named("chosen-name"), `Switch ${switchName(one.dpid)}`);
  describe(named("chosen-facts"), [
    ["state", one.state],
    ["datapath id", one.dpid],
    ["OpenFlow", one.openflow ?? "not known"],
    ["rules", rules()],
    ["address", one.address ?? "not connected"],
    ["connected", one.connected_at ? moment(one.connected_at) : "no"],
    ...description(one),
  ]);
  const peers = peersOf(one.dpid);
  named("chosen-ports").tBodies[0].replaceChildren(...one.ports.slice(0, MOST_PORTS).map((each) => port(each, peers)));
  const left = one.ports.length - MOST_PORTS;
  say(named("chosen-note"), [said.problem, left > 0 ? `${plural(left, "port")} more are not shown.` : ""].join(" ").trim());
  named("migrate").disabled = one.state !== "active";
  // Of those that are away the controller lists the ones that it keeps from traffic.
  const isKept = one.state === "drained" || (one.state === "disconnected" && one.gone === undefined);
  named("restore").disabled = !isKept;
  named("rules").href = `/v1/switches/${one.dpid}/rules?limit=100`;
}
