'use strict';
// A document compressor of LangChain.js.
const { BaseDocumentCompressor } = require('@langchain/core/retrievers/document_compressors');
const { Document } = require('@langchain/core/documents');
const { Model } = require('./index.js');

/** The topN best documents, with `relevanceScore` in their metadata. */
class GratingRerank extends BaseDocumentCompressor {
  constructor({ model, topN = 3, modelOptions = {}, ...rankOptions } = {}) {
    super();
    this.topN = topN;
    this._path = model;
    this._modelOptions = modelOptions;
    this._rankOptions = rankOptions;
  }

  async compressDocuments(documents, query) {
    if (!documents.length) return [];
    this._model ??= this._path instanceof Model ? this._path : Model.open(this._path, this._modelOptions);
    const model = await this._model;
    const result = await model.rank(query, documents.map((one) => one.pageContent), {
      k: this.topN, ...this._rankOptions,
    });
    return result.items.map(({ index, score }) => new Document({
      ...documents[index], metadata: { ...documents[index].metadata, relevanceScore: score },
    }));
  }
}

module.exports = { GratingRerank };
