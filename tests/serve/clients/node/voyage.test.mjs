// voyageai.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VoyageAIClient } from 'voyageai';
import { base, busy, checkRanking, failure, keyed, query, texts } from './common.mjs';

const client = (url, apiKey = 'x') => new VoyageAIClient({ apiKey, environment: `${url}/v1` });
const rows = answer => answer.data.map(r => ({ index: r.index, score: r.relevanceScore }));

test('voyageai: all, and the best', async () => {
  const all = await client(base).rerank({ model: 'm', query, documents: texts });
  checkRanking(rows(all));
  assert.ok(all.usage.totalTokens > 20);
  checkRanking(rows(await client(base).rerank({ model: 'm', query, documents: texts, topK: 2 })), 2);
  const returned = await client(base).rerank({
    model: 'm', query, documents: texts, returnDocuments: true, truncation: true,
  });
  checkRanking(rows(returned));
});

test('voyageai: what is wrong is said', async () => {
  const { error } = await failure(() => client(base).rerank({ model: 'm', query, documents: [] }));
  assert.equal(error.statusCode, 400);
  const refused = (await failure(
    () => client(keyed, 'wrong').rerank({ model: 'm', query, documents: texts }))).error;
  assert.equal(refused.statusCode, 401);
});

test('voyageai: a full server is tried again after Retry-After', async () => {
  const call = () => client(busy).rerank({ model: 'm', query, documents: texts }, { maxRetries: 1 });
  const { error, seconds } = await failure(call);
  assert.equal(error.statusCode, 429);
  assert.ok(seconds >= 0.9, `${seconds} s: Retry-After was not waited for`);
});
