// What is asked for: the question, the texts, and how to rank them.

import { examples } from "./examples.js";
import { count, find, make, plural } from "./dom.js";
import { likelyField, parse, textsOf } from "./texts.js";

const PRECISIONS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999];
const DEADLINES = [0, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000]; // ms; 0: none
const MOST_LINES = 50; // the best K that the slider offers

const inPercent = (precision) => `${Number((100 * precision).toFixed(2))} %`;
const inWords = (ms) => (ms === 0 ? "none" : ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

function nearest(list, value) {
  const gaps = list.map((one) => Math.abs(one - value));
  return gaps.indexOf(Math.min(...gaps));
}

export class Form {
  /** onChange: a setting of "How" was changed. */
  constructor({ onChange }) {
    this.file = null; // {name, parsed, field}
    this.onChange = onChange;
    this.k = 5; // wanted, though there may be fewer texts at the moment
    examples.forEach(({ name }, at) => find("example").append(make("option", { value: at }, name)));
    find("example").append(make("option", { value: "" }, "Texts of your own"));
    find("example").addEventListener("change", () => this.#takeExample());
    find("documents").addEventListener("input", () => {
      find("example").value = "";
      this.#showSource();
    });
    find("field").addEventListener("change", () => {
      this.file.field = find("field").value;
      this.#showSource();
    });
    find("source-drop").addEventListener("click", () => {
      this.file = null;
      this.#showSource();
      find("documents").focus();
    });
    find("k").addEventListener("input", () => (this.k = Number(find("k").value)));
    for (const name of ["k", "precision", "deadline"]) {
      find(name).addEventListener("input", () => this.#showSliders());
      find(name).addEventListener("change", onChange);
      find(name).addEventListener("input", onChange);
    }
    for (const name of ["promise", "model"]) find(name).addEventListener("change", onChange);
    this.#takeExample();
  }

  /** {query, documents, k, precision, deadline, promise, model} */
  read() {
    return {
      query: find("query").value.trim(),
      documents: this.#texts().documents,
      k: Number(find("k").value),
      precision: PRECISIONS[find("precision").value],
      deadline: DEADLINES[find("deadline").value],
      promise: find("promise").value,
      model: find("model").value || null,
      key: find("key").value,
    };
  }

  /** A file of texts; throws Unreadable. */
  takeFile(name, text) {
    const parsed = parse(text, name);
    this.file = { name, parsed, field: likelyField(parsed) };
    find("example").value = "";
    find("field").replaceChildren(...parsed.fields.map((field) => make("option", {}, field)));
    if (this.file.field) find("field").value = this.file.field;
    this.#showSource();
  }

  /** What the server says of its models: [{id, grating}]. */
  takeModels(models) {
    const chosen = find("model").value;
    find("model").replaceChildren(...models.map(({ id }) => make("option", {}, id)));
    if (models.some(({ id }) => id === chosen)) find("model").value = chosen;
    find("model-field").hidden = models.length < 2;
    const { precision, promise, deadline_ms: deadline } = models[0]?.grating ?? {};
    if (precision) find("precision").value = nearest(PRECISIONS, precision);
    if (deadline) find("deadline").value = Math.max(1, nearest(DEADLINES, deadline));
    if (promise) find("promise").value = promise;
    this.#showSliders();
  }

  wantKey() {
    find("key-field").hidden = false;
    find("key").focus();
  }

  #takeExample() {
    const example = examples[find("example").value];
    if (!example) return;
    this.file = null;
    find("query").value = example.query;
    find("documents").value = example.texts;
    this.#showSource();
  }

  #texts() {
    if (this.file) return textsOf(this.file.parsed, this.file.field);
    return textsOf({ records: find("documents").value.split("\n") });
  }

  #showSource() {
    const { documents, skipped } = this.#texts();
    const { file } = this;
    find("documents").hidden = Boolean(file);
    find("source").hidden = !file;
    find("field-label").hidden = !file || file.parsed.fields.length < 2;
    const left = file && skipped ? `; ${count(skipped)} without text are left out` : "";
    find("source-name").textContent = file ? file.name : "";
    find("documents-hint").textContent = plural(documents.length, "text") + left + ".";
    find("k").max = Math.max(1, Math.min(MOST_LINES, documents.length));
    find("k").value = this.k;
    this.#showSliders();
  }

  #showSliders() {
    const show = (name, text) => {
      find(`${name}-out`).textContent = text;
      find(name).setAttribute("aria-valuetext", text);
    };
    show("k", find("k").value);
    show("precision", inPercent(PRECISIONS[find("precision").value]));
    show("deadline", inWords(DEADLINES[find("deadline").value]));
  }
}
