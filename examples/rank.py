"""Rerankers of Python programs by the command: rank() as CrossEncoder has it, rerank() as FlashRank.

usage: rank.py QUERY TEXT..."""
import json
import subprocess
import sys


def run(query, documents, top_k, model, options):
    command = ["grating", "rank", "--json", "--no-stats", "--queries", "-", "--no-progress", *options]
    if model:
        command += ["--model", model]
    job = {"query": query, "documents": documents, "k": top_k or 0}
    done = subprocess.run(command, input=json.dumps(job) + "\n", stdout=subprocess.PIPE, text=True,
                          check=False)
    found = json.loads(done.stdout) if done.stdout else {"error": {"text": "see above"}}
    if "error" in found:
        raise RuntimeError(found["error"]["text"])
    return found["results"]


def rank(query, documents, top_k=None, return_documents=False, model=None, options=()):
    """CrossEncoder(model).rank(query, documents): [{"corpus_id", "score"}, ...], best first."""
    return [{"corpus_id": row["index"], "score": row["score"],
             **({"text": documents[row["index"]]} if return_documents else {})}
            for row in run(query, list(documents), top_k, model, options)]


def rerank(query, passages, top_k=None, model=None, options=()):
    """Ranker(model).rerank(RerankRequest(query, passages)): the passages, best first, with "score"."""
    texts = [passage["text"] for passage in passages]
    return [{**passages[row["index"]], "score": row["score"]}
            for row in run(query, texts, top_k, model, options)]


if __name__ == "__main__":
    for row in rank(sys.argv[1], sys.argv[2:], return_documents=True):
        print("%.3f  %s" % (row["score"], row["text"]))
