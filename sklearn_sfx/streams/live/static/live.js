"use strict";
// The live page: asks for what is new each second, and shows it.

const EVERY_MS = 1000, WAIT_MS = 8000, LONG_MS = 120000, QUIET_S = 10, TRY_MS = 120;
const MOST_ASKED = 2;  // pictures at once

// A small picture, drawn as the page to label on draws frames, and not to be moved.
class Thumbnail extends FrameView {
  listen() { }
}

class LivePage {
  constructor() {
    this.token = new URLSearchParams(location.search).get("token") || "";
    this.history = new Chart(this.find("history"), drawHistory);
    this.scores = new Chart(this.find("scores"), drawScores);
    this.now = null;
    this.tried = null;  // a threshold that is looked at and not in use
    this.frames = { hits: new Map(), doubtful: new Map() };
    this.wanted = [];  // pictures that are not there yet, the next one last
    this.nAsked = 0;
  }

  find(id) { return document.getElementById(id); }
  button(name) { return document.querySelector(`[data-do="${name}"]`); }
  say(id, text) {
    const place = this.find(id);
    if (place.textContent !== text) place.textContent = text;
  }

  async ask(path, sent, wait = WAIT_MS) {
    const options = {
      headers: { Authorization: `Bearer ${this.token}` },
      signal: AbortSignal.timeout(wait),
    };
    if (sent !== undefined) Object.assign(options, { method: "POST", body: JSON.stringify(sent) });
    const answer = await fetch(path, options);
    if (answer.ok) return answer.json();
    const said = await answer.json().catch(() => ({}));
    const error = new Error(said.error || `The server failed (${answer.status}).`);
    error.isAnswer = true;
    throw error;
  }

  start() {
    this.listen();
    addEventListener("visibilitychange", () => document.hidden || this.look());
    this.repeat();
  }

  async repeat() {
    if (!document.hidden) await this.look();
    setTimeout(() => this.repeat(), EVERY_MS);
  }

  async look() {
    try {
      this.show(await this.ask("api/live"));
    } catch (error) {
      this.lost(error);
    }
  }

  lost(error) {
    const since = this.now ? ` since ${clock(this.now.at)}` : "";
    document.body.classList.add("old");
    this.say("state", "no answer");
    this.find("state").dataset.state = "gone";
    this.alert(error.isAnswer ? error.message
      : `The watch does not answer${since}: it is over, or this page cannot reach it.`);
  }

  alert(text) {
    this.say("alert", text);
    this.find("alert").hidden = !text;
  }

  // -- What the page shows -----------------------------------------------------------------------

  show(now) {
    this.now = now;
    document.body.classList.remove("old");
    this.alert(now.labels?.problem || this.refused || "");
    this.find("simulated").hidden = !now.simulated;
    const { words } = now;
    const title = text => text[0].toUpperCase() + text.slice(1);
    document.title = now.minute.of
      ? `${percent(now.minute.value)} ${words.many} – ${now.name}` : now.name;
    this.say("minute-title", `${title(words.many)} in the last minute`);
    this.say("rate-title", `${title(words.many)} of all`);
    this.say("history-title", `${title(words.one)} rate`);
    this.say("hits-title", `Newest ${words.many}`);
    this.say("no-hits", `No ${words.one} yet.`);
    this.say("name", now.name);
    this.showState(now);
    this.showNumbers(now);
    this.history.set({ points: now.history.points, binWidth: now.history.width });
    this.say("history-said", `The band is its 95 % interval, of the count alone; a point is `
      + `${now.history.width} s.`);
    this.showThreshold(now);
    this.showFrames("hits", now.hits);
    this.showFrames("doubtful", now.doubtful);
    this.showLabels(now.labels);
    this.showNotices(now.notices);
    delete document.body.dataset.busy;
  }

  showState({ at, last_at, model }) {
    const quiet = last_at === null ? null : at - last_at;
    const isQuiet = quiet === null || quiet > QUIET_S;
    const ago = quiet < 120 ? `${Math.round(quiet)} s` : `${Math.round(quiet / 60)} min`;
    this.say("state", quiet === null ? "no frame yet" : isQuiet ? `no frame for ${ago}` : "live");
    this.find("state").dataset.state = isQuiet ? "quiet" : "live";
    const since = model.since > 1 ? `, since frame ${model.since} at ${clock(model.at)}` : "";
    const method = model.method ? ` (${model.method})` : "";
    this.say("model", model.name || model.method ? `Model: ${model.name}${method}${since}` : "");
  }

