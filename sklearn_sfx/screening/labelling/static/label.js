"use strict";
// The page to label on, whatever gives it frames and keeps its labels: a server, or the page itself.
//
// A key counts for the frame that is seen: while a label is being saved and the next frame is on its
// way, keys are not taken.

// Those of labels are the task's, and come before these.
const KEYS = {
  arrowleft: "back", arrowright: "on", j: "next", u: "undo", backspace: "undo", c: "clear",
  delete: "clear", f: "flag", p: "spots", k: "mask", l: "layer", w: "part", s: "colours",
  "+": "zoomIn", "=": "zoomIn", "-": "zoomOut", 0: "fit", "[": "less", "]": "more", "?": "help",
};
const AGAIN_MS = 1000;  // between attempts to reach a server that does not answer
const ZOOM = 1.5;

class NoAnswer extends Error { }

// How many of the labels are of what is looked for, and how many of all else.
function hitsAndMisses(counts, task) {
  const sum = isHit => task.labels.filter(one => one.hit === isHit)
    .reduce((n, { name }) => n + counts[name], 0);
  return [sum(true), sum(false)];
}

class LabelPage {
  constructor(backend) {
    this.backend = backend;
    this.frame = null;
    this.ahead = null;  // the next frame, asked for while this one is looked at
    this.isBusy = false;
  }

  find(id) { return document.getElementById(id); }
  button(name) { return document.querySelector(`[data-do="${name}"]`); }

  async start() {
    try {
      this.run = await this.backend.run();
    } catch (error) {
      this.alert(error.message);
      return;
    }
    const { run } = this;
    this.find("simulated").hidden = !run.simulated;
    this.labels = run.task.labels.map(({ name }) => name);
    this.keys = { ...KEYS };
    for (const { key, name } of run.task.labels) this.keys[key] = name;
    this.view = new FrameView(this.find("frame"), run.view);
    if (run.task.log) this.view.set({ layer: "counts", isLog: true });
    window.sfxView = this.view;  // for whoever looks at it from the console
    const { left, top, width, height } = run.window;
    this.lookedAt = { left, top, width, height };
    const isWhole = width === run.view.width && height === run.view.height;
    this.view.fitted = this.lookedAt;
    this.view.outline = isWhole ? null : this.lookedAt;
    this.view.onZoom = view => this.sayZoom(view);
    this.button("part").hidden = isWhole;
    this.button("mask").hidden = !this.backend.spots;
    this.button("layer").hidden = !this.backend.spots;
    this.button("spots").hidden = !this.backend.spots || !run.task.spots;
    this.button("flag").hidden = !this.backend.spots;
    this.listen();
    await this.act(() => this.go(run.start));
  }

