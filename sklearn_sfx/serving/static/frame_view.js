"use strict";
// A frame on a canvas, drawn from tiles: zoom, pan, contrast, colours, mask, spots.
//
// A tile is one byte to a pixel, 0 where there is none. Levels are ever coarser, each with the
// highest of two by two pixels of the level before, so that a spot of one pixel is always seen.

const MASKED = [156, 201, 240];
// Colours from low to high, evenly spaced.
const COLOURS = {
  grey: [[255, 255, 255], [0, 0, 0]],
  inverted: [[0, 0, 0], [255, 255, 255]],
  viridis: [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]],
  inferno: [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]],
};
const LOCAL_RANGE = [1.5, 8];  // of the noise: what is drawn in the lowest and the highest colour
const MOST_ZOOM = 40;  // pixels of the screen along one of the frame
const LEAST_PIXEL = 1.25;  // of the page, along one that is drawn: a spot may have no more
const MARGIN = 0.02;  // around what is fitted, of the canvas
const MOST_PALETTES = 50;
const SPOT_RADIUS = 9;  // of the circle around a spot, in pixels of the page

class FrameView {
  constructor(canvas, facts) {
    this.canvas = canvas;
    this.facts = facts;
    this.whole = { left: 0, top: 0, width: facts.width, height: facts.height };
    this.layer = "local";
    this.isLog = false;  // whether the layer of counts is drawn on a logarithmic scale
    this.masked = true;
    this.colours = "grey";
    this.contrast = 0;  // powers of ten
    this.brightness = 0;
    this.outline = null;
    this.spots = [];
    this.picture = null;
    this.fitted = this.whole;
    this.pointers = new Map();
    this.palettes = new Map();
    this.onZoom = () => { };
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.listen();
  }

  // A picture has tile(layer, level, row, column, masked), which promises bytes, and
  // scales and countsRange.
  async show(picture) {
    this.picture = picture;
    this.spots = [];
    this.fit(this.fitted);
    await this.drawn();
  }

  clear() {
    this.picture = null;
    this.spots = [];
    this.draw();
  }

  set(changes) {
    Object.assign(this, changes);
    this.draw();
  }

  // -- What is seen ----------------------------------------------------------------------------

  fit(part) {
    this.fitted = part;
    const { width, height } = this.canvas;
    this.scale = (1 - 2 * MARGIN) * Math.min(width / part.width, height / part.height);
    this.left = part.left + part.width / 2 - width / this.scale / 2;
    this.top = part.top + part.height / 2 - height / this.scale / 2;
    this.isFitted = true;
    this.draw();
  }

  resize() {
    const ratio = devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    const width = Math.max(1, Math.round(box.width * ratio));
    const height = Math.max(1, Math.round(box.height * ratio));
    if (width === this.canvas.width && height === this.canvas.height) return;
    Object.assign(this.canvas, { width, height });
    if (this.isFitted || !this.scale) this.fit(this.fitted); else this.draw();
  }

  // Zoom so that the pixel at (x, y) of the canvas stays where it is.
  zoom(factor, x = this.canvas.width / 2, y = this.canvas.height / 2) {
    const least = 0.5 * Math.min(
      this.canvas.width / this.facts.width, this.canvas.height / this.facts.height);
    const scale = Math.min(MOST_ZOOM, Math.max(least, this.scale * factor));
    this.left += x / this.scale - x / scale;
    this.top += y / this.scale - y / scale;
    this.scale = scale;
    this.moved();
  }

  pan(dx, dy) {
    this.left -= dx / this.scale;
    this.top -= dy / this.scale;
    this.moved();
  }

  moved() {
    const { width, height } = this.canvas;
    const keep = (value, seen, length) => Math.min(length - seen / 2, Math.max(-seen / 2, value));
    this.left = keep(this.left, width / this.scale, this.facts.width);
    this.top = keep(this.top, height / this.scale, this.facts.height);
    this.isFitted = false;
    this.draw();
  }

