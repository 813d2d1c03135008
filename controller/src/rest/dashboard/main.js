// The dashboard: reads what there is, hears what happens, and shows both.

import { follow } from "./events.js";
import { hear, show as showEvents } from "./happened.js";
import { begin as beginChosen, choose, chosenSwitch, show as showChosen } from "./chosen.js";
import { show as showPicture } from "./picture.js";
import { keepReachable, listen } from "./pointer.js";
import { again, begin, known } from "./state.js";
import { show as showTables } from "./tables.js";
import { named, say } from "./elements.js";
import { clock } from "./words.js";

// Many changes at once are shown once.
const SHOWN_AFTER_MS = 60;

let live = false;
// What has changed since all was shown last: a resource's name, or "events", "chosen", "connection".
const changes = new Set();

function showConnection() {
  const { unreachable, answered } = known;
  const since = answered === null ? "" : ` What is shown is of ${clock(answered)}.`;
  const text = unreachable === null ? "" : `The controller can't be reached (${unreachable.why}).${since} It is tried again and again.`;
  const alert = named("unreachable");
  say(alert, text);
  alert.hidden = text === "";
  document.body.classList.toggle("stale", text !== "");
  const state = unreachable !== null ? "not reached" : live ? "live" : "connecting";
  say(named("connection"), state);
  named("connection").className = state.replace(" ", "-");
}

const PICTURE = ["switches", "links", "hosts", "rates", "chosen"];
const TABLES = ["switches", "links", "hosts", "rates", "migrations", "apps", "phases"];

function show() {
  const what = new Set(changes);
  const has = (...names) => names.some((name) => what.has(name));
  changes.clear();
  showConnection();
  if (has(...PICTURE)) {
    showPicture(chosenSwitch());
    keepReachable();
    showChosen();
  }
  if (has(...TABLES)) showTables();
  if (has("events", "switches")) showEvents();
}

function changed(what) {
  if (changes.size === 0) setTimeout(show, SHOWN_AFTER_MS);
  changes.add(what);
}

listen(choose);
beginChosen(() => changed("chosen"));
named("event-family").addEventListener("change", () => changed("events"));
begin(changed);
follow(
  (family, body) => {
    hear(family, body);
    changed("events");
    if (family === "migration") changed("phases");
  },
  (linked) => {
    // Whether the controller is away is for a request to find out.
    if (live !== linked) again("switches");
    live = linked;
    changed("connection");
  },
);
