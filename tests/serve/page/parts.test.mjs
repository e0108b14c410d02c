// Parts of the page that need no browser.  ASSETS: a folder with the modules, as modules.
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { test } from "node:test";

const load = (name) => import(pathToFileURL(`${process.env.ASSETS}/${name}`).href);
const { Run, difference } = await load("run.js");
const { parse, likelyField, textsOf, Unreadable } = await load("texts.js");
const { readTrace, writeTrace } = await load("trace.js");
const { ticks, spread } = await load("chart.js");
const { events } = await load("ask.js");
const { shorten, time } = await load("dom.js");

const step = (layer, candidates, scores, states) => ({ layer, candidates, scores, states, expected_precision: 0.5 });

function settled() {
  const run = new Run({ query: "q", documents: ["a", "b", "c", "d"], k: 1 });
  run.addStep(step(0, [], [], []), 4);
  run.addStep(step(1, [0, 1, 2, 3], [1, 3, 2, 0], ["active", "active", "active", "dropped"]), 4);
  run.addStep(step(2, [], [], []), 4); // a layer without scores: three computed it
  run.addStep(step(3, [0, 1, 2], [5, 4, 2], ["selected", "dropped", "dropped"]), 4);
  return run;
}

test("a run counts what was computed, also in layers without scores", () => {
  const run = settled();
  assert.deepEqual([...run.computed], [3, 3, 3, 1]);
  assert.deepEqual(run.view(2).order, [1, 2, 0, 3]);
  assert.deepEqual(run.view(2).cells, { computed: 7, saved: 1, whole: 8 });
  assert.equal(run.view(2).outcome(0), "active");
  assert.equal(run.view(1).outcome(3), "dropped");
  run.finish([{ index: 0, score: 0.9, state: "selected", layer: 3 }, { index: 1, score: 0.5, state: "dropped", layer: 3 },
    { index: 2, score: 0.4, state: "dropped", layer: 3 }, { index: 3, score: 0.1, state: "dropped", layer: 1 }], { n_layers: 4 });
  assert.deepEqual(run.view().cells, { computed: 10, saved: 6, whole: 16 });
  assert.deepEqual(run.view().order, [0, 1, 2, 3]);
  assert.equal(run.view().outcome(0), "selected");
  assert.deepEqual(run.view(1).order, [1, 2, 0, 3]);
  assert.deepEqual(run.view().drawn(), [0, 1, 2]);
});

test("a run that a deadline ended leaves some undecided, one to the end has reached and missed", () => {
  const cut = new Run({ query: "q", documents: ["a", "b"], k: 1 });
  cut.addStep(step(1, [0, 1], [1, 2], ["active", "active"]), 3);
  cut.finish([{ index: 1, score: 0.6, state: "active", layer: 1 }, { index: 0, score: 0.4, state: "active", layer: 1 }], { n_layers: 3, deadline_hit: true });
  assert.ok(cut.wasCutShort);
  assert.equal(cut.view().outcome(1), "active");
  assert.deepEqual(cut.view().cells, { computed: 2, saved: 4, whole: 6 });
  const full = new Run({ query: "q", documents: ["a", "b"], k: 1 });
  full.addStep(step(3, [0, 1], [1, 2], ["finished", "finished"]), 3); // a slow reader missed two layers
  full.finish([{ index: 1, score: 0.6 }, { index: 0, score: 0.4 }], { n_layers: 3 });
  assert.deepEqual([full.view().outcome(1), full.view().outcome(0)], ["reached", "missed"]);
  assert.equal(full.view().cells.saved, 0);
});

test("two orders differ by what is common, by places and by pairs", () => {
  assert.deepEqual(difference([1, 2, 3, 4], [1, 2, 3, 4], 3), { overlap: 3, places: 0, pairs: 0 });
  assert.deepEqual(difference([2, 1, 4, 3], [1, 2, 3, 4], 3), { overlap: 2, places: 3, pairs: 1 });
});

