'use strict';
// grating for Node: the K best of N texts for a query, on this machine.
const addon = require('./load.js');

const STATES = ['finished', 'selected', 'dropped', 'active'];
const EXACT = 1;
const TRUNCATED = 2 | 4;

/** @typedef {import('./index').RankOptions} RankOptions */

function sizeInBytes(size) {
  if (size === undefined || size === null) return 0;
  if (typeof size === 'number') return size;
  const found = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*$/i.exec(size);
  if (!found) throw new RangeError(`memory: "${size}" is not a size such as 300M or 1.5G`);
  return Math.floor(Number(found[1]) * 1024 ** ' KMGT'.indexOf(found[2].toUpperCase() || ' '));
}

function textOf(document, i) {
  if (typeof document === 'string') return document;
  if (document && typeof document.text === 'string') {
    return document.title ? `${document.title} ${document.text}` : document.text;
  }
  throw new TypeError(`documents[${i}] is not a string, and has no text`);
}

/** Threads and a budget of memory, for several models. */
class Engine {
  constructor({ threads = 0, memory, hidden } = {}) {
    this._handle = addon.createEngine({ threads, memoryBytes: sizeInBytes(memory), hidden });
  }
}

/** What came out of a ranking; `items` are the top K, best first, columns hold all N. */
class Result {
  constructor(columns, documents) {
    Object.assign(this, columns);
    this.documents = documents;
  }

  item(i) {
    if (!(i >= 0 && i < this.indices.length)) throw new RangeError(`${i} of ${this.indices.length} documents`);
    const index = this.indices[i];
    const document = this.documents[index];
    return {
      index,
      id: document && typeof document === 'object' ? document.id : undefined,
      score: this.scores[i],
      logit: this.logits[i],
      isExact: (this.flags[i] & EXACT) !== 0,
      isTruncated: (this.flags[i] & TRUNCATED) !== 0,
      layer: this.layers[i],
      state: STATES[this.states[i]],
      nTokens: this.tokens[i],
      document,
    };
  }

  get items() {
    return Array.from({ length: this.top }, (_, i) => this.item(i));
  }

  get all() {
    return Array.from(this.indices, (_, i) => this.item(i));
  }

  [Symbol.iterator]() {
    return this.items[Symbol.iterator]();
  }
}

class Model {
  /** Use `await Model.open(...)`. */
  constructor(handle, path) {
    this._handle = handle;
    this.path = path;
    this.info = addon.describeModel(handle);
  }

  /**
   * Opens a checkpoint: a Hugging Face folder, a GGUF file, or the name of a model on this
   * machine; without one $GRATING_MODEL, or the bundled model.
   */
  static async open(path, options = {}) {
    const { engine, threads, memory, hidden, ...rest } = options;
    const own = engine || new Engine({ threads, memory, hidden });
    const wanted = path ?? (process.env.GRATING_MODEL || undefined);
    const { promise } = addon.openModel(wanted, own._handle, rest);
    return new Model(await promise, wanted);
  }

  /**
   * The K best of the documents (strings, or objects with `text` and perhaps `title` and `id`).
   * @param {string} query
   * @param {Array<string | {text: string}>} documents
   * @param {RankOptions} [options]
   */
  async rank(query, documents, options = {}) {
    const { signal, onLayer, ...rest } = options;
    if (!Array.isArray(documents)) throw new TypeError('documents is not an array');
    signal?.throwIfAborted();
    const texts = documents.every((one) => typeof one === 'string') ? documents : documents.map(textOf);
    let thrown;
    const listener = onLayer && ((step) => {
      if (thrown) return;
      try {
        onLayer(step);
      } catch (error) {
        thrown = { error };
        throw error; // the addon ends the ranking
      }
    });
    const { promise, job } = addon.rank(this._handle, query, texts, rest, listener);
    const abort = () => addon.cancel(job);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const columns = await promise;
      if (thrown) throw thrown.error;
      return new Result(columns, documents);
    } catch (error) {
      if (thrown) throw thrown.error;
      if (signal?.aborted && error.code === 'GRT_E_CANCELLED') throw signal.reason;
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** As node-llama-cpp names it: all documents, best first, with their scores. */
  async rankAndSort(query, documents) {
    const result = await this.rank(query, documents, { k: 0 });
    return result.all.map(({ document, score }) => ({ document, score }));
  }

  /** Gives its memory back; throws while rankings are open. */
  close() {
    addon.closeModel(this._handle);
  }
}

/** Models on this machine: bundled ones, the Hugging Face cache, Ollama's store. */
const models = () => addon.listModels();

module.exports = { Engine, Model, Result, models, version: addon.version };
