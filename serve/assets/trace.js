// A trace that `grating rank --trace` saved: read, checked, and turned into runs; and written.

import { Run } from "./run.js";
import { Unreadable } from "./texts.js";

export function isTrace(value) {
  return value !== null && typeof value === "object" && value.format === "grating-trace";
}

const wrong = (what) => new Unreadable(`The trace cannot be shown: ${what}.`);

const isCount = (value, limit) => Number.isInteger(value) && value >= 0 && value < limit;

export function readTrace(value) {
  if (value.version !== 1) throw wrong(`its version is ${value.version}, and this page knows version 1`);
  if (!Array.isArray(value.queries) || value.queries.length === 0) throw wrong("it holds no queries");
  return value.queries.map((query, at) => readQuery(query, `query ${at + 1}`));
}

function readQuery(query, name) {
  const list = query?.documents;
  if (!Array.isArray(list) || list.length === 0) throw wrong(`${name} has no documents`);
  if (!Array.isArray(query.steps)) throw wrong(`${name} has no steps`);
  if (!isCount(query.n_layers, 1001)) throw wrong(`${name} has no number of layers`);
  const documents = new Array(list.length).fill(null);
  for (const entry of list) {
    if (!isCount(entry?.index, list.length)) throw wrong(`${name} has a document with no index`);
    documents[entry.index] = String(entry.text ?? entry.id ?? `document ${entry.index + 1}`);
  }
  if (documents.includes(null)) throw wrong(`${name} has two documents of one index`);
  const run = new Run({ query: String(query.query ?? query.id ?? ""), documents, k: query.k, policy: query.policy });
  for (const step of query.steps) run.addStep(readStep(step, list.length, query.n_layers, name), query.n_layers);
  const ranked = [...list].sort((a, b) => a.rank - b.rank);
  const entries = ranked.map((entry) => ({
    index: entry.index,
    score: entry.score,
    state: entry.state,
    layer: isCount(entry.decided_at_layer, query.n_layers + 1) ? entry.decided_at_layer : 0,
  }));
  run.finish(entries, { n_layers: query.n_layers, precision: query.precision });
  return run;
}

function readStep(step, n, nLayers, name) {
  const { layer, candidates, scores, states } = step ?? {};
  const isGood =
    isCount(layer, nLayers + 1) &&
    [candidates, scores, states].every(Array.isArray) &&
    candidates.length === scores.length &&
    candidates.length === states.length &&
    candidates.every((document) => isCount(document, n));
  if (!isGood) throw wrong(`${name} has a step that cannot be read`);
  return step;
}

/** What `grating plot` draws. */
export function writeTrace(run, model) {
  const steps = [];
  for (let layer = 1; layer <= run.layer; layer++) {
    const step = { layer, candidates: [], scores: [], states: [], expected_precision: run.expected[layer] ?? 0 };
    run.points.forEach((points, document) => {
      const point = points.find((one) => one.layer === layer);
      if (!point) return;
      step.candidates.push(document);
      step.scores.push(point.score);
      step.states.push(run.computed[document] > layer ? "active" : run.states[document]);
    });
    if (step.candidates.length) steps.push(step);
  }
  const documents = run.order.map((document, place) => ({
    index: document,
    text: run.documents[document].slice(0, 80),
    rank: place + 1,
    state: run.states[document],
    decided_at_layer: run.computed[document],
    score: run.scores[document],
    logit: run.points[document].at(-1)?.score ?? 0,
  }));
  const query = { query: run.query, k: run.k, n_layers: run.nLayers, policy: run.policy ?? "bound", steps, documents };
  if (run.figures?.precision) query.precision = run.figures.precision;
  return JSON.stringify({ format: "grating-trace", version: 1, model, queries: [query] });
}
