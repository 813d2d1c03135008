// Requests to the controller.

// The controller's refusal: a problem document (RFC 9457).
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `the controller answered ${status}`);
    this.status = status;
    this.reasons = Array.isArray(body.reasons) ? body.reasons : [];
  }
}

// No answer, or none from this controller.
export class Unreachable extends Error {}

const READING_MS = 15_000;
const LONGEST_ERROR = 300;

async function refusal(answer) {
  const text = await answer.text().catch(() => "");
  try {
    return new Problem(answer.status, JSON.parse(text));
  } catch {
    return new Problem(answer.status, { detail: text.slice(0, LONGEST_ERROR) || undefined });
  }
}

async function ask(method, path, { body, headers = {}, deadline = READING_MS } = {}) {
  const options = { method, headers: { ...headers }, cache: "no-cache", signal: AbortSignal.timeout(deadline) };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    throw new Unreachable(error.name === "TimeoutError" ? "it does not answer in time" : "no connection");
  }
  if (!answer.ok) throw await refusal(answer);
  try {
    const text = await answer.text();
    return { value: text === "" ? null : JSON.parse(text), headers: answer.headers };
  } catch {
    throw new Unreachable("its answer was cut off");
  }
}

export async function read(path) {
  return (await ask("GET", path)).value;
}

// Changes may take as long as the switches do.
export async function change(method, path, body, headers) {
  return (await ask(method, path, { body, headers, deadline: 120_000 })).value;
}

// A list in parts, up to so many elements, and how many there are in all.
export async function list(path, most) {
  const all = [];
  let total = 0;
  let next = path;
  while (next !== null && all.length < most) {
    const { value, headers } = await ask("GET", next);
    all.push(...value);
    total = Number(headers.get("X-Total-Count") ?? all.length);
    const link = /^<(\/v1\/[^>]*)>; rel="next"$/.exec(headers.get("Link") ?? "");
    next = link ? link[1] : null;
  }
  return { all: all.slice(0, most), total };
}

// Something that is read again and again. There is never more than one request for it under way, and they begin at least
// so long after one another.
export class Resource {
  #take;
  #every;
  #least;
  #timer = null;
  #begun = -Infinity;
  #busy = false;
  #again = false;

  constructor(take, every, least = 500) {
    this.#take = take;
    this.#every = every;
    this.#least = least;
  }

  // Soon: at once, unless it was read just now.
  refresh() {
    if (this.#busy) {
      this.#again = true;
    } else {
      this.#wait(Math.max(0, this.#begun + this.#least - performance.now()));
    }
  }

  #wait(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), delay);
  }

  async #run() {
    this.#busy = true;
    this.#again = false;
    this.#begun = performance.now();
    try {
      await this.#take();
    } finally {
      this.#busy = false;
      if (this.#again) this.refresh();
      // Nobody looks at a page that is hidden; it reads everything when it is shown again.
      else if (!document.hidden) this.#wait(this.#every);
    }
  }
}