  listen() {
    addEventListener("keydown", event => {
      const name = this.keys[event.key.toLowerCase()];
      const isUndo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
      const isTaken = event.ctrlKey || event.altKey || event.metaKey || event.repeat
        || document.querySelector("dialog[open]") || event.target.matches("select");
      if (isUndo || (name && !isTaken)) {
        event.preventDefault();
        this.press(isUndo ? "undo" : name);
      }
    });
    for (const button of document.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        this.press(button.dataset.label || button.dataset.do);
        button.blur();
      });
    }
    for (const name of ["contrast", "brightness"]) {
      this.find(name).addEventListener("input", event => {
        this.view.set({ [name]: Number(event.target.value) });
      });
    }
    this.find("colours").addEventListener("change", event => {
      this.view.set({ colours: event.target.value });
      event.target.blur();
    });
  }

  press(name) {
    if (this.labels.includes(name)) this.act(() => this.label(name));
    else if (["back", "on", "next", "undo", "clear", "flag", "spots", "end", "stop"]
      .includes(name)) this.act(() => this[name]());
    else this[name]();
  }

  // Do one thing at a time, and say what went wrong.
  async act(what) {
    if (this.isBusy) return;
    this.isBusy = true;
    document.body.dataset.busy = "";
    try {
      await what();
    } catch (error) {
      this.alert(error.message);
    } finally {
      this.isBusy = false;
      delete document.body.dataset.busy;
    }
  }

  // Ask for as long as nobody answers. What waits for the answer is said.
  async until(ask, waits = "") {
    for (; ;) {
      try {
        const answer = await ask();
        this.alert("");
        return answer;
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        this.alert(`${error.message} ${waits}Trying again …`);
        await new Promise(resolve => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  alert(text) {
    this.find("alert").textContent = text;
    this.find("alert").hidden = !text;
  }

  // -- From frame to frame ---------------------------------------------------------------------

  async go(place) {
    const ahead = this.ahead;
    this.ahead = null;
    const known = ahead?.place === place ? await ahead.frame.catch(() => null) : null;
    const frame = known || await this.until(() => this.backend.frame(place));
    if (known) frame.progress = this.frame.progress;  // that of the answer to the last key
    this.frame = frame;
    this.tell();
    if (frame.unreadable) this.view.clear();
    else await this.until(() => this.view.show(this.backend.picture(frame)));
    this.button("spots").ariaPressed = false;
    this.lookAhead(place);
  }

  // Ask for the next frame, and for what will be seen of it.
  async lookAhead(place) {
    try {
      const next = await this.backend.next(place);
      if (next === null || this.frame.place !== place) return;
      this.ahead = { place: next, frame: this.backend.frame(next) };
      const frame = await this.ahead.frame;
      if (!frame.unreadable) await this.view.fetch(this.backend.picture(frame));
    } catch { }  // it is asked for again when it is shown
  }

  async label(name) {
    if (!this.frame || this.frame.unreadable) return;
    await this.change({ label: name });
    if (this.frame.next === null) this.tell();
    else await this.go(this.frame.next);
  }

  async change(change) {
    this.frame = await this.until(() => this.backend.change(this.frame.place, change),
      "What you pressed last is not saved yet. ");
    this.tell();
  }

  clear() { return this.change({ label: null }); }
  flag() { return this.backend.spots && this.change({ flag: !this.frame.flagged }); }

  back() { return this.step(-1); }
  on() { return this.step(1); }

  async step(by) {
    const place = this.frame.place + by;
    if (place >= 0 && place < this.run.n_places) await this.go(place);
  }

  async next() {
    const place = await this.until(() => this.backend.next(this.frame.place));
    if (place !== null) await this.go(place);
  }

  async undo() {
    const place = await this.backend.undo().catch(error => {  // asked twice it might undo two
      if (!(error instanceof NoAnswer)) throw error;
      throw new Error(`${error.message} It is not known whether a label was undone.`);
    });
    this.ahead = null;
    if (place !== null) await this.go(place);
  }

  // -- How it is shown -------------------------------------------------------------------------

  part() { this.toggle("part", this.view.fitted !== this.lookedAt); }
  mask() { this.toggle("mask", !this.view.masked); }
  layer() { this.toggle("layer", this.view.layer !== "local"); }

  toggle(name, isOn) {
    if (this.button(name).hidden) return;
    this.button(name).ariaPressed = isOn;
    if (name === "part") this.view.fit(isOn ? this.lookedAt : this.view.whole);
    if (name === "mask") this.view.set({ masked: isOn });
    if (name === "layer") this.view.set({ layer: isOn ? "local" : "counts" });
  }

  async spots() {
    if (this.button("spots").hidden || this.frame.unreadable) return;
    const isOn = this.button("spots").ariaPressed !== "true";
    this.view.set({ spots: isOn ? await this.backend.spots(this.frame.place) : [] });
    this.button("spots").ariaPressed = isOn;
  }

  zoomIn() { this.view.zoom(ZOOM); }
  zoomOut() { this.view.zoom(1 / ZOOM); }
  fit() { this.view.fit(this.view.fitted); }
  less() { this.slide(-0.1); }
  more() { this.slide(0.1); }

  slide(by) {
    const slider = this.find("contrast");
    slider.value = Number(slider.value) + by;
    slider.dispatchEvent(new Event("input"));
  }

  colours() {
    const select = this.find("colours");
    select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
    select.dispatchEvent(new Event("change"));
  }

  help() { this.find("help").showModal(); }
  close() { for (const one of document.querySelectorAll("dialog")) one.close(); }

  sayZoom(view) {
    const shown = view.scale / (devicePixelRatio || 1);
    const spots = view.spots.length ? `${view.spots.length} spots found · ` : "";
    this.find("over").textContent = `${spots}${Math.round(100 * shown)} %`;
  }

  // -- What is said ----------------------------------------------------------------------------

  tell() {
    const { frame, run } = this, { progress } = frame, { counts } = progress;
    this.find("title").textContent = `${frame.file} [${frame.number}]`;
    this.find("given").textContent = frame.label || "";
    this.find("given").hidden = !frame.label;
    this.find("given").dataset.label = frame.label || "";
    this.find("flagged").hidden = !frame.flagged;
    const kinds = Object.entries(counts).map(([name, n]) => `${n} ${name}`).join(", ");
    this.find("counts").textContent = `${progress.labelled} labelled: ${kinds}`;
    this.find("progress").value = Math.min(1, progress.labelled / progress.wanted);
    for (const button of document.querySelectorAll("[data-label]")) {
      button.ariaPressed = button.dataset.label === frame.label;
      button.disabled = Boolean(frame.unreadable);
    }
    this.button("clear").disabled = !frame.label;
    this.button("flag").ariaPressed = Boolean(frame.flagged);
    this.find("gone").hidden = !frame.unreadable;
    this.find("gone").textContent =
      `This frame cannot be read, and is skipped. ${frame.unreadable || ""}`;
    const isOver = progress.enough || progress.labelled >= progress.wanted || frame.next === null;
    this.find("enough").hidden = !isOver;
    this.find("enough").textContent = this.enough(progress, frame);
    const saved = run.labels ? `Saved in ${run.labels}. ` : "This browser remembers the labels. ";
    this.find("status").textContent = `${saved}Frame ${frame.place + 1} of ${run.n_places}, `
      + `${run.order}.`;
  }

  enough({ counts, labelled, wanted, enough }, frame) {
    const isAll = frame.next === null ? "Every frame here is labelled. " : "";
    const { task } = this.run, [hits, misses] = hitsAndMisses(counts, task);
    const found = `${hits} ${task.hits} and ${misses} ${task.misses}`;
    if (enough) return `${isAll}${found}: enough for now.`;
    const want = `label until there are ${this.run.enough_from} ${task.hits} and as many `
      + task.misses;
    return `${isAll}${labelled} of ${wanted} labelled, with ${found}: ${want}.`;
  }

  // A page in a file saves its labels; a served one ends.
  async end() {
    if (!this.backend.spots) {
      await this.backend.end();
      return;
    }
    const { counts, labelled } = this.frame.progress;
    const kinds = Object.entries(counts).map(([name, n]) => `${n} ${name}`).join(", ");
    this.find("summary").textContent = `${labelled} labels are saved in ${this.run.labels}: `
      + `${kinds}. `
      + (this.run.then
        || "Train with 'sfx train', and come back with the same command to label more.");
    this.find("end").showModal();
  }

  async stop() {
    await this.backend.end();
    if (this.run.back) {
      this.backend.leave(this.run.back);
      return;
    }
    this.close();
    const said = document.createElement("p");
    said.className = "ended";
    said.textContent = `${this.find("summary").textContent} You may close this page.`;
    document.body.append(said);
    document.body.classList.add("ended");
  }
}
