"use strict";
// The two charts of the live page, each on a canvas.

const INK = "#1c1917", QUIET = "#57534e", LINE = "#e7e5e4", HIT = "#15803d", BAND = "#bbf7d0";
const BAR = "#a8a29e", MARK = "#1d4ed8", TRIED = "#b45309";
const SHARES = [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999];  // of the axis of scores

const logit = share => Math.log(share / (1 - share));
const expit = value => 1 / (1 + Math.exp(-value));
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
const clock = at => new Date(1000 * at).toLocaleTimeString([], { hour12: false });

class Chart {
  constructor(canvas, draw) {
    this.canvas = canvas;
    this.paint = draw;
    this.data = null;
    this.pointer = null;
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("pointermove", event => this.pointTo(event));
    canvas.addEventListener("pointerleave", () => { this.pointer = null; this.draw(); });
  }

  pointTo(event) {
    this.pointer = event.clientX - this.canvas.getBoundingClientRect().left;
    this.draw();
  }

  set(data) { this.data = data; this.draw(); }

  draw() {
    const ratio = devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    const width = Math.max(1, Math.round(box.width * ratio));
    const height = Math.max(1, Math.round(box.height * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      Object.assign(this.canvas, { width, height });
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, box.width, box.height);
    const size = parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.8;
    pen.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
    pen.lineJoin = "round";
    if (this.data) this.paint(pen, box.width, box.height, this.data, size);
  }
}

// A step between marks of an axis: 1, 2 or 5 times a power of ten, at most so many in a span.
function step(span, most) {
  const rough = span / most, power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map(times => times * power).find(one => one >= rough);
}

function drawHistory(pen, width, height, { points, binWidth }, size) {
  if (!points.length) return;
  const left = 3.6 * size, right = width - 0.5 * size, top = 0.6 * size, bottom = height - 1.7 * size;
  const known = points.filter(one => one.of >= 5);
  const shown = known.length ? known : points;
  const highest = Math.max(...shown.map(one => one.value));
  const most = Math.min(1, Math.max(0.02, 1.3 * highest,
    shown.map(one => one.high).sort((a, b) => a - b)[Math.floor(0.7 * shown.length)]));
  const from = points[0].at - binWidth / 2;
  const until = Math.max(points.at(-1).at + binWidth / 2, from + 10);
  const x = at => left + (at - from) / (until - from) * (right - left);
  const y = share => bottom - Math.min(1, share / most) * (bottom - top);
  axisOfShares(pen, most, left, right, y, size);
  axisOfTimes(pen, from, until, x, bottom, size);
  for (const part of runs(points, 3 * binWidth)) {
    pen.fillStyle = BAND;
    pen.beginPath();
    const edges = part.length > 1 ? part
      : [{ ...part[0], at: part[0].at - binWidth / 2 }, { ...part[0], at: part[0].at + binWidth / 2 }];
    for (const one of edges) pen.lineTo(x(one.at), y(one.high));
    for (const one of [...edges].reverse()) pen.lineTo(x(one.at), y(one.low));
    pen.fill();
    pen.strokeStyle = HIT;
    pen.lineWidth = size / 7;
    pen.beginPath();
    for (const one of edges) pen.lineTo(x(one.at), y(one.value));
    pen.stroke();
  }
  if (this.pointer === null) return;
  const near = points.reduce((a, b) =>
    Math.abs(x(a.at) - this.pointer) < Math.abs(x(b.at) - this.pointer) ? a : b);
  pen.strokeStyle = QUIET;
  pen.lineWidth = 1;
  pen.strokeRect(x(near.at), top, 0, bottom - top);
  const said = `${clock(near.at)}: ${percent(near.value)} (${(100 * near.low).toFixed(1)} to `
    + `${percent(near.high)}) of ${near.of}`;
  const wide = pen.measureText(said).width, at = Math.min(right - wide, Math.max(left, x(near.at) + 6));
  pen.fillStyle = "#ffffffe0";
  pen.fillRect(at - 3, top, wide + 6, 1.5 * size);
  pen.fillStyle = INK;
  pen.textAlign = "left";
  pen.fillText(said, at, top + 1.1 * size);
}

function axisOfShares(pen, most, left, right, y, size) {
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  const by = step(most, 4);
  for (let share = 0; share <= most * 1.0001; share += by) {
    pen.strokeStyle = LINE;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(left, y(share));
    pen.lineTo(right, y(share));
    pen.stroke();
    pen.fillStyle = QUIET;
    pen.fillText(`${+(100 * share).toFixed(1)} %`, left - 0.4 * size, y(share));
  }
  pen.textBaseline = "alphabetic";
}

function axisOfTimes(pen, from, until, x, bottom, size) {
  const steps = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400];
  const most = Math.max(2, Math.floor((x(until) - x(from)) / (7 * size)));
  const by = steps.find(one => (until - from) / one <= most) || 86400;
  pen.fillStyle = QUIET;
  pen.textAlign = "center";
  const offset = 60 * new Date(1000 * from).getTimezoneOffset();
  for (let at = Math.ceil((from - offset) / by) * by + offset; at <= until; at += by) {
    const half = 2.2 * size;
    if (x(at) - half < x(from) || x(at) + half > x(until)) continue;
    pen.fillText(by >= 60 ? clock(at).slice(0, 5) : clock(at), x(at), bottom + 1.3 * size);
  }
}

