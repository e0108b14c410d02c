// cohere-ai: the clients of both versions of the interface.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CohereClient, CohereClientV2, CohereError } from 'cohere-ai';
import { base, busy, checkRanking, failure, keyed, query, texts } from './common.mjs';

const rows = answer => answer.results.map(r => ({ index: r.index, score: r.relevanceScore }));
const v1 = new CohereClient({ token: 'x', environment: base });
const v2 = new CohereClientV2({ token: 'x', environment: base });

test('cohere-ai v2: all, and the best', async () => {
  checkRanking(rows(await v2.rerank({ model: 'm', query, documents: texts })));
  checkRanking(rows(await v2.rerank({ model: 'm', query, documents: texts, topN: 2 })), 2);
  checkRanking(rows(await v2.rerank({
    model: 'm', query, documents: texts, maxTokensPerDoc: 64, priority: 1,
  })));
});

test('cohere-ai v1: objects and strings mixed, documents come back', async () => {
  const documents = [{ text: texts[0] }, texts[1], { text: texts[2], page: '3' }, texts[3]];
  const answer = await v1.rerank({ model: 'm', query, documents, returnDocuments: true });
  checkRanking(rows(answer));
  for (const row of answer.results) assert.equal(row.document.text, texts[row.index]);
  assert.equal(answer.meta.apiVersion.version, '1');
});

test('cohere-ai v1: fields to rank by', async () => {
  const documents = texts.map((text, i) => ({ title: `page ${i}`, body: text }));
  const answer = await v1.rerank({ model: 'm', query, documents, rankFields: ['title', 'body'] });
  checkRanking(rows(answer));
});

test('cohere-ai: what is wrong is a typed error', async () => {
  const { error } = await failure(() => v2.rerank({ model: 'm', query, documents: [] }));
  assert.equal(error.constructor.name, 'BadRequestError');
  assert.equal(error.statusCode, 400);
  assert.match(error.body.message, /"documents" must not be empty/);
  const locked = new CohereClientV2({ token: 'wrong', environment: keyed });
  const refused = (await failure(() => locked.rerank({ model: 'm', query, documents: texts }))).error;
  assert.equal(refused.constructor.name, 'UnauthorizedError');
  assert.match(refused.body.message, /key is not right/);
  const opened = new CohereClientV2({ token: 'right', environment: keyed });
  checkRanking(rows(await opened.rerank({ model: 'm', query, documents: texts })));
});

test('cohere-ai: a full server is tried again after Retry-After', async () => {
  const client = new CohereClientV2({ token: 'x', environment: busy });
  const call = () => client.rerank({ model: 'm', query, documents: texts }, { maxRetries: 1 });
  const { error, seconds } = await failure(call);
  assert.ok(error instanceof CohereError);
  assert.equal(error.constructor.name, 'TooManyRequestsError');
  assert.ok(seconds >= 0.9, `${seconds} s: Retry-After was not waited for`);
});
