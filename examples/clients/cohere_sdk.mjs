// The SDK of Cohere: npm install cohere-ai; grating serve
import { CohereClientV2 } from 'cohere-ai';

const environment = process.env.GRATING_URL ?? 'http://127.0.0.1:8080';
const client = new CohereClientV2({ token: 'any key', environment });
const documents = ['Bread rises because yeast makes gas.', 'Owls hear mice under the snow.'];
const { results } = await client.rerank({
  model: 'grating-small', query: 'how do owls hunt', documents, topN: 1,
});
for (const { index, relevanceScore } of results) {
  console.log(relevanceScore.toFixed(3), documents[index]);
}