// Points without a gap between them.
function runs(points, gap) {
  const parts = [];
  for (const one of points) {
    if (!parts.length || one.at - parts.at(-1).at(-1).at > gap) parts.push([]);
    parts.at(-1).push(one);
  }
  return parts;
}

// The ends of the slider below are half a thumb inside of its box.
const THUMB = 8;

function drawScores(pen, width, height, { edges, counts, threshold, tried }, size) {
  const left = THUMB, right = width - THUMB, top = 1.5 * size, bottom = height - 1.6 * size;
  const low = edges[0], high = edges.at(-1);
  const x = value => left + (Math.min(high, Math.max(low, value)) - low) / (high - low) * (right - left);
  const most = Math.log1p(Math.max(1, ...counts));
  const kept = tried ?? threshold;
  counts.forEach((count, i) => {
    if (!count) return;
    const tall = Math.max(1, Math.log1p(count) / most * (bottom - top));
    const isKept = kept !== null && (edges[i] + edges[i + 1]) / 2 >= logit(kept);
    pen.fillStyle = isKept ? HIT : BAR;
    pen.fillRect(x(edges[i]) + 0.5, bottom - tall, x(edges[i + 1]) - x(edges[i]) - 1, tall);
  });
  pen.strokeStyle = LINE;
  pen.strokeRect(left, bottom, right - left, 0);
  pen.fillStyle = QUIET;
  pen.textAlign = "center";
  for (const share of SHARES) {
    pen.fillText(String(share), Math.min(right - size, Math.max(left + size, x(logit(share)))),
      bottom + 1.3 * size);
  }
  const lineAt = (value, colour, said, row) => {
    if (value === null) return;
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(x(logit(value)), top - 0.3 * size);
    pen.lineTo(x(logit(value)), bottom);
    pen.stroke();
    pen.textAlign = x(logit(value)) > width / 2 ? "right" : "left";
    pen.fillText(said, x(logit(value)) + (pen.textAlign === "right" ? -5 : 5), row * size);
  };
  lineAt(threshold, MARK, `in use ${short(threshold)}`, 1);
  lineAt(tried, TRIED, `tried ${short(tried)}`, 2.3);
}

// A probability in few digits.
function short(value) {
  if (value === null) return "";
  return value > 0 && value < 0.001 ? value.toExponential(1) : String(+value.toPrecision(3));
}
