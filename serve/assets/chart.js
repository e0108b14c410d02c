// The settling chart: the score of each candidate by layer.  A line ends where its candidate is decided.
//
// One line is in the tab order at a time; arrow keys go through them by rank.

import { change, draw, plural, shorten } from "./dom.js";

const MARKS = {
  selected: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z",
  reached: "M-4.5 -4.5h9v9h-9Z",
  missed: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
  dropped: "M-4 -4L4 4M-4 4L4 -4",
  active: "M0 -5L5 0L0 5L-5 0Z",
};

export const OUTCOMES = {
  selected: "selected early",
  reached: "in the best after all layers",
  missed: "not in the best after all layers",
  dropped: "dropped",
  active: "undecided",
};

const LABEL_STEP = 17;
const CHARACTER = 6.6; // width of one, about

export class Chart {
  constructor(svg, { onPick }) {
    this.svg = svg;
    this.onPick = onPick;
    this.lines = new Map(); // document -> {group, path, halo, mark, leader, label}
    this.order = []; // documents of the lines, best first
    this.current = null; // the one in the tab order
    this.background = draw("g", { "aria-hidden": "true" });
    this.band = draw("path", { class: "band" });
    this.labels = draw("g", { "aria-hidden": "true" });
    this.group = draw("g");
    svg.append(this.background, this.band, this.group, this.labels);
    svg.addEventListener("keydown", (event) => this.#walk(event));
    new ResizeObserver(() => this.view && this.show(this.view)).observe(svg);
  }

  show(view) {
    this.view = view;
    const { run } = view;
    this.#measure(view);
    this.#drawBackground(view);
    this.order = view.drawn();
    const wanted = new Set(this.order);
    for (const [document, line] of this.lines) {
      if (wanted.has(document) && line.run === run) continue;
      line.group.remove();
      line.label.remove();
      line.leader.remove();
      this.lines.delete(document);
    }
    for (const document of this.order) if (!this.lines.has(document)) this.#add(document, run);
    if (!wanted.has(this.current) || !this.#hasFocus()) this.current = this.order[0];
    for (const document of this.order) this.#drawLine(view, document);
    this.#raiseBest(view);
    this.#drawLabels(view);
    this.#drawBand(view, wanted);
    change(this.svg, { "aria-label": this.summary(view) });
  }

  markOf(outcome) {
    return MARKS[outcome];
  }

  summary(view) {
    const { run } = view;
    return `Scores of ${this.order.length} of ${run.n} texts over ${view.layer} of ${run.nLayers} layers. Arrow keys go through the lines.`;
  }

  // ---- Where things are ----

  #measure(view) {
    const width = Math.max(260, this.svg.clientWidth || 720);
    const isNarrow = width < 560;
    const height = isNarrow ? 330 : 420;
    this.box = {
      left: 44,
      right: isNarrow ? width - 42 : width - Math.min(320, width * 0.38),
      top: 16,
      bottom: height - 44,
      width,
      isNarrow,
    };
    change(this.svg, { viewBox: `0 0 ${width} ${height}`, height });
    const values = view.drawn().flatMap((document) => view.pointsOf(document).map((point) => point.score));
    let low = Math.min(...values);
    let high = Math.max(...values);
    if (!values.length) [low, high] = [-1, 1];
    const room = Math.max((high - low) * 0.06, 0.05);
    this.low = low - room;
    this.high = high + room;
    this.nLayers = Math.max(view.run.nLayers, 2);
  }

  #x(layer) {
    return this.box.left + 8 + ((this.box.right - this.box.left - 16) * (layer - 1)) / (this.nLayers - 1);
  }

  /** Where nobody has computed any more: at the axis when a deadline passed before the first layer. */
  #savedFrom(view) {
    return Math.max(this.box.left, this.#x(view.run.layer));
  }

