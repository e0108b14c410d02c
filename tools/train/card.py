#!/usr/bin/env python3
"""The model card (README.md) of a trained model, from what was recorded and measured.

usage: card.py NAME CHECKPOINT.pt DATA_DIR MEASURED.json OUT.md [--seen selqa,qed]
CHECKPOINT is train.py's, DATA_DIR prepare.py's, MEASURED measure.py's.  --seen names the
sets whose test questions the weights that training began from had already read; the card
marks them.
"""
import argparse
import json
import os

import torch

KINDS = {"question": "questions", "title": "titles", "cloze": "sentences taken out",
         "span": "words in a row", "keywords": "keywords"}
SETS = {
    "msmarco": "MS MARCO passages", "selqa": "SelQA, test part", "qed": "QED, test part",
    "xquad-en": "XQuAD English, test part", "wikiqa": "WikiQA test",
    "covid-qa": "COVID-QA, test part", "tldr": "tldr pages, test part",
    "locomo": "LoCoMo dialogues",
}
START = ("weights written down so that they rank by shared words, the rest of them small noise "
         "(`tools/train/lexical_start.py`)")
VOCABULARY = {
    "bert": "The vocabulary is that of bert-base-uncased (Apache-2.0).",
    "qwen3": "The vocabulary was learned from the same texts; the prompt is that of the "
             "Qwen3-Reranker model cards, and training read no other instruction than theirs.",
}
TEXT_SOURCES = {"selqa-passages": "selqa"}  # the same text in another form


def read_json(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def shape(config, weights):
    n = sum(w.numel() for w in weights.values())
    kind = "Qwen3 decoder" if config["model_type"] == "qwen3" else "BERT cross-encoder"
    return ("A %s: %d layers, hidden size %d, %d heads, feed-forward %d, %d tokens in the "
            "vocabulary, %d positions; %.1f million parameters in F16, %.1f MB."
            % (kind, config["num_hidden_layers"], config["hidden_size"],
               config["num_attention_heads"], config["intermediate_size"],
               config["vocab_size"], config["max_position_embeddings"], n / 1e6, 2 * n / 1e6))


def data_rows(data):
    merged = {}
    for name, counts in data["counts"].items():
        into = merged.setdefault(TEXT_SOURCES.get(name, name), {})
        for kind, n in counts.items():
            into[kind] = into.get(kind, 0) + n
    yield "| data | licence | lists of candidates |"
    yield "|---|---|---|"
    for name, counts in merged.items():
        title, licence = data["sources"][name]
        parts = ["%s %s" % (format(n, ","), KINDS[kind]) for kind, n in counts.items()]
        yield "| %s | %s | %s |" % (title, licence, ", ".join(parts))


def number(value, interval):
    return "%.3f (%.3f-%.3f)" % (value, interval[0], interval[1])


def result_rows(measured, seen):
    yield "| candidates | queries | BM25 | model | difference |"
    yield "|---|---|---|---|---|"
    for name, row in measured["sets"].items():
        mark = " [1]" if name in seen else ""
        gain = "%+.3f (%+.3f to %+.3f)" % (row["gain"], *row["gain_interval"])
        yield "| %s%s | %d | %s | %s | %s |" % (
            SETS.get(name, name), mark, row["queries"],
            number(row["bm25"], row["bm25_interval"]),
            number(row["model"], row["model_interval"]), gain)


def training(state, data):
    a = state["arguments"]
    began = "the model in %s" % os.path.basename(a["init"]) if a["init"] else START
    share = state.get("share", 1.0)
    way = "" if share == 1.0 else (
        " The weights here are %g of the way from there to what training made of them "
        "(`tools/train/interpolate.py`): on questions kept for choosing, the whole way is worse."
        % share)
    return ("From %s: %s steps of %d lists with %d candidates each, pairs of at most %d "
            "tokens, AdamW, learning rate %g falling linearly to zero, seed %d; %.0f minutes. "
            "The loss is the cross entropy over a list; BM25's own opinion is half of the "
            "target for keywords, 0.3 for words in a row. %s lists were prepared, their "
            "negatives from BM25's first %d.%s"
            % (began, format(state["step"], ","), a["lists"], a["candidates"],
               a["max_tokens"], a["rate"], a["seed"], state["spent"] / 60.0,
               format(data["lists"], ","), data["best"], way))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("checkpoint")
    parser.add_argument("data")
    parser.add_argument("measured")
    parser.add_argument("out")
    parser.add_argument("--seen", default="")
    args = parser.parse_args()
    state = torch.load(args.checkpoint, map_location="cpu")
    data, measured = read_json(os.path.join(args.data, "data.json")), read_json(args.measured)
    seen = [name for name in args.seen.split(",") if name]
    unknown = [name for name in seen if name not in measured["sets"]]
    if unknown:
        raise SystemExit("%s has no set %s" % (args.measured, unknown[0]))
    lines = ["---", "license: cc-by-sa-4.0", "language: en", "pipeline_tag: text-ranking",
             "---", "# " + args.name, "", shape(state["config"], state["weights"]), "",
             "## Made from", "", *data_rows(data), "", training(state, data), "",
             "The weights are offered under CC-BY-SA-4.0, since part of the training text is "
             "share-alike. " + VOCABULARY[state["config"]["model_type"]], "",
             "It knows English only, and is small on purpose: for better ranking name a larger "
             "model.", "", "## Measured", "",
             "%s of BM25's top %d, normalised over the candidates, with 95 %% bootstrap "
             "intervals over queries. Training read no query of this table; test parts as in "
             "`tools/reference/jobs.py`. This BM25 does not stem words; that of `grating eval` "
             "does, and is a better one (docs/evaluation.md)."
             % (measured["metric"], measured["top"]), "",
             *result_rows(measured, seen)]
    if seen:
        lines += ["", "[1] The weights that training began from had read these questions."]
    lines += ["", "`reference_scores.jsonl` holds pairs with the logits of an independent forward "
              "pass (these F16 weights, f32 arithmetic); the tests compare with them."]
    with open(args.out, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
