// The picture of the network: switches, links with what they carry, hosts at their switches.

import { known, portName, switchName } from "./state.js";
import { drawn, named, say } from "./elements.js";
import { LENGTH, Layout } from "./layout.js";
import { fit, isChosen } from "./view.js";
import { bits, hostName, percent, plural } from "./words.js";

const PARALLEL = 18;
const HOST_AWAY = 50;
const MOST_HOSTS_AT_A_SWITCH = 6;
// With more the names of hosts, or the numbers at links, would cover each other.
const MOST_HOST_NAMES = 80;
const MOST_LINK_NUMBERS = 150;
const LONGEST_NAME = 14;
// Less is what discovery alone needs.
const LEAST_RATE = 10_000;
// From how much on of its speed a link looks different.
const LEVELS = [0.01, 0.25, 0.5, 0.75];

const picture = named("picture");
const layers = Object.fromEntries(
  ["links", "hosts", "switches"].map((name) => [name, drawn("g", { class: `layer-${name}` })]),
);
picture.append(layers.links, layers.hosts, layers.switches);

const layout = new Layout();
// By datapath id, and by what each pair of ports is known by.
const nodes = new Map();
const cables = new Map();

export function pointOf(dpid) {
  const { x, y } = layout.points.get(dpid);
  return { x: x * LENGTH, y: y * LENGTH };
}

// Puts a switch somewhere, where it stays.
export function put(dpid, { x, y }) {
  Object.assign(layout.points.get(dpid), { x: x / LENGTH, y: y / LENGTH, held: true });
  place();
}

export const nodeOf = (dpid) => nodes.get(dpid)?.group;
export const drawnSwitches = () => [...nodes.keys()];

// Each state has a shape of its own.
function shape(state) {
  switch (state) {
    case "frozen":
      return drawn("rect", { class: "body", x: -15, y: -15, width: 30, height: 30, rx: 3 });
    case "drained":
      return drawn("path", { class: "body", d: "M0 -20 L20 0 L0 20 L-20 0 Z" });
    case "disconnected":
      return drawn("path", { class: "body", d: "M-12 -12 L12 12 M12 -12 L-12 12" });
    default:
      return drawn("circle", { class: "body", r: 16 });
  }
}

function node(dpid) {
  const group = drawn("g", { class: "switch", role: "button", tabindex: "-1", "data-dpid": dpid });
  const title = drawn("title");
  const label = drawn("text", { class: "label", y: 34 });
  const ring = drawn("circle", { class: "ring", r: 24 });
  group.append(title, ring, shape("active"), label);
  layers.switches.append(group);
  return { group, title, label, state: "active" };
}

function drawSwitch(one, chosen) {
  const entry = nodes.get(one.dpid) ?? node(one.dpid);
  nodes.set(one.dpid, entry);
  const { group, title, label } = entry;
  if (entry.state !== one.state) {
    group.querySelector(".body").replaceWith(shape(one.state));
    entry.state = one.state;
  }
  const name = switchName(one.dpid);
  const short = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
  const is = one.dpid === chosen;
  group.setAttribute("class", `switch ${one.state}${is ? " chosen" : ""}`);
  group.setAttribute("aria-pressed", String(is));
  group.setAttribute("aria-label", `Switch ${name}, ${one.state}`);
  say(title, `${name} (${one.dpid}), ${one.state}`);
  say(label, short);
}

const key = ({ dpid, port }) => `${dpid}/${port}`;

// The links, both directions of a cable together.
function pairs() {
  const rates = new Map(known.rates.links.map((row) => [`${key(row.src)} ${key(row.dst)}`, row]));
  const all = new Map();
  for (const link of known.links) {
    if (!nodes.has(link.src.dpid) || !nodes.has(link.dst.dpid)) continue;
    const ends = [key(link.src), key(link.dst)];
    const name = [...ends].sort().join(" ");
    const pair = all.get(name) ?? { name, src: link.src, dst: link.dst, oneWay: false, indirect: false, rows: [] };
    pair.oneWay ||= link.one_way;
    pair.indirect ||= link.indirect;
    const row = rates.get(ends.join(" "));
    if (row) pair.rows.push(row);
    all.set(name, pair);
  }
  return [...all.values()];
}

