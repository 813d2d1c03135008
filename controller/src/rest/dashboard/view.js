// Which part of the picture is shown: all of it, until somebody looks nearer, or elsewhere.

import { named } from "./elements.js";
import { LENGTH } from "./layout.js";

const MARGIN = 1.1 * LENGTH;
const LEAST_WIDTH = 6 * LENGTH;
const LEAST_HEIGHT = LEAST_WIDTH / 2;
const NEAREST = LENGTH;
const FARTHEST = 1000 * LENGTH;

const view = { x: 0, y: 0, width: LEAST_WIDTH, height: LEAST_HEIGHT, chosen: false };

// Whether somebody has chosen it.
export const isChosen = () => view.chosen;

function look() {
  const box = [view.x, view.y, view.width, view.height];
  named("picture").setAttribute("viewBox", box.map((one) => one.toFixed(1)).join(" "));
}

// From where, and how far, so that all of these are in it.
function span(places, least) {
  const [low, high] = places.length === 0 ? [0, 0] : [Math.min(...places), Math.max(...places)];
  const size = Math.max(high - low + 2 * MARGIN, least);
  return [(low + high - size) / 2, size];
}

// Shows all of these points.
export function fit(points) {
  [view.x, view.width] = span(points.map(({ x }) => x), LEAST_WIDTH);
  [view.y, view.height] = span(points.map(({ y }) => y), LEAST_HEIGHT);
  view.chosen = false;
  look();
}

// Nearer (below 1) or farther (above), around the middle.
export function zoom(factor) {
  const width = Math.min(Math.max(view.width * factor, NEAREST), FARTHEST);
  const by = width / view.width;
  move((view.width * (1 - by)) / 2, (view.height * (1 - by)) / 2);
  [view.width, view.height] = [width, view.height * by];
  look();
}

export function move(x, y) {
  [view.x, view.y, view.chosen] = [view.x + x, view.y + y, true];
  look();
}
