// Times llama.cpp as users get it (npm node-llama-cpp, its own binaries, CPU) on one ranking
// request, or prints token ids.
// usage: node llamacpp.mjs MODEL.gguf JOB.json THREADS        JOB: {"query", "documents"}
//        node llamacpp.mjs --ids MODEL.gguf JOB.json
// The first prints {"ms", "logits", "engine", "backend"}: loading and a warm-up by one short
// document are not in the time; backend is the library for this CPU that was loaded. The
// second prints {"ids"}: the tokens of each pair, in the prompt of the file.
import {getLlama} from "node-llama-cpp";
import fs from "node:fs";

const onlyIds = process.argv[2] === "--ids";
const [model, jobFile, threads = "1"] = process.argv.slice(onlyIds ? 3 : 2);
const job = JSON.parse(fs.readFileSync(jobFile, "utf8"));
const llama = await getLlama({
  gpu: false, build: "never", maxThreads: Number(threads), logLevel: "error",
});
const m = await llama.loadModel({modelPath: model, vocabOnly: onlyIds});

// As createRankingContext puts a pair together: the parts of the prompt, query and document
// become tokens one by one; control tokens are seen in the prompt only.
function pairIds(document) {
  const prompt = m.fileInfo.metadata.tokenizer["chat_template.rerank"];
  const texts = {"{query}": job.query, "{document}": document};
  return prompt.split(/(\{query\}|\{document\})/).flatMap((part) =>
    m.tokenize(texts[part] ?? part, !(part in texts), "trimLeadingSpace"));
}

function loadedBackend() {
  const maps = fs.readFileSync("/proc/self/maps", "utf8");
  return [...new Set(maps.match(/libggml-cpu[^/\s]*\.so/g))].join(" ");
}

if (onlyIds) {
  console.log(JSON.stringify({ids: job.documents.map(pairIds)}));
  process.exit(0);
}
const longest = Math.max(...job.documents.map((document) => pairIds(document).length));
const size = Math.ceil((longest + 16) / 256) * 256;
const context = await m.createRankingContext({
  contextSize: size, batchSize: size, threads: Number(threads),
});
await context.rankAll(job.query, [job.documents[0].slice(0, 40)]);
const start = performance.now();
const scores = await context.rankAll(job.query, job.documents);
const ms = performance.now() - start;
console.log(JSON.stringify({
  ms, logits: scores.map((p) => Math.log(p / (1 - p))),
  engine: `llama.cpp ${llama.llamaCppRelease.release}`, backend: loadedBackend(),
  system: llama.systemInfo,
}));
process.exit(0);