  at(event) {
    const ratio = devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
  }

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener("wheel", event => {
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode ? 16 : 1);
      this.zoom(Math.exp(-pixels * 0.002), ...this.at(event));
    }, { passive: false });
    canvas.addEventListener("pointerdown", event => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, this.at(event));
    });
    canvas.addEventListener("pointermove", event => {
      if (!this.pointers.has(event.pointerId)) return;
      const before = this.pinch();
      this.pointers.set(event.pointerId, this.at(event));
      const after = this.pinch();
      this.pan(after.x - before.x, after.y - before.y);
      if (before.apart && after.apart) this.zoom(after.apart / before.apart, after.x, after.y);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, event => this.pointers.delete(event.pointerId));
    }
  }

  // Middle of the fingers, and how far two are apart.
  pinch() {
    const [one, other] = [...this.pointers.values()];
    if (!other) return { x: one[0], y: one[1], apart: 0 };
    return {
      x: (one[0] + other[0]) / 2,
      y: (one[1] + other[1]) / 2,
      apart: Math.hypot(one[0] - other[0], one[1] - other[1]),
    };
  }

  // -- Tiles -----------------------------------------------------------------------------------

  // The finest level of which a pixel is large enough on the page to be seen.
  level() {
    const shown = this.scale / (devicePixelRatio || 1);
    const level = Math.ceil(Math.log2(LEAST_PIXEL / shown));
    return Math.min(this.facts.levels - 1, Math.max(0, level));
  }

  // Tiles of a level that are seen.
  visible(level) {
    const side = this.facts.tile * 2 ** level, found = [];
    const last = length => Math.ceil(length / side) - 1;
    const first = at => Math.max(0, Math.floor(at / side));
    const right = this.left + this.canvas.width / this.scale;
    const bottom = this.top + this.canvas.height / this.scale;
    const lastRow = Math.min(last(this.facts.height), Math.floor(bottom / side));
    const lastColumn = Math.min(last(this.facts.width), Math.floor(right / side));
    for (let row = first(this.top); row <= lastRow; row++) {
      for (let column = first(this.left); column <= lastColumn; column++) {
        found.push({ level, row, column });
      }
    }
    return found;
  }

  // Rows and columns of a tile, which are fewer at the edge of the frame.
  shape({ level, row, column }) {
    const of = (length, place) => {
      for (let i = 0; i < level; i++) length = Math.ceil(length / 2);
      return Math.min(this.facts.tile, length - place * this.facts.tile);
    };
    return [of(this.facts.height, row), of(this.facts.width, column)];
  }

  // Ask a picture for what would be seen of it, so that it is there when it is shown.
  fetch(picture) {
    const tiles = [...this.visible(this.facts.levels - 1), ...this.visible(this.level())];
    return Promise.all(tiles.map(tile => this.tileOf(picture, tile).promise));
  }

  async drawn() {
    const picture = this.picture;
    if (picture) await this.fetch(picture);
    this.draw();
  }

  tileOf(picture, { level, row, column }) {
    const key = [this.layer, this.masked, level, row, column].join();
    picture.tiles ??= new Map();
    if (!picture.tiles.has(key)) {
      const tile = { codes: null };
      tile.promise = picture.tile(this.layer, level, row, column, this.masked).then(codes => {
        tile.codes = codes;
        if (picture === this.picture) this.draw();
      }, error => {
        picture.tiles.delete(key);  // asked for again the next time
        throw error;
      });
      tile.promise.catch(() => { });
      picture.tiles.set(key, tile);
    }
    return picture.tiles.get(key);
  }

  // -- Drawing ---------------------------------------------------------------------------------

  draw() {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.paint();
    });
  }

  paint() {
    const context = this.canvas.getContext("2d"), { scale } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = getComputedStyle(this.canvas).backgroundColor;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.onZoom(this);
    if (!this.picture || !scale) return;
    context.save();
    context.beginPath();
    context.rect(-this.left * scale, -this.top * scale,
      this.facts.width * scale, this.facts.height * scale);
    context.clip();
    const level = this.level(), coarsest = this.facts.levels - 1;
    for (let one = coarsest; one >= level; one--) {
      context.imageSmoothingEnabled = scale * 2 ** one < 1;
      const palette = this.palette(one);
      for (const place of this.visible(one)) {
        const isWanted = one === level || one === coarsest;
        const tile = isWanted ? this.tileOf(this.picture, place) : null;
        if (tile?.codes) this.paintTile(context, tile, place, palette);
      }
    }
    context.restore();
    this.paintMarks(context);
  }

  paintTile(context, tile, place, palette) {
    const [height, width] = this.shape(place);
    if (tile.palette !== palette) {
      tile.canvas ??= Object.assign(document.createElement("canvas"), { width, height });
      const image = new ImageData(width, height), pixels = new Uint32Array(image.data.buffer);
      for (let i = 0; i < pixels.length; i++) pixels[i] = palette[tile.codes[i]];
      tile.canvas.getContext("2d").putImageData(image, 0, 0);
      tile.palette = palette;
    }
    const size = 2 ** place.level, side = this.facts.tile * size;
    const x = (place.column * side - this.left) * this.scale;
    const y = (place.row * side - this.top) * this.scale;
    context.drawImage(tile.canvas, x, y, width * size * this.scale, height * size * this.scale);
  }

  paintMarks(context) {
    const ratio = devicePixelRatio || 1, { scale } = this;
    context.lineWidth = 1.5 * ratio;
    if (this.outline) {
      const { left, top, width, height } = this.outline;
      context.setLineDash([6 * ratio, 4 * ratio]);
      context.strokeStyle = "#1d4ed8";
      context.strokeRect((left - this.left) * scale, (top - this.top) * scale,
        width * scale, height * scale);
      context.setLineDash([]);
    }
    context.strokeStyle = "#dc2626";
    for (const [row, column] of this.spots) {
      context.beginPath();
      context.arc((column + 0.5 - this.left) * scale, (row + 0.5 - this.top) * scale,
        Math.max(SPOT_RADIUS * ratio, 4 * scale), 0, 2 * Math.PI);
      context.stroke();
    }
  }

  // A colour for each byte of a level, made anew only where something has changed.
  palette(level) {
    const isLocal = this.layer === "local";
    const range = isLocal ? LOCAL_RANGE : this.picture.countsRange || [0, 1];
    const [middle, spread] = isLocal ? this.picture.scales[level] : [0, 1];
    // Bytes grow with the logarithm of what they stand for, but around zero.
    const isLog = !isLocal && this.isLog, scaled = isLog ? Math.asinh : value => value;
    const [first, last] = range.map(scaled);
    const width = (last - first) * 10 ** -this.contrast;
    const low = first - this.brightness * width;
    const made = [low, width, middle, spread, isLog, this.colours].join();
    if (this.palettes.size > MOST_PALETTES) this.palettes.clear();
    if (!this.palettes.has(made)) {
      const colours = new Uint32Array(256);
      for (let code = 0; code < 256; code++) {
        const value = scaled(
          (Math.sinh((code - this.facts.zero) * this.facts.step) - middle) / spread);
        const [red, green, blue] = code === 0 ? MASKED : this.colour((value - low) / width);
        colours[code] = (255 << 24 | blue << 16 | green << 8 | red) >>> 0;
      }
      this.palettes.set(made, colours);
    }
    return this.palettes.get(made);
  }

  // The colour at a share of the way from the lowest to the highest.
  colour(share) {
    const anchors = COLOURS[this.colours], last = anchors.length - 1;
    const along = last * Math.min(1, Math.max(0, share));
    const one = Math.min(last - 1, Math.floor(along)), rest = along - one;
    return anchors[one].map((low, i) => Math.round(low + rest * (anchors[one + 1][i] - low)));
  }
}
