// What all tests of clients share: the servers, what is asked, and what must come back.
//
// GRATING_URL answers everybody; GRATING_KEYED_URL wants the key "right"; GRATING_BUSY_URL is
// always full.  run.py starts them.
import assert from 'node:assert/strict';

export const base = process.env.GRATING_URL;
export const keyed = process.env.GRATING_KEYED_URL;
export const busy = process.env.GRATING_BUSY_URL;

export const query = 'how do owls hunt';
export const texts = [
  'Bread rises because yeast makes gas from sugar in the dough.',
  'Owls hunt at night; they hear mice under the snow and fly without a sound.',
  'The share price fell after the bank reported a loss.',
  'An owl is a bird.',
];

// `rows` as [{index, score}]: all there, the best first, scores of 0 to 1 that fall.
export function checkRanking(rows, n = texts.length) {
  assert.equal(rows.length, n);
  assert.equal(rows[0].index, 1);
  const indices = new Set(rows.map(row => row.index));
  assert.equal(indices.size, n);
  for (const index of indices) assert.ok(index >= 0 && index < texts.length);
  if (n === texts.length) assert.deepEqual([...indices].sort(), [0, 1, 2, 3]);
  const scores = rows.map(row => row.score);
  assert.deepEqual(scores, [...scores].sort((a, b) => b - a));
  for (const score of scores) assert.ok(score >= 0 && score <= 1, `${score}`);
}

// What a call throws, and how long it takes until then.
export async function failure(call) {
  const start = performance.now();
  try {
    await call();
  } catch (error) {
    return { error, seconds: (performance.now() - start) / 1000 };
  }
  assert.fail('an error was expected');
}
