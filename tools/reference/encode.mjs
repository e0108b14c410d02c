// Ids of each line (a JSON string) with Hugging Face's tokenizers for JavaScript.
//
//   node encode.mjs FOLDER TOKENIZER_JSON LINES.jsonl > IDS
//
// FOLDER is where `npm install @huggingface/transformers` ran.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [folder, tokenizerPath, linesPath] = process.argv.slice(2);
const library = path.resolve(
  folder, "node_modules/@huggingface/tokenizers/dist/tokenizers.mjs");
const { Tokenizer } = await import(pathToFileURL(library));
const read = (name) => fs.readFileSync(name, "utf-8");
const tokenizer = new Tokenizer(JSON.parse(read(tokenizerPath)), {});
const out = [];
for (const line of read(linesPath).trimEnd().split("\n"))
  out.push(tokenizer.encode(JSON.parse(line), { add_special_tokens: false }).ids.join(" "));
process.stdout.write(out.join("\n") + "\n");