test("texts out of lines, JSON and tables", () => {
  const read = (text, name) => {
    const parsed = parse(text, name);
    return textsOf(parsed, likelyField(parsed)).documents;
  };
  assert.deepEqual(read("\ufeff one \r\n\r\ntwo\r"), ["one", "two"]);
  assert.deepEqual(read('{"text": "a", "title": "T"}\n\n{"text": "b"}\n'), ["T a", "b"]);
  assert.deepEqual(read('["a", {"passage": "b", "id": "long identifier"}]'), ["a", "b"]);
  assert.deepEqual(read("{this is} a line\nand another"), ["{this is} a line", "and another"]);
  assert.deepEqual(read("[1] a reference\n[2] another"), ["[1] a reference", "[2] another"]);
  assert.deepEqual(read('id,comment\n1,"a, ""b""\nc"\n2,d', "x.CSV"), ['a, "b"\nc', "d"]);
  assert.deepEqual(read("n\twords of it\n1\tx\n2\ty z\n", "x.tsv"), ["x", "y z"]);
  assert.deepEqual(textsOf(parse("id;text\n1;a\n2;\n", "x.csv"), "text"), { documents: ["a"], skipped: 1 });
  for (const [text, name, said] of [['{"a"', "x.jsonl", /Line 1 is not JSON/], ["[1]", "x.json", /Entry 1/], ["a\0", "x", /zero bytes/],
    ['a\n"b', "x.csv", /does not end/], ["a,b\n", "x.csv", /no rows/]])
    assert.throws(() => parse(text, name), (error) => error instanceof Unreadable && said.test(error.message), name);
});

test("a trace is read back as it was written, and a broken one is refused by name", () => {
  const run = settled();
  run.finish([0, 1, 2, 3].map((index) => ({ index, score: 0.5, state: run.states[index], layer: run.computed[index] })), { n_layers: 4 });
  const [again] = readTrace(JSON.parse(writeTrace(run, "m")));
  assert.deepEqual(again.view().cells, run.view().cells);
  assert.deepEqual(again.points, run.points);
  assert.deepEqual(again.order, run.order);
  const good = JSON.parse(writeTrace(run, "m"));
  const broken = [
    [(value) => (value.version = 2), /version is 2/],
    [(value) => (value.queries = []), /no queries/],
    [(value) => (value.queries[0].documents = []), /no documents/],
    [(value) => (value.queries[0].documents[1].index = 9), /no index/],
    [(value) => (value.queries[0].documents[1].index = 0), /two documents of one index/],
    [(value) => (value.queries[0].steps[0].candidates[0] = 4), /step that cannot be read/],
    [(value) => value.queries[0].steps[0].scores.pop(), /step that cannot be read/],
    [(value) => (value.queries[0].n_layers = 1e9), /number of layers/],
    [(value) => (value.queries[0] = null), /no documents/],
  ];
  for (const [spoil, said] of broken) {
    const value = structuredClone(good);
    spoil(value);
    assert.throws(() => readTrace(value), said);
  }
});

test("events are read however they are cut", async () => {
  const bytes = new TextEncoder().encode(': hello\n\nevent: layer\ndata: {"a": "\u00fc"}\n\nevent: result\r\ndata: 1\r\n\r\nevent: layer\ndata: {');
  for (const size of [1, 2, 7, bytes.length]) {
    const found = [];
    const stream = new ReadableStream({
      start(controller) {
        for (let i = 0; i < bytes.length; i += size) controller.enqueue(bytes.slice(i, i + size));
        controller.close();
      },
    });
    for await (const event of events(stream)) found.push(event);
    assert.deepEqual(found, [["layer", { a: "\u00fc" }], ["result", 1]], `pieces of ${size}`);
  }
});

test("scales, labels and words", () => {
  assert.deepEqual(ticks(-2.2, 2), [-2, -1, 0, 1, 2]);
  assert.ok(ticks(0, 1e-3).length >= 4);
  assert.deepEqual(spread([10, 100, 12], 0, 200), [10, 100, 27]);
  const crowded = spread([98, 99, 100], 0, 100);
  assert.deepEqual(crowded, [66, 83, 100]);
  assert.equal(shorten("one two  three", 9), "one two\u2026");
  assert.equal(time(1234), "1.23 s");
  assert.equal(time(null), "not known");
});
