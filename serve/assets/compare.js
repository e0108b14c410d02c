// A ranking beside the full pass over the same texts.

import { count, make, plural, share, shorten, time } from "./dom.js";
import { difference } from "./run.js";

const cell = (text, attributes = {}) => make("td", attributes, text);
const head = (text, scope) => make("th", { scope }, text);

function row(name, early, full) {
  return make("tr", {}, head(name, "row"), cell(early, { class: "number" }), cell(full, { class: "number" }));
}

function summary(run, full) {
  const { overlap, places, pairs } = difference(run.order, full.order, run.k);
  const k = run.k;
  const order =
    places === 0
      ? "in the same order"
      : `${plural(places, "place")} of ${k} hold another text, and ${plural(pairs, "pair")} of the common ones ${pairs === 1 ? "stands" : "stand"} the other way round`;
  const [fast, slow] = [run.figures.compute_ms, full.figures.compute_ms];
  const speed = fast > 0 ? ` The full pass computed for ${(slow / fast).toFixed(1)} times as long.` : "";
  return `${overlap} of the full pass\u2019s best ${k} came back (overlap@${k} ${(overlap / k).toFixed(2)}), ${order}.${speed}`;
}

/** Fills the node, and returns the shortest way to say it. */
export function showComparison(node, run, full) {
  const [a, b] = [run.view().cells, full.view().cells];
  const bill = make(
    "table",
    {},
    make("caption", {}, "Both bills"),
    make("thead", {}, make("tr", {}, head("", null), head("decided early", "col"), head("full pass", "col"))),
    make(
      "tbody",
      {},
      row("Cells", `${count(a.computed)} (${share(a.computed, a.whole)})`, count(b.computed)),
      row("Tokens \u00d7 layers", count(run.figures.tokens_x_layers), count(full.figures.tokens_x_layers)),
      row("Computing", time(run.figures.compute_ms), time(full.figures.compute_ms)),
      row("In all", time(run.figures.total_ms), time(full.figures.total_ms)),
    ),
  );
  bill.querySelector("thead th").replaceWith(make("td"));
  const places = new Map(run.order.map((document, place) => [document, place + 1]));
  const rows = full.order.slice(0, run.k).map((document, at) => {
    const place = places.get(document);
    const mark = place === at + 1 ? "same" : place <= run.k ? `rank ${place}` : `left out (rank ${place})`;
    return make("tr", { class: place === at + 1 ? null : "differs" }, cell(String(at + 1)), head(shorten(full.documents[document], 90), "row"), cell(mark));
  });
  const order = make(
    "table",
    {},
    make("caption", {}, `The full pass\u2019s best ${run.k}, and where they came when decided early`),
    make("thead", {}, make("tr", {}, ...["Rank", "Text", "Decided early"].map((name) => head(name, "col")))),
    make("tbody", {}, ...rows),
  );
  node.replaceChildren(make("p", { class: "said" }, summary(run, full)), bill, order);
  const { overlap } = difference(run.order, full.order, run.k);
  return `Compared: ${overlap} of the full pass\u2019s best ${run.k} came back.`;
}
