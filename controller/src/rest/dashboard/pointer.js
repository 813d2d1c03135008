// The picture under the hand: choosing and moving switches, by pointer and by keys; nearer and farther.

import { named } from "./elements.js";
import { drawnSwitches, nodeOf, pointOf, put, showAll } from "./picture.js";
import { move, zoom } from "./view.js";

// A pointer that has moved less has only been pressed.
const SLACK = 4;
const STEP = 20;
const NEARER = 0.8;

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const picture = named("picture");

function located({ clientX, clientY }) {
  return new DOMPoint(clientX, clientY).matrixTransform(picture.getScreenCTM().inverse());
}

const under = (event) => event.target.closest?.(".switch")?.dataset.dpid ?? null;

// The nearest switch in a direction, those straight on before those aside.
function neighbour(dpid, [x, y]) {
  const here = pointOf(dpid);
  let best = { far: Infinity, dpid: null };
  for (const other of drawnSwitches()) {
    const there = pointOf(other);
    const [dx, dy] = [there.x - here.x, there.y - here.y];
    const ahead = dx * x + dy * y;
    const far = ahead + 3 * Math.abs(dx * y - dy * x);
    if (other !== dpid && ahead > 1 && far < best.far) best = { far, dpid: other };
  }
  return best.dpid;
}

// One switch at a time is reached by Tab, the others from there by arrows.
let reachable = null;

export function keepReachable() {
  if (reachable !== null && nodeOf(reachable)) return;
  reachable = drawnSwitches().sort()[0] ?? null;
  if (reachable !== null) nodeOf(reachable).setAttribute("tabindex", "0");
}

function reach(dpid) {
  if (dpid === null) return;
  nodeOf(reachable)?.setAttribute("tabindex", "-1");
  reachable = dpid;
  nodeOf(dpid).setAttribute("tabindex", "0");
  nodeOf(dpid).focus();
}

// `choose` is told of the switch that somebody chooses.
export function listen(choose) {
  let held = null;
  picture.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = { dpid: under(event), from: located(event), at: [event.clientX, event.clientY], moved: false };
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", (event) => {
    if (held === null) return;
    held.moved ||= Math.hypot(event.clientX - held.at[0], event.clientY - held.at[1]) > SLACK;
    if (!held.moved) return;
    const to = located(event);
    if (held.dpid === null) move(held.from.x - to.x, held.from.y - to.y);
    else if (nodeOf(held.dpid)) put(held.dpid, to);
  });
  picture.addEventListener("pointerup", () => {
    if (held?.dpid && !held.moved && nodeOf(held.dpid)) {
      reach(held.dpid);
      choose(held.dpid);
    }
    held = null;
  });
  picture.addEventListener("pointercancel", () => {
    held = null;
  });
  picture.addEventListener(
    "wheel",
    (event) => {
      // Without Ctrl the page scrolls, as everywhere.
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoom(event.deltaY > 0 ? 1 / NEARER : NEARER);
    },
    { passive: false },
  );
  picture.addEventListener("keydown", (event) => {
    const dpid = under(event);
    const arrow = ARROWS[event.key];
    if (dpid === null || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") choose(dpid);
    else if (arrow && event.shiftKey) {
      const { x, y } = pointOf(dpid);
      put(dpid, { x: x + arrow[0] * STEP, y: y + arrow[1] * STEP });
    } else if (arrow) reach(neighbour(dpid, arrow));
    else return;
    event.preventDefault();
  });
  named("nearer").addEventListener("click", () => zoom(NEARER));
  named("farther").addEventListener("click", () => zoom(1 / NEARER));
  named("fit").addEventListener("click", showAll);
}
