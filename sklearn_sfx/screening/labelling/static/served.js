"use strict";
// The frames and labels of a server. The token of the page's address goes with every request, and
// what is asked for lies below that address.

class ServedFrames {
  constructor() {
    this.token = new URLSearchParams(location.search).get("token") || "";
    this.pictures = new Map();
  }

  // The answer whole, read by `read`: one that breaks off midway is none.
  async ask(path, read, options = {}) {
    let answer, said;
    try {
      answer = await fetch(path, {
        ...options,
        headers: { Authorization: `Bearer ${this.token}`, ...options.headers },
      });
      said = await (answer.ok ? read(answer) : answer.text());
    } catch (error) {
      throw new NoAnswer("The server does not answer.");
    }
    if (answer.ok) return said;
    throw new Error(answer.status === 403 ? said : this.fault(said, answer.status));
  }

  fault(said, status) {
    try {
      return JSON.parse(said).error;
    } catch {
      return `The server failed (${status}).`;
    }
  }

  json(path, sent) {
    const options = sent === undefined ? {} : {
      method: "POST",
      body: JSON.stringify(sent),
      headers: { "Content-Type": "application/json" },
    };
    return this.ask(path, answer => answer.json(), options);
  }

  run() { return this.json("api/run"); }
  frame(place) { return this.json(`api/frames/${place}`); }
  change(place, change) { return this.json(`api/frames/${place}`, change); }
  async next(place) { return (await this.json(`api/frames/${place}/next`)).place; }
  async undo() { return (await this.json("api/undo", {})).place; }
  async spots(place) { return (await this.json(`api/frames/${place}/spots`)).spots; }
  end() { return this.json("api/stop", {}); }
  leave(where) { location.href = `${where}?token=${encodeURIComponent(this.token)}`; }

  picture(frame) {
    const { place } = frame;
    if (!this.pictures.has(place)) {
      this.pictures.set(place, {
        countsRange: frame.counts_range,
        scales: frame.scales,
        tile: async (layer, level, row, column, masked) => {
          const path = `api/frames/${place}/${layer}/${level}/${row}/${column}`;
          const asked = `${path}?mask=${masked ? 1 : 0}`;
          return new Uint8Array(await this.ask(asked, answer => answer.arrayBuffer()));
        },
      });
      // Only the last few are held.
      if (this.pictures.size > 4) this.pictures.delete(this.pictures.keys().next().value);
    }
    return this.pictures.get(place);
  }
}

new LabelPage(new ServedFrames()).start();