  showNumbers({ counts, rate, minute, speed, last_at }) {
    const share = (name, one) => {
      this.say(name, one.of ? percent(one.value) : "–");
      this.say(`${name}-of`, one.of ? `${(100 * one.low).toFixed(1)} to ${percent(one.high)}; `
        + `${whole(one.count)} of ${whole(one.of)} frames` : "none scored");
    };
    share("minute", minute);
    share("rate", rate);
    this.say("speed", speed >= 10 ? whole(Math.round(speed)) : String(+speed.toFixed(1)));
    this.say("last", last_at === null ? "" : `newest at ${clock(last_at)}`);
    const [middle, most] = counts.latency_ms || [];
    this.say("latency", middle === undefined ? "–" : duration(middle));
    this.say("latency-of", middle === undefined ? "" : `99 % within ${duration(most)}`);
    for (const name of ["received", "scored", "waiting", "skipped", "unreadable"]) {
      this.say(name, whole(counts[name]));
    }
    for (const name of ["skipped", "unreadable"]) {
      this.find(name).classList.toggle("some", counts[name] > 0);
    }
  }

  showThreshold({ scores, threshold, words }) {
    this.scores.set({ ...scores, threshold: threshold.now, tried: this.tried });
    this.say("scores-said", `The newest ${whole(scores.of)} frames by the probability of a ${words.one}; `
      + "heights are on a scale of logarithms.");
    this.find("by-recall").hidden = !threshold.knows_recall;
    const next = threshold.chosen ?? threshold.own;
    if (this.tried === null && next !== null) {
      this.put(next);
      const from = threshold.chosen === null ? "the model’s own" : "chosen by hand";
      this.say("would", `In use: ${short(next)}, ${from}. ${this.expected(threshold.expected)}`);
    }
    this.button("use").disabled = this.tried === null;
    this.button("own").disabled = this.tried === null && threshold.chosen === null;
  }

  expected(known) {
    if (!known) return this.now.threshold.own === null ? "" : "Its recall is not known: the model "
      + "has too few labels.";
    const share = ({ value, low, high }) => value === null ? "unknown"
      : `${percent(value)} (${(100 * low).toFixed(0)} to ${percent(high, 0)})`;
    return `Expected by ${known.n_labels} labels: recall ${share(known.recall)}, ${this.now.words.rest_many} kept `
      + `${share(known.misses_kept)}.`;
  }

  put(threshold) {
    const bounded = Math.min(1 - 1e-9, Math.max(1e-9, threshold));
    if (document.activeElement !== this.find("slider")) this.find("slider").value = logit(bounded);
    if (document.activeElement !== this.find("threshold")) {
      this.find("threshold").value = String(+threshold.toPrecision(4));
    }
  }

  showFrames(kind, list) {
    const known = this.frames[kind], place = this.find(kind);
    this.find(`no-${kind}`).hidden = list.length > 0;
    const numbers = new Set(list.map(one => one.number));
    for (const [number, button] of known) {
      if (!numbers.has(number)) {
        button.remove();
        known.delete(number);
      }
    }
    list.forEach((one, i) => {
      if (!known.has(one.number)) known.set(one.number, this.frame(one));
      const button = known.get(one.number);
      if (place.children[i] !== button) place.insertBefore(button, place.children[i] || null);
      button.wasShown = true;
      button.toggleAttribute("data-hit", one.hit);
      button.querySelector(".given").textContent = one.label || "";
      if (one.label) button.dataset.label = one.label; else delete button.dataset.label;
      button.disabled = !this.now.labels;
    });
  }

  frame(one) {
    const button = document.createElement("button"), canvas = document.createElement("canvas");
    button.className = "frame";
    button.title = `${one.name}: look at it, and label it`;
    const line = (name, ...texts) => {
      const span = document.createElement("span");
      span.className = name;
      for (const text of texts) span.append(text);
      return span;
    };
    const given = document.createElement("b");
    given.className = "given";
    button.append(canvas, line("score", short(one.probability), given), line("name", one.name),
      line("quiet", clock(one.at)));
    button.addEventListener("click", () => this.label(one.number));
    this.wanted.push({ number: one.number, canvas, button });
    this.askForPictures();
    return button;
  }

