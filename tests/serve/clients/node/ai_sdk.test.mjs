// The AI SDK with its provider of Cohere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCohere } from '@ai-sdk/cohere';
import { APICallError, rerank, RetryError } from 'ai';
import { base, busy, checkRanking, failure, keyed, query, texts } from './common.mjs';

const model = (url, apiKey = 'x') => createCohere({ baseURL: `${url}/v2`, apiKey }).reranking('m');
const rows = answer => answer.ranking.map(r => ({ index: r.originalIndex, score: r.score }));

test('ai: all, and the best', async () => {
  const answer = await rerank({ model: model(base), query, documents: texts });
  checkRanking(rows(answer));
  assert.equal(answer.rerankedDocuments[0], texts[1]);
  checkRanking(rows(await rerank({ model: model(base), query, documents: texts, topN: 2 })), 2);
});

test('ai: objects', async () => {
  const documents = texts.map(text => ({ text, source: 'made up' }));
  const answer = await rerank({ model: model(base), query, documents });
  checkRanking(rows(answer));
  assert.deepEqual(answer.ranking[0].document, documents[1]);
});

test('ai: what is wrong is said', async () => {
  const { error } = await failure(
    () => rerank({ model: model(base), query: ' ', documents: texts }));
  assert.ok(APICallError.isInstance(error));
  assert.equal(error.statusCode, 400);
  assert.match(error.message, /must not be empty/);
  const refused = (await failure(
    () => rerank({ model: model(keyed, 'wrong'), query, documents: texts }))).error;
  assert.equal(refused.statusCode, 401);
});

test('ai: a full server is tried again', async () => {
  const call = () => rerank({ model: model(busy), query, documents: texts, maxRetries: 1 });
  const { error, seconds } = await failure(call);
  assert.ok(RetryError.isInstance(error), error);
  assert.equal(error.lastError.statusCode, 429);
  assert.ok(seconds >= 0.9, `${seconds} s: Retry-After was not waited for`);
});
