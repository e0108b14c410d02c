// What was computed and what was saved: a grid of candidates and layers, and numbers.

import { change, count, draw, make, share, time } from "./dom.js";

export class Bill {
  constructor(svg, numbers) {
    this.svg = svg;
    this.numbers = numbers;
    this.paths = ["empty", "cost", "best", "best"].map((name) => draw("path", { class: name }));
    svg.append(...this.paths);
    new ResizeObserver(() => this.view && this.show(this.view)).observe(svg);
  }

  show(view) {
    this.view = view;
    this.#drawGrid(view);
    this.#list(view);
  }

  /** A column for each candidate, the best at the left; a row for each layer, the first at the top. */
  #drawGrid(view) {
    const { run } = view;
    const width = Math.max(200, this.svg.clientWidth || 320);
    const nLayers = Math.max(run.nLayers, 1);
    const column = width / run.n;
    const row = Math.max(4, Math.min(16, 190 / nLayers));
    const gap = column > 5 ? 1 : 0;
    const height = nLayers * row;
    /* Not by colour alone: a bar below the best. */
    const paths = ["", "", "", `M0 ${height + 2}h${(run.k * column - gap).toFixed(2)}v3H0Z`];
    view.order.forEach((document, at) => {
      const layers = view.layersOf(document);
      const kind = view.rank[document] <= run.k ? 2 : 1;
      for (let layer = 0; layer < nLayers; layer++)
        paths[layer < layers ? kind : 0] += `M${(at * column).toFixed(2)} ${(layer * row).toFixed(2)}h${(column - gap).toFixed(2)}v${row - 1}h${(gap - column).toFixed(2)}Z`;
    });
    this.paths.forEach((path, kind) => change(path, { d: paths[kind] || null }));
    change(this.svg, { viewBox: `0 0 ${width} ${height + 5}`, height: height + 5, "aria-label": this.summary(view) });
  }

  summary(view) {
    const { computed, saved, whole } = view.cells;
    return `Grid of ${view.run.n} candidates and ${view.run.nLayers} layers: ${count(computed)} of ${count(whole)} cells are computed, ${count(saved)} are saved.`;
  }

  #list(view) {
    const { run } = view;
    const { computed, saved, whole } = view.cells;
    const rows = [
      ["Computed", `${count(computed)} of ${count(whole)} cells (${share(computed, whole)})`],
      ["Saved", `${count(saved)} cells (${share(saved, whole)})`],
    ];
    const figures = view.isLast ? run.figures : null;
    if (figures?.full_tokens_x_layers)
      rows.push(["Tokens \u00d7 layers", `${count(figures.tokens_x_layers)} of ${count(figures.full_tokens_x_layers)} (${share(figures.tokens_x_layers, figures.full_tokens_x_layers)})`]);
    if (figures?.total_ms !== undefined) rows.push(["Time", time(figures.total_ms)], ["Computing", time(figures.compute_ms)]);
    if (figures?.queue_ms > 1) rows.push(["In the queue", time(figures.queue_ms)]);
    if (figures?.memory_bytes) rows.push(["Memory", `${count(Math.round(figures.memory_bytes / 1048576))} MiB`]);
    const expected = run.expected[view.layer] ?? (view.isLast ? figures?.expected_precision : 0);
    if (expected) rows.push(["Expected of the best", `${(100 * expected).toFixed(expected > 0.99 ? 1 : 0)} % of the full pass\u2019s`]);
    this.numbers.replaceChildren(...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  }
}
