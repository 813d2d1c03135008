// Numbers and names as people read them.

const UNKNOWN = "–";

function scaled(value, units) {
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  const digits = value >= 99.95 || at === 0 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[at]}`.trim();
}

export function bits(perSecond) {
  if (typeof perSecond !== "number") return UNKNOWN;
  return scaled(perSecond, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]);
}

export function bytes(count) {
  return typeof count === "number" ? scaled(count, ["B", "kB", "MB", "GB", "TB"]) : UNKNOWN;
}

export function count(value) {
  return typeof value === "number" ? Math.round(value).toLocaleString("en") : UNKNOWN;
}

export function percent(part) {
  if (typeof part !== "number") return UNKNOWN;
  return part > 0 && part < 0.01 ? "< 1 %" : `${Math.round(part * 100)} %`;
}

export function duration(microseconds) {
  if (typeof microseconds !== "number") return "not known";
  if (microseconds < 1000) return `${Math.round(microseconds)} µs`;
  if (microseconds < 1e6) return `${(microseconds / 1000).toFixed(1)} ms`;
  return `${(microseconds / 1e6).toFixed(2)} s`;
}

export function clock(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? UNKNOWN : date.toLocaleTimeString("en-GB");
}

export function moment(time) {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? UNKNOWN : `${date.toLocaleDateString("en-CA")} ${clock(date)}`;
}

// One of these, or many: `plural(2, "switch", "switches")`.
export function plural(number, one, many = `${one}s`) {
  return `${count(number)} ${number === 1 ? one : many}`;
}

// The number of a switch without its zeroes in front.
export function shortened(dpid) {
  return dpid.replace(/^0+(?=.)/, "");
}

// A host, by the address that people know it by.
export function hostName(host) {
  return host.ipv4[0] ?? host.ipv6[0] ?? host.mac;
}

// The end of a route as it was asked for: an address, or a port.
export function endpoint(end, name) {
  if (typeof end === "string") return end;
  return end && end.dpid ? `${name(end.dpid)}/${end.port}` : UNKNOWN;
}
