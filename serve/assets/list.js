// The best K, in an ordered list whose entries move as the ranking settles.

import { fate } from "./chart.js";
import { change, isStill, make } from "./dom.js";

export class List {
  constructor(node) {
    this.node = node;
    this.entries = new Map(); // document -> li
    this.run = null;
  }

  show(view) {
    const before = new Map();
    if (this.run !== view.run) this.entries.clear();
    for (const [document, item] of this.entries) before.set(document, item.getBoundingClientRect().top);
    this.run = view.run;
    const best = view.layer > 0 || view.isLast ? view.order.slice(0, view.run.k) : [];
    const items = best.map((document) => this.#entry(view, document));
    this.node.replaceChildren(...items);
    this.entries = new Map(best.map((document, at) => [document, items[at]]));
    /* Who uses the keyboard scrolls what has the focus. */
    const box = this.node.parentElement;
    change(box, { tabindex: box.scrollHeight > box.clientHeight ? "0" : null });
    if (!isStill()) this.#slide(before);
  }

  #entry(view, document) {
    const { run } = view;
    const item = this.entries.get(document) ?? make("li");
    const outcome = view.outcome(document);
    const notes = [make("span", { class: `chip ${outcome}` }, fate(view, document))];
    const score = view.isLast ? run.scores[document] : null;
    if (Number.isFinite(score)) notes.push(make("span", { class: "score" }, `score ${score.toFixed(score < 0.001 ? 5 : 3)}`));
    if (run.truncated.has(document)) notes.push(make("span", { class: "chip warning" }, "cut to what the model reads"));
    item.replaceChildren(make("p", { class: "text" }, run.documents[document]), make("p", { class: "notes" }, ...notes));
    return item;
  }

  /** From where each entry was to where it is. */
  #slide(before) {
    for (const [document, item] of this.entries) {
      const was = before.get(document);
      if (was === undefined) {
        item.animate([{ opacity: 0.2 }, { opacity: 1 }], { duration: 150 });
        continue;
      }
      const by = was - item.getBoundingClientRect().top;
      if (by) item.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 150, easing: "ease-out" });
    }
  }
}
