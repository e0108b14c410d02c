// The page: the form asks, the stage shows, and what goes wrong is said.

import { Fault, health, models, rank } from "./ask.js";
import { showComparison } from "./compare.js";
import { find, isStill, make, shorten } from "./dom.js";
import { Form } from "./form.js";
import { Run } from "./run.js";
import { Stage } from "./stage.js";
import { parse, Unreadable } from "./texts.js";
import { isTrace, readTrace, writeTrace } from "./trace.js";

const AGAIN_MS = 300; // after the last move of a slider
const SAY_MS = 1000; // a screen reader is told no more often
const PATIENCE_S = 120; // for a model that is being opened

const form = new Form({ onChange: rankAgain });
const stage = new Stage();
let running = null; // AbortController of the request in progress
let shown = null; // {run, settings}: what can be compared and saved; settings null: a trace
let retry = start; // what "Try again" does

// ---- What is said ----

let unsaid = null;
let saidAt = 0;

/** In the status line, at most once a second; what comes in between is overtaken by what follows. An
 * outcome does not wait. */
function say(text, { isOutcome = false } = {}) {
  const wait = isOutcome ? 0 : saidAt + SAY_MS - performance.now();
  clearTimeout(unsaid);
  const now = () => {
    saidAt = performance.now();
    find("status").textContent = text;
  };
  if (wait <= 0) now();
  else unsaid = setTimeout(now, wait);
}

function blame(text, then) {
  find("fault-text").textContent = text;
  find("fault").hidden = false;
  find("retry").hidden = !then;
  retry = then;
  say("", { isOutcome: true });
}

function excuse() {
  find("fault").hidden = true;
}

function explain(error, then) {
  if (error.name === "AbortError") {
    say("Stopped.", { isOutcome: true });
  } else if (error instanceof Unreadable) {
    blame(error.message, null);
  } else if (error instanceof Fault) {
    if (error.kind === "key") form.wantKey();
    const wait = error.kind === "busy" ? ` Try again in ${error.retryAfter} s.` : "";
    blame(error.message + wait, then);
  } else {
    console.error(error);
    blame(`This page has made a mistake: ${error.message}`, null);
  }
}

// ---- Asking ----

const pause = (seconds, signal) =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("stopped", "AbortError"));
    });
  });

/** Asks once more while the model is being opened. */
async function patiently(ask, signal) {
  const until = performance.now() + 1000 * PATIENCE_S;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error.kind !== "loading" || performance.now() > until) throw error;
      say("The model is being opened \u2026", { isOutcome: true });
      await pause(error.retryAfter, signal);
    }
  }
}

function bodyOf(settings, policy) {
  const { query, documents, k, precision, promise, deadline, model } = settings;
  const grating = policy === "none" ? { k, policy } : { k, precision, promise };
  if (deadline && policy !== "none") grating.deadline_ms = deadline;
  return { ...(model ? { model } : {}), query, documents, grating };
}

/** Runs the request; onStep sees the run after each layer. */
async function ask(settings, { policy = null, feed, signal }) {
  const run = new Run({ ...settings, policy });
  const onLayer = ({ step, n_layers: nLayers }) => feed(run, () => run.addStep(step, nLayers));
  const answer = await patiently(() => rank(bodyOf(settings, policy), { key: settings.key, signal, onLayer }), signal);
  const entries = answer.results.map(({ index, relevance_score: score, state, layer, truncated }) => ({ index, score, state, layer, truncated }));
  feed(run, () => {
    run.policy = answer.grating.policy;
    run.finish(entries, answer.grating);
    run.model = answer.model;
  });
  return run;
}

function begin() {
  running?.abort();
  running = new AbortController();
  find("stop").disabled = false;
  find("shown").setAttribute("aria-busy", "true");
  excuse();
  return running;
}

function end(controller) {
  if (running !== controller) return;
  running = null;
  find("stop").disabled = true;
  find("shown").setAttribute("aria-busy", "false");
}

function lacking({ query, documents }) {
  if (!query) return ["query", "Write a question first."];
  if (documents.length === 0) return ["documents", "There are no texts to rank: write one on each line, or open a file."];
  return null;
}

async function rankNow() {
  const settings = form.read();
  const lack = lacking(settings);
  if (lack) {
    blame(lack[1], null);
    if (!find(lack[0]).hidden) find(lack[0]).focus();
    return;
  }
  const controller = begin();
  let started = null;
  const feed = (run, change) => {
    if (controller.signal.aborted) return;
    if (started !== run) {
      started = run;
      shown = null;
      showQueries([]);
      stage.begin(run);
      showResults();
    }
    stage.feed(() => {
      if (controller.signal.aborted) return;
      change();
      if (!run.isDone) say(`Layer ${run.layer} of ${run.nLayers} \u2026`);
    });
  };
  say("Ranking \u2026");
  showResults();
  try {
    const run = await ask(settings, { feed, signal: controller.signal });
    await stage.settled();
    if (controller.signal.aborted) return;
    shown = { run, settings };
    say(stage.summary() + notes(run), { isOutcome: true });
  } catch (error) {
    if (running === controller) explain(error, rankNow);
  } finally {
    end(controller);
  }
}

