// The numbers of the chart as a table, for who cannot see it or wants to copy them.

import { fate } from "./chart.js";
import { make, shorten } from "./dom.js";

export function fillTable(table, view) {
  const { run } = view;
  const layers = [];
  for (let layer = 1; layer <= view.layer; layer++) layers.push(layer);
  const head = make("tr", {}, ...["Rank", "Text", "What became of it", ...layers.map((layer) => `Layer ${layer}`)].map((name) => make("th", { scope: "col" }, name)));
  const rows = view.drawn().map((document) => {
    const scores = new Map(view.pointsOf(document).map((point) => [point.layer, point.score]));
    return make(
      "tr",
      {},
      make("td", {}, String(view.rank[document])),
      make("th", { scope: "row" }, shorten(run.documents[document], 60)),
      make("td", {}, fate(view, document)),
      ...layers.map((layer) => make("td", { class: "number" }, scores.has(layer) ? scores.get(layer).toFixed(2) : "")),
    );
  });
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...rows);
}
