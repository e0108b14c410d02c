// AI SDK: npm install ai @ai-sdk/cohere; grating serve
import { createCohere } from '@ai-sdk/cohere';
import { rerank } from 'ai';

const address = process.env.GRATING_URL ?? 'http://127.0.0.1:8080';
const cohere = createCohere({ baseURL: `${address}/v2`, apiKey: 'any key' });
const { ranking } = await rerank({
  model: cohere.reranking('grating-small'),
  query: 'how do owls hunt',
  documents: ['Bread rises because yeast makes gas.', 'Owls hear mice under the snow.'],
  topN: 1,
});
for (const { score, document } of ranking) console.log(score.toFixed(3), document);