/** Where the form is above the results, a ranking would go on unseen below. */
function showResults() {
  const { top } = find("results").getBoundingClientRect();
  if (top > 0.6 * innerHeight) find("results").scrollIntoView({ behavior: isStill() ? "auto" : "smooth" });
}

function notes(run) {
  const said = [];
  const { figures } = run;
  if (run.wasCutShort) {
    const share = figures.expected_precision ? `, expected to hold ${Math.round(100 * figures.expected_precision)} % of the full pass\u2019s best` : "";
    said.push(` The deadline passed: this is the order as it stood${share}.`);
  }
  if (figures.profile === false) said.push(" The model has no profile, so all layers are computed; \u201cgrating calibrate\u201d makes one.");
  return said.join("");
}

let later = null;

function rankAgain() {
  clearTimeout(later);
  if (!find("again").checked || !(shown?.settings || running)) return;
  later = setTimeout(rankNow, AGAIN_MS);
}

async function compareNow() {
  const { run, settings } = shown;
  const controller = begin();
  say("The full pass is running \u2026");
  find("compare").disabled = true;
  try {
    const feed = (full, change) => {
      change();
      if (!full.isDone) say(`Full pass: layer ${full.layer} of ${full.nLayers} \u2026`);
    };
    const full = await ask(settings, { policy: "none", feed, signal: controller.signal });
    if (controller.signal.aborted || shown?.run !== run) return;
    say(showComparison(find("comparison"), run, full), { isOutcome: true });
  } catch (error) {
    if (running === controller) explain(error, compareNow);
  } finally {
    find("compare").disabled = false;
    end(controller);
  }
}

// ---- Files ----

function showQueries(runs) {
  find("query-label").hidden = runs.length < 2;
  find("query-choice").replaceChildren(...runs.map((run, at) => make("option", { value: at }, `${at + 1}. ${shorten(run.query, 60)}`)));
  find("query-choice").onchange = () => showTraced(runs[find("query-choice").value]);
}

function showTraced(run) {
  shown = { run, settings: null };
  stage.begin(run);
  for (const name of ["compare", "save"]) find(name).disabled = true; // a trace holds no whole texts
  say(`A saved trace. ${stage.summary()}`, { isOutcome: true });
}

async function takeFile(file) {
  try {
    excuse();
    const bytes = await file.arrayBuffer();
    let text;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw new Unreadable(`${file.name} is not text in UTF-8.`);
    }
    const trace = text.trimStart().startsWith("{") ? asTrace(text) : null;
    if (trace) {
      const runs = readTrace(trace);
      running?.abort();
      showQueries(runs);
      showTraced(runs[0]);
      find("results").focus();
    } else {
      form.takeFile(file.name, text);
      say(`${file.name} is open.`);
    }
  } catch (error) {
    explain(error, null);
  }
}

function asTrace(text) {
  try {
    const value = JSON.parse(text);
    return isTrace(value) ? value : null;
  } catch {
    return null; // JSON lines, or text that begins with a brace
  }
}

function saveTrace() {
  const link = make("a", {
    href: URL.createObjectURL(new Blob([writeTrace(shown.run, shown.run.model)], { type: "application/json" })),
    download: "trace.json",
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function takeDrops() {
  let depth = 0; // of elements that the file is over
  const show = (by) => {
    depth = by === 0 ? 0 : Math.max(0, depth + by);
    find("drop").hidden = depth === 0;
  };
  const isFile = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => isFile(event) && show(1));
  addEventListener("dragleave", (event) => isFile(event) && show(-1));
  addEventListener("dragover", (event) => isFile(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    show(0);
    takeFile(event.dataTransfer.files[0]);
  });
}

// ---- Colours ----

function takeTheme() {
  const use = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  let theme = "";
  try {
    theme = localStorage.getItem("theme") ?? "";
  } catch {
    theme = ""; // a browser that keeps nothing
  }
  find("theme").value = ["light", "dark"].includes(theme) ? theme : "";
  use(find("theme").value);
  find("theme").addEventListener("change", () => {
    use(find("theme").value);
    try {
      localStorage.setItem("theme", find("theme").value);
    } catch {
      return; // it holds until the page is closed
    }
  });
}

// ---- The beginning ----

async function start() {
  excuse();
  try {
    for (let state = await health(); state !== "ok"; state = await health()) {
      say(state === "loading" ? "The model is being opened \u2026" : "The server is ending.");
      await pause(1);
    }
    form.takeModels(await models(find("key").value));
    say("Ready.", { isOutcome: true });
  } catch (error) {
    explain(error, start);
  }
}

find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  rankNow();
});
find("stop").addEventListener("click", () => running?.abort());
find("compare").addEventListener("click", compareNow);
find("save").addEventListener("click", saveTrace);
find("retry").addEventListener("click", () => retry?.());
find("key").addEventListener("change", start);
find("file").addEventListener("change", () => {
  if (find("file").files.length) takeFile(find("file").files[0]);
  find("file").value = "";
});
takeDrops();
takeTheme();
start();
