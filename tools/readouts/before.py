"""What is known of candidates before layer 1: BM25's scores and the embedding layer."""
import json
import math
import os
import sys

import numpy as np

import samples  # noqa: F401 - the places of the modules below
import safetensors_io
from bm25 import Index
from jobs import READERS
from sets import source_of
from wordpiece import WordPiece


def bm25_scores(item, data):
    """BM25's score of each candidate, from the index that found it (jobs.py)."""
    source, folder = source_of(item.name)
    found, out = [], []
    for collection in READERS[source](os.path.join(data, folder)):
        numbers = {text: i for i, text in enumerate(collection.texts)}
        found.append((numbers, Index(collection.texts, 0.9, 0.4)))
    for job in item.jobs():
        texts = [d["text"] for d in job["documents"]]
        numbers, index = next((n, i) for n, i in found if all(t in n for t in texts))
        scores = index.scores(job["query"])
        row = [scores[numbers[text]] for text in texts]
        if any(a < b - 1e-9 for a, b in zip(row, row[1:])):
            sys.exit("%s: BM25 does not order the candidates of %r so" % (item.name, job["query"]))
        out += row
    return np.array(out)


def prior_features(scores, counts):
    """[candidates][3]: the score, as a share of the query's best, the logarithm of the rank."""
    parts = np.split(scores, np.cumsum(counts)[:-1])
    return np.concatenate([np.stack([x, x / max(x.max(), 1e-9), np.log(1.0 + np.arange(len(x)))],
                                    axis=1) for x in parts])


class Embedder:
    """The embedding layer of a BERT directory: word, position and type, then layer norm."""

    def __init__(self, model):
        with open(os.path.join(model, "config.json"), encoding="utf-8") as f:
            config = json.load(f)
        w = safetensors_io.read(os.path.join(model, "model.safetensors"))
        e = "bert.embeddings."
        self.words, self.places, self.types = (
            w[e + name + "_embeddings.weight"] for name in ("word", "position", "token_type"))
        self.scale, self.shift = w[e + "LayerNorm.weight"], w[e + "LayerNorm.bias"]
        self.eps, self.most = config["layer_norm_eps"], config["max_position_embeddings"]
        self.tokenizer = WordPiece.open(os.path.join(model, "vocab.txt"))

    def states(self, ids, first, kind):
        x = self.words[ids] + self.places[first:first + len(ids)] + self.types[kind]
        x = x - x.mean(1, keepdims=True)
        return x / np.sqrt((x * x).mean(1, keepdims=True) + self.eps) * self.scale + self.shift


def has_embedder(model):
    """Of other models' tokenizers there is no program in Python here."""
    return all(os.path.exists(os.path.join(model, f)) for f in ("vocab.txt", "model.safetensors"))


def matches(words, query, document):
    """Per query piece the best cosine with a piece of the document: mean, least, share of 1."""
    best = (words[query] @ words[document].T).max(1)
    return [best.mean(), best.min(), (best > 0.999).mean()]


def embedding_features(jobs, embedder):
    """[candidates][3 * width + 4]: document mean, its product with and distance from the query
    mean, how well the document's pieces match the query's, length."""
    norms = np.linalg.norm(embedder.words, axis=1, keepdims=True)
    words, out = embedder.words / np.maximum(norms, 1e-9), []
    for job in jobs:
        query = embedder.tokenizer.encode(job["query"])[:embedder.most // 2]
        room, first = embedder.most - 3 - len(query), 2 + len(query)
        q = embedder.states(query, 1, 0).mean(0)
        for document in job["documents"]:
            ids = embedder.tokenizer.encode(document["text"])[:room]
            d = embedder.states(ids, first, 1).mean(0)
            out.append(np.concatenate([d, d * q, np.abs(d - q), matches(words, query, ids),
                                       [math.log(len(ids))]]))
    return np.array(out, dtype=np.float32)
