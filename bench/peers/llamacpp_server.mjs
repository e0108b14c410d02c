// llama.cpp (npm node-llama-cpp, its own binaries, CPU) behind the same HTTP interface as
// `grating serve`, to load both alike.
// usage: node llamacpp_server.mjs MODEL.gguf THREADS PORT
//
// POST any path {"query", "documents"}: {"results": [{"index", "relevance_score"}]}. One ranking
// context answers all: its own queue lets them in one after the other.
import {getLlama} from "node-llama-cpp";
import http from "node:http";

const [model, threads, port] = process.argv.slice(2);
const llama = await getLlama({
  gpu: false, build: "never", maxThreads: Number(threads), logLevel: "error",
});
const m = await llama.loadModel({modelPath: model});
const context = await m.createRankingContext({
  contextSize: 512, batchSize: 512, threads: Number(threads),
});

async function answer(request, response) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const {query, documents} = JSON.parse(Buffer.concat(parts).toString());
  const scores = await context.rankAll(query, documents);
  const results = scores.map((relevance_score, index) => ({index, relevance_score}))
    .sort((a, b) => b.relevance_score - a.relevance_score);
  response.writeHead(200, {"Content-Type": "application/json"});
  response.end(JSON.stringify({results}));
}

http.createServer((request, response) => answer(request, response).catch((error) => {
  response.writeHead(500);
  response.end(String(error));
})).listen(Number(port), "127.0.0.1", () => console.error(
  `listening at http://127.0.0.1:${port}, llama.cpp ${llama.llamaCppRelease.release}`));