  // The newest first, few at a time: who scores frames needs the machine too.
  async askForPictures() {
    this.wanted = this.wanted.filter(({ button }) => button.isConnected || !button.wasShown);
    while (this.nAsked < MOST_ASKED && this.wanted.length) {
      const { number, canvas, button } = this.wanted.pop();
      this.nAsked++;
      this.ask(`api/frames/${number}/picture`, undefined, LONG_MS).then(
        picture => this.draw(picture, canvas, button),
        error => {
          if (error.isAnswer) this.draw({ error: error.message }, canvas, button);
          else this.wanted.unshift({ number, canvas, button });
        },
      ).finally(() => {
        this.nAsked--;
        this.askForPictures();
      });
    }
  }

  draw({ error, view, layer, scale, range, codes }, canvas, button) {
    if (error) {
      const said = button.querySelector(".name");
      said.classList.add("gone");
      said.textContent = error;
      return;
    }
    const bytes = Uint8Array.from(atob(codes), letter => letter.charCodeAt(0));
    const shown = new Thumbnail(canvas, view);
    shown.set({ layer, isLog: layer === "counts" });
    shown.show({ scales: [scale], countsRange: range, tile: async () => bytes });
    button.dataset.drawn = "";
  }

  showLabels(labels) {
    this.find("label").hidden = !labels;
    if (!labels) return;
    const kinds = Object.entries(labels.counts).map(([name, n]) => `${n} ${name}`).join(", ");
    this.say("labels", `${kinds} in ${labels.path}`);
  }

  showNotices(notices) {
    this.find("notices-card").hidden = !notices.length;
    const items = notices.map(([at, , text]) => {
      const item = document.createElement("li"), when = document.createElement("time");
      when.textContent = clock(at);
      item.append(when, text);
      return item;
    });
    this.find("notices").replaceChildren(...items);
  }

  // -- What is done on it ------------------------------------------------------------------------

  listen() {
    this.find("slider").addEventListener("input", event => {
      this.attempt(+expit(Number(event.target.value)).toPrecision(4));
    });
    this.find("threshold").addEventListener("change", event => {
      const value = Number(event.target.value);
      if (event.target.value !== "" && value >= 0 && value <= 1) this.attempt(value);
    });
    this.button("find").addEventListener("click", () => this.findThreshold());
    this.find("recall").addEventListener("keydown", event => {
      if (event.key === "Enter") this.findThreshold();
    });
    this.button("use").addEventListener("click", () => this.choose(this.tried));
    this.button("own").addEventListener("click", () => this.choose(null));
    this.button("label").addEventListener("click", () => this.label(null));
  }

  // Look at a threshold; what it would change is asked for once the slider rests.
  attempt(threshold) {
    this.tried = threshold;
    this.put(threshold);
    if (this.now) this.showThreshold(this.now);
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.tell(`threshold=${threshold}`), TRY_MS);
  }

  async findThreshold() {
    const recall = Number(this.find("recall").value) / 100;
    const found = await this.tell(`recall=${recall}`);
    if (!found) return;
    this.tried = found.threshold;
    this.put(found.threshold);
    this.showThreshold(this.now);
  }

  async tell(query) {
    try {
      const { threshold, kept, now, expected } = await this.ask(`api/consequences?${query}`);
      const keeps = kept.of ? `keeps ${percent(kept.value)} of the newest ${whole(kept.of)} frames `
        + `instead of ${percent(now.value)}` : "no frame is scored yet";
      this.say("would", `${short(threshold)} ${keeps}. ${this.expected(expected)}`);
      return { threshold };
    } catch (error) {
      this.say("would", error.message);
      return null;
    }
  }

  async choose(threshold) {
    try {
      const now = await this.ask("api/threshold", { threshold });
      clearTimeout(this.waiting);
      this.tried = null;
      document.activeElement?.blur();
      this.show(now);
    } catch (error) {
      this.say("would", error.message);
    }
  }

  async label(frame) {
    if (this.isLeaving) return;
    this.isLeaving = true;
    this.refused = "";
    document.body.classList.add("leaving");
    try {
      const { sitting } = await this.ask("api/label", { frame }, LONG_MS);
      location.href = `label/${sitting}/?token=${encodeURIComponent(this.token)}`;
    } catch (error) {
      this.refused = error.message;
      this.alert(error.message);
    } finally {
      this.isLeaving = false;
      document.body.classList.remove("leaving");
    }
  }
}

const whole = number => number.toLocaleString("en").replaceAll(",", "\u202f");

function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60000)} min`;
}

const live = new LivePage();
live.start();
