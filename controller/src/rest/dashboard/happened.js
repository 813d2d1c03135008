// Events in words, the last of them, and those that somebody should look at.

import { again, known, portName, switchName } from "./state.js";
import { element, named, say } from "./elements.js";
import { clock, plural } from "./words.js";

const MOST_EVENTS = 300;
const MOST_ALARMS = 50;

// What is read again after an event of a family.
const CHANGES = {
  switch: ["switches", "links"],
  port: ["switches"],
  link: ["links"],
  host: ["hosts"],
  rule: [],
  migration: ["migrations", "switches"],
  app: ["apps"],
  missed: ["switches", "links", "hosts", "migrations", "apps"],
};

const matching = (match) => Object.entries(match).map(([field, value]) => `${field} ${value}`).join(", ");
const rule = ({ table, priority, match }) => `table ${table}, priority ${priority}, ${matching(match) || "any packet"}`;
const link = ({ link: { src, dst } }) => `${portName(src)} → ${portName(dst)}`;

const ALARMS = {
  bad_signature: "is signed wrongly",
  replayed: "was sent too long ago",
  seen_twice: "has already arrived at another port",
  host_port: "came from a port where hosts are",
  from_host_port: "was sent out of a port where hosts are",
};

function alarm({ alarm: { port, claimed, reason } }) {
  return `LLDP at ${portName(port)}, said to be from ${portName(claimed)}, ${ALARMS[reason] ?? reason}`;
}

function migration({ id, source, target, state }) {
  const to = target === null ? "" : ` to ${switchName(target)}`;
  return `migration ${id} of ${switchName(source)}${to} is ${state.replace("_", " ")}`;
}

const WORDS = {
  switch_up: ({ dpid }) => `switch ${switchName(dpid)} has connected`,
  switch_ready: ({ dpid }) => `switch ${switchName(dpid)} is ready`,
  switch_down: ({ dpid }) => `switch ${switchName(dpid)} is gone`,
  switch_excluded: ({ dpid }) => `switch ${switchName(dpid)} is out of routing`,
  switch_included: ({ dpid }) => `switch ${switchName(dpid)} is back in routing`,
  port: ({ port, up, removed }) => `port ${portName(port)} is ${removed ? "removed" : up ? "up" : "down"}`,
  edge_up: ({ port }) => `port ${portName(port)} is taken for one of hosts`,
  edge_down: ({ port }) => `port ${portName(port)} is no longer taken for one of hosts`,
  link_up: (body) => `link ${link(body)} is found`,
  link_down: (body) => `link ${link(body)} is gone`,
  costs_changed: () => "what links cost has changed",
  alarm,
  host_added: ({ mac, at }) => `host ${mac} is found at ${portName(at)}`,
  host_moved: ({ mac, from, to }) => `host ${mac} has moved from ${portName(from)} to ${portName(to)}`,
  host_address_added: ({ mac }) => `host ${mac} has another address`,
  host_gone: ({ mac, at }) => `host ${mac} at ${portName(at)} is forgotten`,
  host_conflict: ({ mac, attached, claimed }) =>
    `the address ${mac} of a host at ${portName(attached)} is also used at ${portName(claimed)}`,
  rule_removed: (body) => `rule removed (${body.reason}) at ${switchName(body.dpid)}: ${rule(body)}`,
  rule_restored: (body) => `a rule of ${body.owner} was missing at ${switchName(body.dpid)} and is put back: ${rule(body)}`,
  rule_mended: (body) => `a rule of ${body.owner} was changed at ${switchName(body.dpid)} and is mended: ${rule(body)}`,
  alien_rule: (body) => `a rule of nobody at ${switchName(body.dpid)}: ${rule(body)}`,
  migration,
  migration_phase: ({ id, phase }) => `migration ${id}: ${phase}`,
  missed: ({ missed }) => `${plural(missed, "event")} came too fast to be told`,
  app_disabled: ({ app, why }) => `app ${app} is disabled: ${why}`,
};

const ALARMING = ["switch_down", "alarm", "host_conflict", "rule_restored", "rule_mended", "alien_rule", "app_disabled"];

function isAlarming({ type, state }) {
  return ALARMING.includes(type) || (type === "migration" && ["rolled_back", "failed"].includes(state));
}

// In words; what is newer than this page is shown as it is.
export function inWords(body) {
  try {
    return WORDS[body.type](body);
  } catch {
    return JSON.stringify(body);
  }
}

// The newest first, and how many there were.
const events = [];
let heard = 0;
// By what is alarming; the newest last.
const alarms = new Map();

// Takes in an event.
export function hear(family, body) {
  again(...(CHANGES[family] ?? []));
  // Of a stream's beginning it isn't known how many there were, and nothing was missed.
  if (family === "missed" && body.missed === null) return;
  if (family === "missed") body = { ...body, type: "missed", time: new Date().toISOString() };
  if (body.type === "migration_phase") known.phases.set(body.id, body.phase);
  heard += 1;
  events.unshift({ family, body });
  events.length = Math.min(events.length, MOST_EVENTS);
  if (!isAlarming(body)) return;
  const what = JSON.stringify({ ...body, time: null });
  const times = (alarms.get(what)?.times ?? 0) + 1;
  alarms.delete(what);
  alarms.set(what, { body, times });
  if (alarms.size > MOST_ALARMS) alarms.delete(alarms.keys().next().value);
}

function line({ body, times = 1 }) {
  const text = inWords(body);
  const time = element("time", { datetime: body.time }, clock(body.time));
  return element("li", {}, time, " ", times > 1 ? `${text} (${plural(times, "time")})` : text);
}

let shown = "";

// Shows what has come since.
export function show() {
  const family = named("event-family").value;
  // Switches are named by what is known of them.
  const state = `${heard} ${family} ${known.switches.size}`;
  if (state === shown) return;
  shown = state;
  const wanted = events.filter((one) => family === "" || one.family === family);
  named("events").replaceChildren(...wanted.map(line));
  named("alarms").replaceChildren(...[...alarms.values()].reverse().map(line));
  say(named("alarms-note"), alarms.size === 0 ? "None." : "");
}
