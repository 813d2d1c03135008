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
let waiting = false;

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

function show() {
  waiting = false;
  showConnection();
  showPicture(chosenSwitch());
  keepReachable();
  showTables();
  showChosen();
  showEvents();
}

function changed() {
  if (waiting) return;
  waiting = true;
  setTimeout(show, SHOWN_AFTER_MS);
}

listen(choose);
beginChosen(changed);
named("event-family").addEventListener("change", changed);
begin(changed);
follow(
  (family, body) => {
    hear(family, body);
    changed();
  },
  (linked) => {
    // Whether the controller is away is for a request to find out.
    if (live !== linked) again("switches");
    live = linked;
    changed();
  },
);
