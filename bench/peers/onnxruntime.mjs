// Times ONNX Runtime (npm onnxruntime-node, CPU) on one ranking request.
// usage: node onnxruntime.mjs MODEL.onnx PAIRS.json THREADS BATCH
// PAIRS: {"ids": [[...], ...], "types": [[...], ...]}. Pairs are padded to the longest of a
// batch, as users run it. Prints one line of JSON: {"ms", "logits"}; loading and a warm-up by
// one short pair are not in the time, and neither is tokenising.
import {createRequire} from "node:module";
import fs from "node:fs";

const ort = createRequire(import.meta.url)("onnxruntime-node");
const [, , model, pairsFile, threads, batch] = process.argv;
const {ids, types} = JSON.parse(fs.readFileSync(pairsFile, "utf8"));
const session = await ort.InferenceSession.create(model, {
  executionProviders: ["cpu"], graphOptimizationLevel: "all", executionMode: "sequential",
  intraOpNumThreads: Number(threads), interOpNumThreads: 1,
});

function padded(rows, length, fill) {
  const out = new BigInt64Array(rows.length * length).fill(BigInt(fill));
  rows.forEach((row, i) => row.forEach((n, t) => { out[i * length + t] = BigInt(n); }));
  return new ort.Tensor("int64", out, [rows.length, length]);
}

async function score(batchIds, batchTypes) {
  const length = Math.max(...batchIds.map((row) => row.length));
  const output = await session.run({
    input_ids: padded(batchIds, length, 0),
    token_type_ids: padded(batchTypes, length, 0),
    attention_mask: padded(batchIds.map((row) => row.map(() => 1)), length, 0),
  });
  return [...output[session.outputNames[0]].data];
}

await score([ids[0].slice(0, 16)], [types[0].slice(0, 16)]);
const start = performance.now();
const logits = [];
for (let i = 0; i < ids.length; i += Number(batch))
  logits.push(...await score(ids.slice(i, i + Number(batch)), types.slice(i, i + Number(batch))));
const ms = performance.now() - start;
console.log(JSON.stringify({ms, logits, engine: `onnxruntime-node ${ort.env.versions.node}`}));