// How full a cable is in its fuller direction, as a class, and in a few words. Where it is next to empty, or nobody knows its
// speed, the words are the rate.
function use({ rows }) {
  const rates = rows.map((row) => row.bits_per_second).filter((rate) => typeof rate === "number");
  const parts = rows.map((row) => row.utilisation).filter((part) => typeof part === "number");
  const rate = Math.max(0, ...rates);
  const text = rate >= LEAST_RATE ? bits(rate) : "";
  if (parts.length === 0) return { level: "unknown", text };
  const part = Math.max(...parts);
  const level = LEVELS.filter((least) => part >= least).length;
  return { level: String(level), text: level > 0 ? percent(part) : text };
}

function drawLink(pair, labelled) {
  let entry = cables.get(pair.name);
  if (!entry) {
    const [title, label] = [drawn("title"), drawn("text", { class: "used" })];
    const [line, mark] = ["line", "mark"].map((name) => drawn("path", { class: name }));
    const group = drawn("g", {}, title, line, mark, label);
    entry = { group, title, line, mark, label };
    layers.links.append(group);
    cables.set(pair.name, entry);
  }
  entry.pair = pair;
  const { level, text } = use(pair);
  const kinds = `${pair.oneWay ? " one-way" : ""}${pair.indirect ? " indirect" : ""}`;
  entry.group.setAttribute("class", `link used-${level}${kinds}`);
  entry.mark.setAttribute("d", pair.indirect ? "M0 -8 L8 0 L0 8 L-8 0 Z" : pair.oneWay ? "M-7 -7 L9 0 L-7 7 Z" : "");
  const rows = pair.rows.map((row) => `${portName(row.src)} → ${portName(row.dst)}: ${bits(row.bits_per_second)}`);
  const words = [pair.oneWay ? "one way only" : "", pair.indirect ? "through something that speaks no OpenFlow" : "", ...rows];
  say(entry.title, [`${portName(pair.src)} – ${portName(pair.dst)}`, ...words.filter((word) => word !== "")].join("; "));
  say(entry.label, labelled ? text : "");
}

// The hosts of a switch, on the side where it has the fewest links.
function drawHosts() {
  const at = new Map();
  for (const host of known.hosts) {
    const { dpid } = host.attachment;
    if (nodes.has(dpid)) at.set(dpid, [...(at.get(dpid) ?? []), host]);
  }
  const labelled = known.hosts.length <= MOST_HOST_NAMES;
  const parts = [];
  for (const [dpid, hosts] of at) {
    const group = drawn("g", { class: "hosts", "data-at": dpid });
    const many = hosts.length > MOST_HOSTS_AT_A_SWITCH;
    const shown = many ? [hosts[0]] : hosts;
    for (const host of shown) {
      const name = many ? plural(hosts.length, "host") : hostName(host);
      const title = many ? name : `${name} (${host.mac}) at ${portName(host.attachment)}`;
      const box = drawn("rect", { class: "host", x: -7, y: -7, width: 14, height: 14, rx: 2 });
      const one = drawn("g", {}, drawn("title", {}, title), box);
      if (labelled || many) one.append(drawn("text", { class: "host-name" }, name));
      group.append(drawn("path", { class: "wire" }), one);
    }
    parts.push(group);
  }
  layers.hosts.replaceChildren(...parts);
}

// The middle of the widest gap between angles.
function freeDirection(angles) {
  if (angles.length === 0) return -Math.PI / 2;
  angles.sort((one, other) => one - other);
  let best = { gap: -1, middle: 0 };
  angles.forEach((angle, index) => {
    const next = angles[index + 1] ?? angles[0] + 2 * Math.PI;
    // Names stand below, so hosts had better not.
    const middle = (angle + next) / 2;
    const gap = next - angle - (Math.sin(middle) > 0.8 ? 0.6 : 0);
    if (gap > best.gap + 1e-6) best = { gap, middle };
  });
  return best.middle;
}

// The name of a host stands on its side that is away from the switch.
function nameOutside(text, right, down) {
  if (text === null) return;
  const aside = Math.abs(right) > 0.7 ? Math.sign(right) : 0;
  text.setAttribute("text-anchor", ["end", "middle", "start"][aside + 1]);
  text.setAttribute("x", String(aside * 12));
  text.setAttribute("y", aside !== 0 ? "4" : down < 0 ? "-11" : "20");
}

