// A ranking as far as it is known: fed step by step, by the server or from a saved trace.
//
// A candidate computes layers 1, 2, ... until it is decided, so what it cost is one number.  A view is
// the run as it stood after some layer; the last view has the final order once it is there.

export class Run {
  constructor({ query, documents, k, policy = null }) {
    const n = documents.length;
    this.query = query;
    this.documents = documents; // [n] texts
    this.k = Math.min(k || n, n);
    this.policy = policy;
    this.nLayers = 0;
    this.layer = 0; // layers that anybody has computed
    this.points = documents.map(() => []); // [n][...] of {layer, score}
    this.computed = new Uint16Array(n); // layers that each computed
    this.states = new Array(n).fill("active");
    this.expected = []; // by layer, where it is known
    this.order = null; // best first, once it is final
    this.scores = null; // [n], once they are final
    this.truncated = new Set();
    this.figures = null; // what the server says it took
  }

  get n() {
    return this.documents.length;
  }

  get isDone() {
    return this.order !== null;
  }

  get wasCutShort() {
    return Boolean(this.figures?.deadline_hit);
  }

  addStep(step, nLayers) {
    this.nLayers = Math.max(this.nLayers, nLayers, step.layer);
    this.layer = Math.max(this.layer, step.layer);
    if (step.expected_precision > 0) this.expected[step.layer] = step.expected_precision;
    const { candidates, scores, states } = step;
    if (step.layer > 0 && candidates.length === 0) {
      // A layer that nobody is judged at: all that are still in it have computed it.
      for (let i = 0; i < this.n; i++) if (this.states[i] === "active") this.computed[i] = step.layer;
    }
    candidates.forEach((document, at) => {
      this.computed[document] = step.layer;
      this.states[document] = states[at];
      if (Number.isFinite(scores[at])) this.points[document].push({ layer: step.layer, score: scores[at] });
    });
  }

  /** entries: best first, {index, score, state, layer, truncated}; what was not decided early has no layer. */
  finish(entries, figures) {
    this.order = entries.map((entry) => entry.index);
    this.scores = new Array(this.n).fill(null);
    this.figures = figures;
    if (figures?.n_layers) this.nLayers = figures.n_layers;
    for (const entry of entries) {
      this.scores[entry.index] = entry.score;
      if (entry.state) this.states[entry.index] = entry.state;
      if (entry.layer) this.computed[entry.index] = entry.layer;
      else if (!entry.state || entry.state === "finished") this.computed[entry.index] = this.nLayers;
      if (entry.truncated) this.truncated.add(entry.index);
    }
    this.layer = this.computed.reduce((most, layers) => Math.max(most, layers), 0);
  }

  view(layer = this.layer) {
    return new View(this, Math.min(layer, this.layer));
  }
}

class View {
  constructor(run, layer) {
    this.run = run;
    this.layer = layer;
    this.isLast = run.isDone && layer >= run.layer;
    this.order = this.isLast ? run.order : this.#orderAsItStands();
    this.rank = new Uint32Array(run.n);
    this.order.forEach((document, place) => (this.rank[document] = place + 1));
  }

  /** What has become of it by this layer; active: nothing yet. */
  state(document) {
    const { run } = this;
    return run.computed[document] <= this.layer ? run.states[document] : "active";
  }

  /** selected, dropped, active, and of those that reached the end: reached (in the best K) or missed. */
  outcome(document) {
    const state = this.state(document);
    if (state !== "finished") return state;
    return this.rank[document] <= this.run.k ? "reached" : "missed";
  }

  layersOf(document) {
    return Math.min(this.run.computed[document], this.layer);
  }

  pointsOf(document) {
    const points = this.run.points[document];
    return this.layer >= this.run.layer ? points : points.filter((point) => point.layer <= this.layer);
  }

  scoreOf(document) {
    const points = this.pointsOf(document);
    return points.length ? points[points.length - 1].score : -Infinity;
  }

  /** The lines worth drawing: three for each that is wanted show who competed. */
  drawn() {
    const order = this.run.isDone ? this.run.order : this.order;
    return order.slice(0, Math.min(order.length, 3 * this.run.k));
  }

  get cells() {
    let computed = 0;
    for (let i = 0; i < this.run.n; i++) computed += this.layersOf(i);
    const whole = this.run.n * (this.isLast ? this.run.nLayers : this.layer);
    return { computed, saved: whole - computed, whole };
  }

  count(outcome) {
    let n = 0;
    for (let i = 0; i < this.run.n; i++) n += this.outcome(i) === outcome;
    return n;
  }

  #orderAsItStands() {
    const { run } = this;
    const scores = run.documents.map((text, document) => this.scoreOf(document));
    const isOut = run.documents.map((text, document) => this.state(document) === "dropped");
    return run.documents
      .map((text, document) => document)
      .sort((a, b) => isOut[a] - isOut[b] || compare(scores[b], scores[a]) || a - b);
  }
}

const compare = (a, b) => (a === b ? 0 : a - b);

/** How two final orders differ within the first k. */
export function difference(early, full, k) {
  const wanted = new Map(full.slice(0, k).map((document, place) => [document, place]));
  const common = early.slice(0, k).filter((document) => wanted.has(document));
  let pairs = 0;
  for (let i = 0; i < common.length; i++)
    for (let j = i + 1; j < common.length; j++) pairs += wanted.get(common[i]) > wanted.get(common[j]);
  let places = 0;
  for (let i = 0; i < Math.min(k, full.length); i++) places += early[i] !== full[i];
  return { overlap: common.length, places, pairs };
}
