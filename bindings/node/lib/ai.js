'use strict';
// The reranking model of Vercel's AI SDK: rerank({ model: grating.reranking(), ... }).
const { Model } = require('./index.js');

class GratingRerankingModel {
  constructor(modelId, options) {
    this.specificationVersion = 'v3';
    this.provider = 'grating';
    this.modelId = modelId ?? 'grating';
    this._path = modelId;
    this._options = options;
  }

  _open() {
    this._model ??= Model.open(this._path, this._options);
    return this._model;
  }

  async doRerank({ documents, query, topN, abortSignal, providerOptions }) {
    const texts = documents.type === 'text' ? documents.values
      : documents.values.map((value) => JSON.stringify(value));
    const model = await this._open();
    const result = await model.rank(query, texts, {
      k: topN ?? 0, signal: abortSignal, ...(providerOptions?.grating ?? {}),
    });
    return {
      ranking: result.items.map(({ index, score }) => ({ index, relevanceScore: score })),
    };
  }
}

/** A provider; options are those of `Model.open`. */
function createGrating(options = {}) {
  const provider = (modelId) => provider.reranking(modelId);
  provider.reranking = (modelId) => new GratingRerankingModel(modelId, options);
  provider.rerankingModel = provider.reranking;
  return provider;
}

module.exports = { createGrating, grating: createGrating() };
