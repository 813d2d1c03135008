// What changes something is asked for in a dialog, and done when it is confirmed.

import { change } from "./api.js";
import { again, known, switchName } from "./state.js";
import { describe, element, named, say } from "./elements.js";
import { count, duration, plural } from "./words.js";

const migration = named("migration");
const form = named("migration-form");
const confirmation = named("confirmation");

// The migration that the forecast is of; `null` as long as there is none.
let forecast = null;

// Told to who does not see what has changed.
function announce(text) {
  named("announced").textContent = text;
}

function fault(at, error) {
  const reasons = error.reasons ?? [];
  at.replaceChildren(
    element("p", {}, error.message),
    ...(reasons.length > 0 ? [element("ul", {}, ...reasons.map((reason) => element("li", {}, reason)))] : []),
  );
}

// A request is asked for by this key once, however often it has to be sent.
function onceOnly() {
  const digits = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
  return { "Idempotency-Key": digits.join("") };
}

// What asks a question, and does what is confirmed.
let confirmed = async () => {};

function ask(title, text, act, done) {
  say(named("confirmation-title"), title);
  say(named("confirmation-text"), text);
  named("confirmation-error").replaceChildren();
  confirmed = async () => {
    await act();
    announce(done);
    again("switches", "migrations", "links", "rates");
  };
  confirmation.showModal();
}

export function cancel({ id, source }) {
  ask(
    `Cancel migration ${id}?`,
    `What it has changed is undone: switch ${switchName(source)} keeps its work.`,
    () => change("DELETE", `/v1/migrations/${id}`),
    `Migration ${id} is being cancelled.`,
  );
}

export function revert({ id, source }) {
  const headers = onceOnly();
  ask(
    `Revert migration ${id}?`,
    `The work goes back to switch ${switchName(source)}, by a migration of its own.`,
    () => change("POST", `/v1/migrations/${id}/revert`, undefined, headers),
    `Migration ${id} is being reverted.`,
  );
}

export function restore(dpid) {
  const name = switchName(dpid);
  ask(
    `Restore switch ${name}?`,
    "It may carry traffic again.",
    () => change("POST", `/v1/switches/${dpid}/restore`),
    `Switch ${name} is restored.`,
  );
}

// Asks for a migration of this switch.
export function migrate(dpid) {
  form.dataset.source = dpid;
  say(named("migration-title"), `Migrate switch ${switchName(dpid)}`);
  const others = [...known.switches.values()].filter((one) => one.dpid !== dpid && one.state === "active");
  named("migration-target").replaceChildren(
    element("option", { value: "" }, "none: wherever the shortest paths lead"),
    ...others.map((one) => element("option", { value: one.dpid }, switchName(one.dpid))),
  );
  outdated();
  migration.showModal();
}

// What was forecast is not what is asked for any more.
function outdated() {
  forecast = null;
  named("migration-begin").disabled = true;
  named("migration-forecast").hidden = true;
  named("migration-error").replaceChildren();
}

function asked() {
  const target = named("migration-target").value;
  const body = { source: form.dataset.source, algorithm: named("migration-algorithm").value };
  return target === "" ? body : { ...body, target };
}

function showForecast({ flows, forecast: expected, shape }) {
  const { rules, drain_us: [least, most] } = expected;
  const pairs = [
    ["flows", count(flows.length)],
    ["shape", shape ?? "not known"],
    ["rules", `${count(rules.installed)} installed, ${count(rules.modified)} modified, ${count(rules.removed)} removed`],
    ["how", `${plural(expected.rounds, "round")} at ${plural(expected.switches, "switch", "switches")}`],
    ["switch-over", duration(expected.expected_switch_over_us)],
    ["in all", duration(expected.expected_total_us)],
    ["drain", `${duration(least)} to ${duration(most)}`],
    ["packets overtaken", count(expected.expected_reordering)],
    ...expected.not_carried.map((what) => ["not carried over", what]),
    ...expected.unknown.map((what) => ["not known", what]),
  ];
  describe(named("migration-expected"), pairs);
  named("migration-forecast").hidden = false;
}

// Keeps a button from being pressed twice, and says why what it does was refused.
async function pressed(button, errors, act) {
  button.disabled = true;
  errors.replaceChildren();
  try {
    await act();
  } catch (error) {
    fault(errors, error);
  }
  button.disabled = false;
}

named("migration-check").addEventListener("click", () => {
  outdated();
  const body = asked();
  pressed(named("migration-check"), named("migration-error"), async () => {
    const plan = await change("POST", "/v1/migrations", { ...body, dry_run: true });
    if (JSON.stringify(body) !== JSON.stringify(asked())) return;
    forecast = { body, headers: onceOnly() };
    showForecast(plan);
    named("migration-begin").disabled = false;
    announce("The forecast is there. The migration may begin.");
  });
});

named("migration-begin").addEventListener("click", () => {
  if (forecast === null) return;
  pressed(named("migration-begin"), named("migration-error"), async () => {
    const { id } = await change("POST", "/v1/migrations", forecast.body, forecast.headers);
    migration.close();
    announce(`Migration ${id} has begun.`);
    again("switches", "migrations");
  });
});

form.addEventListener("change", outdated);
form.addEventListener("submit", (event) => event.preventDefault());
named("migration-close").addEventListener("click", () => migration.close());

named("confirmation-yes").addEventListener("click", () => {
  pressed(named("confirmation-yes"), named("confirmation-error"), async () => {
    await confirmed();
    confirmation.close();
  });
});
named("confirmation-no").addEventListener("click", () => confirmation.close());
