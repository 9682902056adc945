"use strict";
// The frames and labels of a page that is one file: the frames are in it, and the browser remembers
// the labels, each under the content of its frame, so that a page with more frames knows them too.

class FramesInPage {
  constructor(shown) {
    this.shown = shown;
    this.levels = new Map();
    this.done = [];
    this.labels = shown.frames.map(frame => this.remembered(frame.key));
  }

  remembered(key) {
    // A browser may forbid pages on disk to remember.
    try { return localStorage.getItem(key); } catch { return null; }
  }

  remember(place, label) {
    const { key } = this.shown.frames[place];
    this.labels[place] = label;
    try {
      if (label) localStorage.setItem(key, label); else localStorage.removeItem(key);
    } catch { }
  }

  async run() { return { ...this.shown.facts, start: Math.max(0, this.following(-1) ?? 0) }; }

  async frame(place) {
    const { file, number } = this.shown.frames[place];
    return { place, file, number, label: this.labels[place], progress: this.progress() };
  }

  async change(place, { label }) {
    this.done.push([place, this.labels[place]]);
    this.remember(place, label);
    return { ...await this.frame(place), next: this.following(place) };
  }

  async next(place) { return this.following(place); }

  async undo() {
    if (!this.done.length) return null;
    const [place, label] = this.done.pop();
    this.remember(place, label);
    return place;
  }

  following(place) {
    const n = this.labels.length;
    for (let i = 1; i <= n; i++) {
      if (!this.labels[(place + i) % n]) return (place + i) % n;
    }
    return null;
  }

  progress() {
    const count = name => this.labels.filter(label => label === name).length;
    const { enough_from, task } = this.shown.facts;
    const counts = Object.fromEntries(task.labels.map(({ name }) => [name, count(name)]));
    const labelled = this.labels.filter(label => label).length;
    const [hits, misses] = hitsAndMisses(counts, task);
    return {
      counts,
      labelled,
      wanted: this.labels.length,
      enough: Math.min(hits, misses) >= enough_from,
    };
  }

  picture(frame) {
    const { place } = frame;
    if (!this.levels.has(place)) {
      this.levels.set(place, this.unpacked(this.shown.frames[place].codes));
      if (this.levels.size > 4) this.levels.delete(this.levels.keys().next().value);
    }
    const levels = this.levels.get(place), { tile } = this.shown.facts.view;
    return {
      scales: this.shown.frames[place].scales,
      countsRange: this.shown.frames[place].countsRange,
      tile: async (layer, level, row, column) => {
        const { codes, width, height } = (await levels)[level];
        const rows = Math.min(tile, height - row * tile);
        const columns = Math.min(tile, width - column * tile);
        const part = new Uint8Array(rows * columns);
        for (let i = 0; i < rows; i++) {
          const start = (row * tile + i) * width + column * tile;
          part.set(codes.subarray(start, start + columns), i * columns);
        }
        return part;
      },
    };
  }

  async unpacked(text) {
    const { width, height, levels } = this.shown.facts.view;
    const packed = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const codes = new Uint8Array(await new Response(stream).arrayBuffer());
    const all = [{ codes, width, height }];
    while (all.length < levels) all.push(coarser(all.at(-1)));
    return all;
  }

  text() {
    return this.shown.frames.map(({ file, number, weight }, i) =>
      this.labels[i] ? `${file} [${number}] ${this.labels[i]}${weight}\n` : "").join("");
  }

  async end() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.text()], { type: "text/plain" }));
    link.download = "labels.txt";
    link.click();
  }
}

// The highest of two by two pixels.
function coarser({ codes, width, height }) {
  const columns = Math.ceil(width / 2), rows = Math.ceil(height / 2);
  const out = new Uint8Array(rows * columns);
  for (let i = 0; i < height; i++) {
    const start = (i >> 1) * columns;
    for (let j = 0; j < width; j++) {
      const code = codes[i * width + j], place = start + (j >> 1);
      if (code > out[place]) out[place] = code;
    }
  }
  return { codes: out, width: columns, height: rows };
}

const framesInPage = new FramesInPage(JSON.parse(document.getElementById("shown").textContent));
new LabelPage(framesInPage).start();
