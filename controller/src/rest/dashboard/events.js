// The stream of events (`GET /v1/events`), which goes on behind the last event heard whenever the connection ends.
//
// It is read by `fetch`, because `EventSource` can't say from where on a first stream is to begin: a page that was just
// opened shows what has happened before it.

// The controller says something every 10 s.
const SILENCE_MS = 25_000;
const PAUSE_MS = 2_000;

// Before all events of all runs: whatever is still kept comes.
const BEGINNING = "0-0";

// Cuts a stream of text into events (WHATWG HTML §9.2.6), as far as this server's go: no carriage returns.
export class Frames {
  #rest = "";

  add(text) {
    const parts = (this.#rest + text).split("\n\n");
    this.#rest = parts.pop();
    return parts.map(frame);
  }
}

function frame(text) {
  const said = { id: null, event: "message", data: [] };
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (line.startsWith("id:")) said.id = value;
    else if (line.startsWith("event:")) said.event = value;
    else if (line.startsWith("data:")) said.data.push(value);
  }
  return { ...said, data: said.data.join("\n") };
}

// A browser has few connections with one controller for all its pages, so one that nobody looks at has none.
const visible = () =>
  new Promise((done) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    document.addEventListener("visibilitychange", look);
    look();
  });

const pause = () => new Promise((done) => setTimeout(done, PAUSE_MS));

// Hears of all events, for as long as the page is there. `heard(family, body)` is told of each, `linked(bool)` when the
// connection is there or gone.
export async function follow(heard, linked) {
  let last = BEGINNING;
  let stop = new AbortController();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop.abort();
  });
  for (;;) {
    await visible();
    stop = new AbortController();
    let silence;
    const alive = () => {
      clearTimeout(silence);
      silence = setTimeout(() => stop.abort(), SILENCE_MS);
    };
    try {
      alive();
      const answer = await fetch("/v1/events", {
        headers: { Accept: "text/event-stream", "Last-Event-ID": last },
        cache: "no-store",
        signal: stop.signal,
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      linked(true);
      const frames = new Frames();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        alive();
        for (const { id, event, data } of frames.add(value)) {
          if (id !== null) last = id;
          if (data !== "") heard(event, JSON.parse(data));
        }
      }
    } catch {
      // It is tried again, whatever it was; why the controller doesn't answer is said by who asks it for something.
    }
    clearTimeout(silence);
    stop.abort();
    linked(false);
    await pause();
  }
}
