// @langchain/cohere, which takes a client of cohere-ai.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CohereRerank } from '@langchain/cohere';
import { Document } from '@langchain/core/documents';
import { CohereClient } from 'cohere-ai';
import { base, checkRanking, failure, keyed, query, texts } from './common.mjs';

const reranker = (url, token, topN) => new CohereRerank({
  apiKey: token, model: 'm', topN, client: new CohereClient({ token, environment: url }),
});

test('@langchain/cohere: rerank', async () => {
  const found = await reranker(base, 'x', 4).rerank(texts, query);
  checkRanking(found.map(r => ({ index: r.index, score: r.relevanceScore })));
});

test('@langchain/cohere: compressDocuments', async () => {
  const documents = texts.map((pageContent, id) => new Document({ pageContent, metadata: { id } }));
  const found = await reranker(base, 'x', 2).compressDocuments(documents, query);
  assert.equal(found[0].pageContent, texts[1]);
  checkRanking(found.map(d => ({ index: d.metadata.id, score: d.metadata.relevanceScore })), 2);
});

test('@langchain/cohere: what is wrong is said', async () => {
  const empty = (await failure(() => reranker(base, 'x', 2).rerank(['a'], ''))).error;
  assert.equal(empty.statusCode, 400);
  const refused = (await failure(() => reranker(keyed, 'wrong', 2).rerank(texts, query))).error;
  assert.equal(refused.statusCode, 401);
});
