// LlamaIndex.TS: @llamaindex/cohere, which brings an older cohere-ai.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CohereRerank } from '@llamaindex/cohere';
import { MetadataMode, TextNode } from '@llamaindex/core/schema';
import { base, checkRanking, failure, keyed, query, texts } from './common.mjs';

const nodes = () => texts.map((text, i) => ({ node: new TextNode({ text, id_: `${i}` }), score: 0 }));
const reranker = (baseUrl, apiKey, topN) => new CohereRerank({ apiKey, model: 'm', topN, baseUrl });

test('@llamaindex/cohere: postprocessNodes', async () => {
  for (const n of [4, 2]) {
    const found = await reranker(base, 'x', n).postprocessNodes(nodes(), query);
    assert.equal(found[0].node.getContent(MetadataMode.NONE), texts[1]);
    checkRanking(found.map(f => ({ index: Number(f.node.id_), score: f.score })), n);
  }
});

test('@llamaindex/cohere: what is wrong is said', async () => {
  const call = () => reranker(keyed, 'wrong', 2).postprocessNodes(nodes(), query);
  assert.equal((await failure(call)).error.statusCode, 401);
});
