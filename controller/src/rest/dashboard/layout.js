// Where switches stand: so that any two are as far from each other as the shortest way between them has links (stress,
// lessened by stochastic gradient descent, a pair at a time). The same network always gives the same picture.
//
// Nothing moves because something has gone, or because little has come; what somebody has put somewhere stays there.

export const LENGTH = 100;

const PASSES = 30;
const FEW_PASSES = 12;
// How far the last pass still moves the nearest pairs.
const LAST_STEP = 0.05;
// Nearer than so, in links, names would cover each other.
const ROOM = 0.85;
const ROOM_PASSES = 40;
// The picture is at least so much wider than high, as what it is shown in.
const WIDE = 1.5;
// In a larger network each switch heeds those near it, and so many of the others.
const FEW = 250;
const OTHERS = 60;
// With more than this part of it new, the picture is made anew.
const MUCH = 0.1;

// A sequence that looks random and is always the same.
function dice(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

// Links between each two, the shortest way. Those without a way are so far apart that their parts of the network stand
// side by side.
export function distances(size, neighbours) {
  const all = new Float64Array(size * size).fill(-1);
  const partOf = new Map();
  for (let from = 0; from < size; from += 1) {
    const queue = [from];
    all[from * size + from] = 0;
    for (let at = 0; at < queue.length; at += 1) {
      const here = all[from * size + queue[at]];
      for (const next of neighbours[queue[at]]) {
        if (all[from * size + next] >= 0) continue;
        all[from * size + next] = here + 1;
        queue.push(next);
      }
    }
    if (!partOf.has(from)) {
      const fresh = { across: 0 };
      for (const one of queue) partOf.set(one, fresh);
    }
    const whole = partOf.get(from);
    whole.across = Math.max(whole.across, all[from * size + queue.at(-1)]);
  }
  for (let pair = 0; pair < all.length; pair += 1) {
    if (all[pair] >= 0) continue;
    const [one, other] = [partOf.get(Math.floor(pair / size)), partOf.get(pair % size)];
    all[pair] = (one.across + other.across) / 2 + 1;
  }
  return { all, longest: all.reduce((one, other) => Math.max(one, other), 1) };
}

// Pairs of which each says how far its two are to be apart, as one number.
function chosenPairs(size, all, roll) {
  const pairs = [];
  for (let one = 0; one < size; one += 1) {
    for (let other = 0; other < one; other += 1) {
      const pair = one * size + other;
      if (size <= FEW || all[pair] <= 2 || roll(size) < OTHERS) pairs.push(pair);
    }
  }
  return Uint32Array.from(pairs);
}

// Moves two, as far as they may be moved, by a share of the way to where they are so far apart.
function part(one, other, wanted, share) {
  const x = one.x - other.x;
  const y = one.y - other.y || 1e-6;
  const now = Math.sqrt(x * x + y * y);
  const move = (share * (wanted - now)) / now / (one.held || other.held ? 1 : 2);
  if (!one.held) {
    one.x += x * move;
    one.y += y * move;
  }
  if (!other.held) {
    other.x -= x * move;
    other.y -= y * move;
  }
}

function descend(points, all, firstStep, passes) {
  const size = points.length;
  const roll = dice(1);
  const pairs = chosenPairs(size, all, roll);
  const decay = Math.log(LAST_STEP / firstStep) / Math.max(1, passes - 1);
  for (let pass = 0; pass < passes; pass += 1) {
    const step = firstStep * Math.exp(decay * pass);
    for (let left = pairs.length - 1; left > 0; left -= 1) {
      const other = roll(left + 1);
      const kept = pairs[left];
      pairs[left] = pairs[other];
      pairs[other] = kept;
    }
    for (const pair of pairs) {
      const wanted = all[pair];
      part(points[Math.floor(pair / size)], points[pair % size], wanted, Math.min(1, step / (wanted * wanted)));
    }
  }
}

// Moves those apart that are too near each other: not every network is flat.
function makeRoom(points) {
  for (let pass = 0; pass < ROOM_PASSES; pass += 1) {
    let moved = false;
    // By squares as wide as the room that each needs: who is too near is in the same one or in one beside it.
    const squares = new Map();
    for (const one of points) {
      const [column, row] = [Math.floor(one.x / ROOM), Math.floor(one.y / ROOM)];
      for (let near = 0; near < 9; near += 1) {
        for (const other of squares.get(`${column - 1 + (near % 3)} ${row - 1 + Math.floor(near / 3)}`) ?? []) {
          if (Math.hypot(one.x - other.x, one.y - other.y) > ROOM * 0.98 || (one.held && other.held)) continue;
          part(one, other, ROOM, 1);
          moved = true;
        }
      }
      const key = `${column} ${row}`;
      squares.set(key, [...(squares.get(key) ?? []), one]);
    }
    if (!moved) return;
  }
}

// Turns the picture so that it is wider than it is high, and its first switch is on the left and above.
function lay(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  const xx = mean((point) => (point.x - x) ** 2);
  const yy = mean((point) => (point.y - y) ** 2);
  const xy = mean((point) => (point.x - x) * (point.y - y));
  const turn = -0.5 * Math.atan2(2 * xy, xx - yy);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  for (const point of points) {
    const [dx, dy] = [point.x - x, point.y - y];
    [point.x, point.y] = [dx * cos - dy * sin, dx * sin + dy * cos];
  }
  const span = (of) => Math.max(...points.map(of)) - Math.min(...points.map(of));
  const [width, height] = [span((point) => point.x), span((point) => point.y)];
  const wider = width > 0 ? Math.min(WIDE, Math.max(1, (WIDE * height) / width)) : 1;
  for (const point of points) point.x *= wider;
  const [flipX, flipY] = [points[0].x > 0 ? -1 : 1, points[0].y > 0 ? -1 : 1];
  for (const point of points) [point.x, point.y] = [point.x * flipX, point.y * flipY];
}

export class Layout {
  // By name: where it stands, in links, and whether somebody has put it there.
  points = new Map();
  #joined = new Set();

  // Takes in what there is; says whether anything has moved.
  update(names, pairs) {
    const fresh = names.filter((name) => !this.points.has(name));
    let gained = fresh.length;
    for (const [one, other] of pairs) {
      const key = one < other ? `${one} ${other}` : `${other} ${one}`;
      if (one === other || this.#joined.has(key)) continue;
      this.#joined.add(key);
      gained += 1;
    }
    if (gained === 0) return false;
    const held = [...this.points.values()].some((point) => point.held);
    const much = gained > MUCH * (this.points.size + this.#joined.size);
    this.#place(fresh);
    const all = [...this.points.keys()].sort();
    if (much && !held) all.forEach((name, index) => Object.assign(this.points.get(name), onCircle(index, all.length)));
    const points = all.map((name) => this.points.get(name));
    const apart = distances(all.length, this.#neighbours(all));
    descend(points, apart.all, much ? apart.longest ** 2 : 1, much ? PASSES : FEW_PASSES);
    if (much && !held) lay(points);
    makeRoom(points);
    return true;
  }

  // New ones begin beside those that they are joined to.
  #place(fresh) {
    const near = new Map(fresh.map((name) => [name, []]));
    for (const key of this.#joined) {
      const [one, other] = key.split(" ");
      if (near.has(one) && this.points.has(other)) near.get(one).push(this.points.get(other));
      if (near.has(other) && this.points.has(one)) near.get(other).push(this.points.get(one));
    }
    fresh.forEach((name, index) => {
      const known = near.get(name);
      const offset = onCircle(index, fresh.length);
      const mean = (of) => known.reduce((sum, point) => sum + of(point), 0) / Math.max(1, known.length);
      const [x, y] = [mean((point) => point.x) + offset.x / 4, mean((point) => point.y) + offset.y / 4];
      this.points.set(name, { x, y, held: false });
    });
  }

  #neighbours(all) {
    const index = new Map(all.map((name, at) => [name, at]));
    const neighbours = all.map(() => []);
    for (const key of this.#joined) {
      const [one, other] = key.split(" ").map((name) => index.get(name));
      if (one === undefined || other === undefined) continue;
      neighbours[one].push(other);
      neighbours[other].push(one);
    }
    return neighbours;
  }

  // Forgets those that aren't among these.
  keep(names) {
    const kept = new Set(names);
    for (const name of this.points.keys()) if (!kept.has(name)) this.points.delete(name);
    for (const key of this.#joined) if (!key.split(" ").every((name) => kept.has(name))) this.#joined.delete(key);
  }
}

function onCircle(index, size) {
  const angle = (2 * Math.PI * index) / size;
  const radius = Math.max(1, size / 6);
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}
