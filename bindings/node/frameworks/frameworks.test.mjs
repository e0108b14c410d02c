// The adapters with the real frameworks, in a project of its own: node --test.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rerank } from 'ai';
import { Document } from '@langchain/core/documents';
import ai from 'grating/ai';
import langchain from 'grating/langchain';

const QUERY = 'how do owls hunt';
const TEXTS = ['Bread rises because of yeast.', 'Owls hunt at night by sound.', 'Eagles hunt by day.'];

test('AI SDK', async () => {
  const { ranking, rerankedDocuments } = await rerank({
    model: ai.grating.reranking(), query: QUERY, documents: TEXTS, topN: 2,
  });
  assert.equal(ranking.length, 2);
  assert.equal(ranking[0].originalIndex, 1);
  assert.ok(ranking[0].score > ranking[1].score);
  assert.equal(rerankedDocuments[0], TEXTS[1]);
  const objects = await rerank({
    model: ai.grating.reranking(), query: QUERY, documents: TEXTS.map((text) => ({ text })),
  });
  assert.equal(objects.ranking.length, 3);
  await assert.rejects(rerank({
    model: ai.grating.reranking('no/such/model'), query: QUERY, documents: TEXTS, maxRetries: 0,
  }), /no\/such\/model/);
});

test('LangChain', async () => {
  const documents = TEXTS.map((pageContent, n) => new Document({ pageContent, metadata: { n } }));
  const found = await new langchain.GratingRerank({ topN: 2 }).compressDocuments(documents, QUERY);
  assert.deepEqual(found.map((one) => one.metadata.n).slice(0, 1), [1]);
  assert.ok(found[0].metadata.relevanceScore > found[1].metadata.relevanceScore);
  assert.equal(documents[1].metadata.relevanceScore, undefined);
});
