// What a run looks like: chart, list and bill of it, live or as it stood after some layer.

import { Bill } from "./bill.js";
import { Chart, describe, OUTCOMES } from "./chart.js";
import { count, draw, find, isStill, make, plural, share } from "./dom.js";
import { List } from "./list.js";
import { fillTable } from "./tables.js";

const PACE_MS = 110; // of layers that come faster than one can see
const PLAY_MS = 450;

export class Stage {
  constructor() {
    this.run = null;
    this.layer = null; // shown; null: the last
    this.chart = new Chart(find("chart"), { onPick: (document) => this.#pick(document) });
    this.list = new List(find("best"));
    this.bill = new Bill(find("grid"), find("numbers"));
    this.waiting = []; // steps not drawn yet
    this.timer = null;
    find("layer").addEventListener("input", () => {
      this.#pause();
      this.#show(Number(find("layer").value));
    });
    find("play").addEventListener("click", () => (this.playing ? this.#pause() : this.#play()));
    find("table").closest("details").addEventListener("toggle", () => this.#showTable());
  }

  /** A run that is fed by `feed`, or one that is complete. */
  begin(run) {
    this.#pause();
    clearTimeout(this.timer);
    this.timer = null;
    this.waiting = [];
    this.run = run;
    find("empty").hidden = true;
    find("shown").hidden = false;
    find("asked").textContent = run.query;
    find("best-title").textContent = `The best ${run.k}`;
    find("comparison").replaceChildren();
    this.#show(null);
  }

  /** Does something to the run now or, when layers come too fast to see, a little later. */
  feed(change) {
    this.waiting.push(change);
    if (isStill()) this.flush();
    else if (!this.timer) this.#next();
  }

  /** All that has come is drawn when this is fulfilled. */
  settled() {
    return new Promise((resolve) => this.feed(resolve));
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = null;
    for (const change of this.waiting.splice(0)) change();
    this.#show(null);
  }

  summary() {
    const view = this.run.view();
    const { computed, whole } = view.cells;
    const early = this.run.n - view.count("reached") - view.count("missed") - view.count("active");
    return `${plural(this.run.n, "text")} ranked: ${count(early)} decided early, ${share(computed, whole)} of the layers computed.`;
  }

  #next() {
    const change = this.waiting.shift();
    if (!change) {
      this.timer = null;
      return;
    }
    change();
    this.#show(null);
    this.timer = setTimeout(() => this.#next(), PACE_MS);
  }

  #show(layer) {
    const { run } = this;
    this.layer = layer;
    this.view = run.view(layer ?? run.layer);
    this.chart.show(this.view);
    this.list.show(this.view);
    this.bill.show(this.view);
    this.#showLegend();
    this.#showTable();
    const slider = find("layer");
    slider.max = Math.max(1, run.layer);
    slider.value = this.view.layer;
    const text = `${this.view.layer} of ${run.nLayers}`;
    slider.setAttribute("aria-valuetext", text);
    find("layer-out").textContent = text;
    for (const name of ["play", "layer", "compare", "save"]) find(name).disabled = !run.isDone;
    this.#pick(null);
  }

  #showLegend() {
    const items = Object.entries(OUTCOMES)
      .map(([outcome, name]) => [outcome, name, this.view.count(outcome)])
      .filter(([, , n]) => n > 0)
      .map(([outcome, name, n]) => {
        const said = outcome === "active" && !this.view.isLast ? "computing" : name;
        return make("li", { class: outcome }, draw("svg", { viewBox: "-7 -7 14 14", width: 14, height: 14, "aria-hidden": "true" }, draw("path", { class: "mark", d: this.chart.markOf(outcome) })), ` ${said} (${count(n)})`);
      });
    const rest = this.run.n - this.view.drawn().length;
    if (rest > 0) items.push(make("li", { class: "hint" }, `${count(rest)} more without a line`));
    find("legend").replaceChildren(...items);
  }

  #showTable() {
    if (this.view && find("table").closest("details").open) fillTable(find("table"), this.view);
  }

  #pick(document) {
    find("detail").textContent =
      document === null ? "Point at a line, or go through them with the arrow keys, to read its text." : describe(this.view, document, 400);
    find("detail").classList.toggle("hint", document === null);
  }

  #play() {
    let layer = this.view.layer >= this.run.layer ? 0 : this.view.layer;
    find("play").textContent = "Pause";
    const step = () => {
      this.#show(layer);
      if (layer++ >= this.run.layer) this.#pause();
    };
    this.playing = setInterval(step, PLAY_MS);
    step();
  }

  #pause() {
    clearInterval(this.playing);
    this.playing = null;
    find("play").textContent = "Play";
  }
}
