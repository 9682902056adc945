"use strict";
// The frames and labels of a server. The token of the page's address goes with every request, and
// what is asked for lies below that address.

class ServedFrames {
  constructor() {
    this.token = new URLSearchParams(location.search).get("token") || "";
    this.pictures = new Map();
  }

  async ask(path, options = {}) {
    let answer;
    try {
      answer = await fetch(path, {
        ...options,
        headers: { Authorization: `Bearer ${this.token}`, ...options.headers },
      });
    } catch (error) {
      throw new NoAnswer("The server does not answer.");
    }
    if (answer.status === 403) throw new Error(await answer.text());
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}));
      throw new Error(said.error || `The server failed (${answer.status}).`);
    }
    return answer;
  }

  async json(path, sent) {
    const options = sent === undefined ? {} : {
      method: "POST",
      body: JSON.stringify(sent),
      headers: { "Content-Type": "application/json" },
    };
    return (await this.ask(path, options)).json();
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
          const answer = await this.ask(`${path}?mask=${masked ? 1 : 0}`);
          return new Uint8Array(await answer.arrayBuffer());
        },
      });
      // Only the last few are held.
      if (this.pictures.size > 4) this.pictures.delete(this.pictures.keys().next().value);
    }
    return this.pictures.get(place);
  }
}

new LabelPage(new ServedFrames()).start();