  #y(score) {
    return this.box.bottom - ((this.box.bottom - this.box.top) * (score - this.low)) / (this.high - this.low);
  }

  // ---- What stands behind the lines ----

  #drawBackground(view) {
    const { left, right, top, bottom } = this.box;
    const parts = [];
    const add = (tag, attributes, ...text) => parts.push(draw(tag, attributes, ...text));
    const saved = view.run.nLayers - view.run.layer;
    if (view.run.isDone && saved > 0) {
      const from = this.#savedFrom(view);
      add("rect", { class: "saved", x: from, y: top, width: right - from, height: bottom - top });
    }
    for (const score of ticks(this.low, this.high)) {
      add("path", { class: "grid", d: `M${left} ${this.#y(score)}H${right}` });
      add("text", { class: "muted", x: left - 7, y: this.#y(score) + 4, "text-anchor": "end" }, String(score));
    }
    const step = Math.ceil((this.nLayers * 26) / (right - left));
    for (let layer = 1; layer <= this.nLayers; layer += step) {
      add("path", { class: "grid", d: `M${this.#x(layer)} ${top}V${bottom}` });
      add("text", { class: "muted", x: this.#x(layer), y: bottom + 17, "text-anchor": "middle" }, String(layer));
    }
    if (view.run.isDone && saved > 0)
      add("text", { class: "muted on-grid", x: (this.#savedFrom(view) + right) / 2, y: bottom - 9, "text-anchor": "middle" }, `${plural(saved, "layer")} ${view.run.wasCutShort ? "not computed" : "saved"}`);
    add("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` });
    add("text", { x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle" }, "layers computed");
    add("text", { transform: `translate(11 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, "score (logit)");
    this.background.replaceChildren(...parts);
  }

  /** Where the scores of those lie that have no line. */
  #drawBand(view, wanted) {
    const ranges = [];
    view.run.points.forEach((points, document) => {
      if (wanted.has(document)) return;
      for (const { layer, score } of points) {
        if (layer > view.layer) return;
        const range = (ranges[layer] ??= { low: score, high: score });
        range.low = Math.min(range.low, score);
        range.high = Math.max(range.high, score);
      }
    });
    const clip = (score) => this.#y(Math.min(this.high, Math.max(this.low, score)));
    const layers = Object.keys(ranges).map(Number);
    const upper = layers.map((layer) => `${this.#x(layer)} ${clip(ranges[layer].high)}`);
    const lower = layers.map((layer) => `${this.#x(layer)} ${clip(ranges[layer].low)}`).reverse();
    change(this.band, { d: layers.length ? `M${[...upper, ...lower].join("L")}Z` : null });
  }

  // ---- Lines ----

  #hasFocus() {
    return this.group.contains(globalThis.document.activeElement);
  }

  #add(document, run) {
    const group = draw("g", { role: "img" });
    const halo = draw("path", { class: "halo" });
    const path = draw("path", { class: "stroke" });
    const mark = draw("path", { class: "mark" });
    group.append(halo, path, mark);
    const label = draw("text", { class: "label" });
    const leader = draw("path", { class: "leader" });
    this.labels.append(leader, label);
    this.group.append(group);
    this.lines.set(document, { run, group, path, halo, mark, label, leader });
    for (const node of [group, label]) {
      node.addEventListener("pointerenter", () => this.#light(document, true));
      node.addEventListener("pointerleave", () => this.#light(document, false));
    }
    group.addEventListener("focus", () => {
      this.#setCurrent(document);
      this.#light(document, true);
    });
    group.addEventListener("blur", () => this.#light(document, false));
  }

  #drawLine(view, document) {
    const line = this.lines.get(document);
    const points = view.pointsOf(document);
    const outcome = view.outcome(document);
    const isBest = view.rank[document] <= view.run.k;
    const d = points.map(({ layer, score }) => `${this.#x(layer).toFixed(1)} ${this.#y(score).toFixed(1)}`);
    const path = d.length ? `M${d.join("L")}` : null;
    change(line.path, { d: path });
    change(line.halo, { d: path });
    const last = points.at(-1);
    line.end = last ? { x: this.#x(last.layer), y: this.#y(last.score) } : null;
    const hasMark = last && (outcome !== "active" || view.isLast);
    change(line.mark, {
      d: hasMark ? MARKS[outcome] : null,
      transform: last ? `translate(${line.end.x} ${line.end.y})` : null,
    });
    change(line.group, {
      class: `line ${outcome} ${isBest ? "best" : "other"}`,
      tabindex: document === this.current ? "0" : "-1",
      "aria-label": describe(view, document),
    });
  }

  /** Lines of the best lie above the others. A line that has the focus would lose it by a move. */
  #raiseBest(view) {
    if (!view.run.isDone || this.#hasFocus()) return;
    for (const document of [...this.order].reverse()) this.group.append(this.lines.get(document).group);
  }

  #drawLabels(view) {
    const { right, top, bottom, width, isNarrow } = this.box;
    const room = Math.floor((bottom - top) / LABEL_STEP) + 1;
    const best = view.order.slice(0, Math.min(view.run.k, room)).filter((document) => this.lines.get(document)?.end);
    const places = spread(best.map((document) => this.lines.get(document).end.y), top + 4, bottom);
    for (const { label, leader } of this.lines.values()) {
      label.replaceChildren();
      change(leader, { d: null });
    }
    best.forEach((document, at) => {
      const { label, leader, end } = this.lines.get(document);
      const characters = Math.floor((width - right - 30) / CHARACTER);
      const rank = view.rank[document];
      label.append(isNarrow ? String(rank) : `${rank}  ${shorten(view.run.documents[document], characters)}`);
      change(label, { x: right + 16, y: places[at] + 4 });
      change(leader, { d: `M${end.x + 7} ${end.y}H${Math.max(end.x + 7, right - 4)}L${right + 12} ${places[at]}` });
    });
  }

  // ---- Looking at one ----

  #light(document, isOn) {
    const line = this.lines.get(document);
    if (!line) return;
    line.group.classList.toggle("lit", isOn);
    line.label.classList.toggle("lit", isOn);
    this.onPick(isOn ? document : null);
  }

  #setCurrent(document) {
    for (const [other, { group }] of this.lines) change(group, { tabindex: other === document ? "0" : "-1" });
    this.current = document;
  }

  #walk(event) {
    const at = this.order.indexOf(this.current);
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: this.order.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = this.order[Math.min(this.order.length - 1, Math.max(0, to))];
    this.lines.get(next)?.group.focus();
  }
}

/** One candidate in words. */
export function describe(view, document, length = 160) {
  return `Rank ${view.rank[document]}, ${fate(view, document)}: ${shorten(view.run.documents[document], length)}`;
}

/** What became of a candidate, and when. */
export function fate(view, document) {
  const { run } = view;
  const of = `layer ${view.layersOf(document)} of ${run.nLayers}`;
  switch (view.outcome(document)) {
    case "selected":
      return `sure at ${of}`;
    case "dropped":
      return `dropped at ${of}`;
    case "active":
      return view.isLast ? `undecided at ${of}` : `computing, ${of}`;
    default:
      return `all ${run.nLayers} layers`;
  }
}

/** Round numbers between low and high, five or so. */
export function ticks(low, high) {
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= 0.999 * raw) ?? 10);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(Number((i * step).toPrecision(6)));
  return found;
}

/** Heights of labels: near what they name, not on each other, in the order given. */
export function spread(wanted, top, bottom) {
  const order = wanted.map((y, at) => at).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const places = new Array(wanted.length);
  let least = top;
  for (const at of order) {
    places[at] = Math.max(wanted[at], least);
    least = places[at] + LABEL_STEP;
  }
  let most = bottom;
  for (const at of order.reverse()) {
    places[at] = Math.min(places[at], most);
    most = places[at] - LABEL_STEP;
  }
  return places;
}