// Puts everything where it belongs.
function place() {
  for (const [dpid, { group }] of nodes) {
    const { x, y } = pointOf(dpid);
    group.setAttribute("transform", `translate(${rounded(x, y)})`);
  }
  // The angles that links leave each switch at, and the links between the same two.
  const towards = new Map();
  const beside = new Map();
  for (const { pair } of cables.values()) {
    const both = [pair.src.dpid, pair.dst.dpid].sort();
    const [one, other] = both.map(pointOf);
    const angle = Math.atan2(other.y - one.y, other.x - one.x);
    add(beside, both.join(" "), pair.name);
    add(towards, both[0], angle);
    add(towards, both[1], angle > 0 ? angle - Math.PI : angle + Math.PI);
  }
  for (const cable of cables.values()) placeLink(cable, beside);
  for (const group of layers.hosts.children) placeHosts(group, towards);
}

function add(map, name, value) {
  if (!map.has(name)) map.set(name, []);
  map.get(name).push(value);
}

const rounded = (...numbers) => numbers.map((number) => number.toFixed(1)).join(" ");

// Links between the same two bend, each in its own way.
function placeLink({ pair, line, mark, label }, beside) {
  const both = [pair.src.dpid, pair.dst.dpid].sort();
  const all = beside.get(both.join(" "));
  const [one, other] = both.map(pointOf);
  const [dx, dy] = [other.x - one.x, other.y - one.y];
  const length = Math.hypot(dx, dy) || 1;
  const aside = (all.indexOf(pair.name) - (all.length - 1) / 2) * PARALLEL;
  const [x, y] = [(one.x + other.x) / 2 - (dy / length) * aside, (one.y + other.y) / 2 + (dx / length) * aside];
  const bend = { x: 2 * x - (one.x + other.x) / 2, y: 2 * y - (one.y + other.y) / 2 };
  line.setAttribute("d", `M${rounded(one.x, one.y)} Q${rounded(bend.x, bend.y, other.x, other.y)}`);
  const turn = (Math.atan2(dy, dx) * 180) / Math.PI + (pair.src.dpid === both[0] ? 0 : 180);
  mark.setAttribute("transform", `translate(${rounded(x, y)}) rotate(${rounded(turn)})`);
  // Beside a mark, above a line that lies, on one that stands.
  const below = pair.oneWay || pair.indirect ? 22 : Math.abs(dx) > Math.abs(dy) ? -7 : 5;
  label.setAttribute("x", rounded(x));
  label.setAttribute("y", rounded(y + below));
}

function placeHosts(group, towards) {
  const centre = pointOf(group.dataset.at);
  const direction = freeDirection(towards.get(group.dataset.at) ?? []);
  const wires = group.querySelectorAll(".wire");
  wires.forEach((wire, index) => {
    const angle = direction + (index - (wires.length - 1) / 2) * 0.75;
    // Every other one a little farther, so that names don't meet.
    const away = HOST_AWAY + (wires.length > 2 ? (index % 2) * 18 : 0);
    const [x, y] = [centre.x + away * Math.cos(angle), centre.y + away * Math.sin(angle)];
    wire.setAttribute("d", `M${rounded(centre.x, centre.y)} L${rounded(x, y)}`);
    const host = wire.nextElementSibling;
    host.setAttribute("transform", `translate(${rounded(x, y)})`);
    nameOutside(host.querySelector("text"), Math.cos(angle), Math.sin(angle));
  });
}

// Shows the whole network again.
export function showAll() {
  fit([...nodes.keys()].map(pointOf));
}

// Shows what is known; `chosen` is a datapath id.
export function show(chosen) {
  if (!known.complete) return;
  for (const [dpid, { group }] of nodes) {
    if (known.switches.has(dpid)) continue;
    group.remove();
    nodes.delete(dpid);
  }
  layout.keep([...known.switches.keys()]);
  for (const one of known.switches.values()) drawSwitch(one, chosen);
  const all = pairs();
  const names = new Set(all.map(({ name }) => name));
  for (const [name, { group }] of cables) {
    if (names.has(name)) continue;
    group.remove();
    cables.delete(name);
  }
  for (const pair of all) drawLink(pair, all.length <= MOST_LINK_NUMBERS);
  drawHosts();
  const moved = layout.update([...nodes.keys()], all.map(({ src, dst }) => [src.dpid, dst.dpid]));
  place();
  if (moved && !isChosen()) showAll();
  const left = known.totals.switches - known.switches.size;
  const empty = nodes.size === 0 ? "No switch has connected yet: they are listened for." : "";
  say(named("picture-note"), left > 0 ? `${plural(left, "switch", "switches")} more are not shown.` : empty);
}
