'use strict';
// The package with Node alone: node --test.  GRATING_ADDON names the addon.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const grating = require('../lib/index.js');

const QUERY = 'how do owls hunt';
const TEXTS = ['Bread rises because of yeast.', 'Owls hunt at night by sound.',
  'A steam engine heats water in a boiler.', 'Eagles hunt by day, and see far.'];
const longTexts = (n) => Array.from({ length: n }, (_, i) => `${TEXTS[i % 4]} `.repeat(40) + i);
const opened = grating.Model.open(undefined, { threads: 2 });

test('best first', async () => {
  const result = await (await opened).rank(QUERY, TEXTS, { k: 2 });
  assert.equal(result.top, 2);
  assert.deepEqual([result.items[0].index, result.items[0].document], [1, TEXTS[1]]);
  assert.deepEqual([...result.indices].sort(), [0, 1, 2, 3]);
  for (let i = 1; i < 4; i++) assert.ok(result.scores[i] <= result.scores[i - 1]);
  assert.deepEqual([...result].map((item) => item.index), result.items.map((item) => item.index));
  assert.throws(() => result.item(4), RangeError);
});

test('all are exact where all are wanted', async () => {
  const result = await (await opened).rank(QUERY, TEXTS, { k: 0 });
  assert.ok(result.items.every((item) => item.isExact && item.state === 'finished'));
  assert.equal(result.stats.candidatesXLayers, 4 * result.stats.nLayers);
});

test('documents with ids and titles; NULs and lone surrogates', async () => {
  const model = await opened;
  const result = await model.rank(QUERY, TEXTS.map((text, i) => ({ text, id: i * 10 })), { k: 1 });
  assert.equal(result.items[0].id, 10);
  const titled = await model.rank(QUERY, [{ title: 'Birds', text: 'Owls hunt.' }]);
  assert.equal(titled.items[0].logit, (await model.rank(QUERY, ['Birds Owls hunt.'])).items[0].logit);
  const odd = await model.rank(QUERY, ['a', 'a\0 owl hunts by night', '\ud800', '']);
  assert.equal(odd.items[0].index, 1);
});

test('steps', async () => {
  const layers = [];
  const result = await (await opened).rank(QUERY, TEXTS, {
    k: 1,
    onLayer: (step) => {
      layers.push(step.layer);
      assert.equal(step.indices.length, step.logits.length);
    },
  });
  assert.deepEqual(layers, layers.map((_, i) => i));
  assert.equal(result.items[0].index, 1);
  await assert.rejects((await opened).rank(QUERY, longTexts(100), {
    onLayer: () => { throw new TypeError('of the listener'); },
  }), { message: 'of the listener' });
});

test('priors, deadline, least score', async () => {
  const model = await opened;
  assert.equal((await model.rank(QUERY, TEXTS, { k: 1, priors: [100, 0, 0, 0] })).items[0].index, 0);
  assert.equal((await model.rank(QUERY, TEXTS, { minScore: 1 })).top, 0);
  const late = await model.rank(QUERY, longTexts(40), { k: 5, deadlineMs: 0.001 });
  assert.equal(late.stats.deadlineHit, true);
});

test('errors', async () => {
  const model = await opened;
  await assert.rejects(model.rank(QUERY, []), { code: 'GRT_E_INVALID_ARG', message: /no documents/ });
  await assert.rejects(model.rank(QUERY, 'one text'), TypeError);
  await assert.rejects(model.rank(QUERY, ['a', 1]), { message: /documents\[1\]/ });
  await assert.rejects(model.rank(5, TEXTS), { message: /query is not a string/ });
  await assert.rejects(model.rank(QUERY, TEXTS, { k: -1 }), RangeError);
  await assert.rejects(model.rank(QUERY, TEXTS, { promise: 'sets' }), { message: /"sets" is not known/ });
  await assert.rejects(model.rank(QUERY, TEXTS, { priors: [1] }), TypeError);
  await assert.rejects(model.rank(QUERY, TEXTS, { priors: [NaN, 0, 0, 0] }), { code: 'GRT_E_INVALID_ARG' });
  await assert.rejects(model.rank(QUERY, TEXTS, { instruction: 'x' }), { code: 'GRT_E_UNSUPPORTED' });
  await assert.rejects(grating.Model.open('no/such/model'), { code: 'GRT_E_NOT_FOUND', message: /no\/such\/model/ });
  await assert.rejects(grating.Model.open(undefined, { memory: '300X' }), RangeError);
});

test('a budget is refused with the one that works', async () => {
  const small = await grating.Model.open(undefined, { memory: '4M' });
  let smallest;
  await assert.rejects(small.rank(QUERY, longTexts(10)), (error) => {
    smallest = error.smallestBytes;
    return error.code === 'GRT_E_NO_MEMORY' && smallest > 4 << 20;
  });
  const fits = await grating.Model.open(undefined, { memory: smallest });
  assert.equal((await fits.rank(QUERY, longTexts(10))).top, 10);
});

test('aborting', async () => {
  const model = await opened;
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('enough')), 20);
  await assert.rejects(model.rank(QUERY, longTexts(400), { k: 0, signal: controller.signal }), { message: 'enough' });
  await assert.rejects(model.rank(QUERY, TEXTS, { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('several at once have the same bits', async () => {
  const model = await opened;
  const texts = longTexts(30);
  const all = await Promise.all([1, 2, 3, 4].map(() => model.rank(QUERY, texts, { k: 5 })));
  for (const one of all) assert.deepEqual(one.logits, all[0].logits);
});

test('closing', async () => {
  const model = await grating.Model.open(undefined, { threads: 1 });
  const ranking = model.rank(QUERY, longTexts(50));
  assert.throws(() => model.close(), { message: /rankings of the model are open/ });
  await ranking;
  model.close();
  await assert.rejects(model.rank(QUERY, TEXTS), { message: /closed/ });
});

test('a model on a shared engine; a worker thread', async () => {
  const engine = new grating.Engine({ threads: 1, memory: '200M' });
  const model = await grating.Model.open(undefined, { engine });
  assert.equal((await model.rank(QUERY, TEXTS, { k: 1 })).items[0].index, 1);
  const source = `
    const { parentPort } = require('node:worker_threads');
    const { Model } = require(${JSON.stringify(require.resolve('../lib/index.js'))});
    Model.open().then((model) => model.rank(${JSON.stringify(QUERY)}, ${JSON.stringify(TEXTS)}, { k: 1 }))
      .then((result) => parentPort.postMessage(result.items[0].index));`;
  const worker = new Worker(source, { eval: true });
  const index = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  assert.equal(index, 1);
});

test('what a worker has begun ends with it', async () => {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const { Model } = require(${JSON.stringify(require.resolve('../lib/index.js'))});
    Model.open().then((model) => {
      model.rank('owls', Array.from({ length: 2000 }, (_, i) => 'owls hunt at night '.repeat(30) + i), { k: 0, onLayer: () => {} });
      parentPort.postMessage('begun');
    });`;
  const worker = new Worker(source, { eval: true });
  await new Promise((resolve) => { worker.once('message', resolve); });
  const before = performance.now();
  await worker.terminate();
  assert.ok(performance.now() - before < 20000, 'the ranking was not cancelled');
});

test('models on this machine; import', async () => {
  assert.ok(grating.models().some((one) => one.source === 'bundled' && one.path));
  const esm = await import('../lib/index.mjs');
  assert.equal(esm.Model, grating.Model);
  assert.match(esm.version, /^\d+\.\d+\.\d+$/);
});
