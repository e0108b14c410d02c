#!/bin/sh
# check.sh GRATING RANKING_DIR VOCAB - the training tools from text to a ranking, on a tiny
# network of each architecture: a run that is killed (-9) and goes on gives the same weights
# as one that is not, and the exported folder scores alike in the command and in PyTorch.
set -eu
grating=$1 ranking=$2 vocabulary=$3
python=${PYTHON:-/usr/bin/python3}
tools=$(cd "$(dirname "$0")/.." && pwd)
if ! "$python" -c 'import torch, numpy' 2>/dev/null; then
    echo "skipped: $python has no torch"
    exit 0
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >bert.json <<'JSON'
{"architectures": ["BertForSequenceClassification"], "model_type": "bert", "hidden_size": 32,
 "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
 "hidden_act": "gelu", "vocab_size": 30522, "max_position_embeddings": 512,
 "type_vocab_size": 2, "layer_norm_eps": 1e-12, "num_labels": 1,
 "id2label": {"0": "LABEL_0"}, "pad_token_id": 0}
JSON

train() { # DATA OUT CONFIG SECONDS_BETWEEN_CHECKPOINTS
    "$python" "$tools/train/train.py" "$1" "$2" --config "$3" --steps 12 --lists 2 \
        --dtype f32 --bytes --checkpoint-seconds "$4" --evaluate-minutes 1000 >>"$2.log" 2>&1
}

check() { # ARCHITECTURE CONFIG TOKENIZER_DIR
    train "$1" "$1-whole" "$2" 1000
    train "$1" "$1-killed" "$2" 0 &
    trainer=$!
    while [ ! -e "$1-killed/checkpoint.pt" ] && kill -0 $trainer 2>/dev/null; do sleep 0.1; done
    # The shell function runs in a child of its own: its child is the trainer.
    kill -9 $(ps -o pid= --ppid $trainer) $trainer 2>/dev/null || true
    wait $trainer 2>/dev/null || true
    train "$1" "$1-killed" "$2" 1000
    grep -q resumed "$1-killed/log.jsonl" || { echo "$1: the killed run did not resume"; exit 1; }
    for run in whole killed; do
        "$python" "$tools/train/export.py" "$1-$run/checkpoint.pt" "$3" "$1-$run/model" >/dev/null
    done
    cmp "$1-whole/model/model.safetensors" "$1-killed/model/model.safetensors"
    "$python" "$tools/train/interpolate.py" "$1-whole/checkpoint.pt" 0.5 "$1-half.pt"
    "$grating" rank --json --all --policy none --arithmetic f32 --no-progress \
        --model "$1-whole/model" --queries jobs.jsonl >"$1.jsonl"
    "$python" - "$tools" "$1" <<'PYTHON'
import json, sys
import numpy as np, torch
tools, name = sys.argv[1:]
sys.path[:0] = [tools + "/train", tools + "/golden", tools + "/reference"]
import lexical_start, networks, prepare, safetensors_io, train
model = name + "-whole/model"
config = json.load(open(model + "/config.json"))
weights = {n: torch.from_numpy(w.copy())
           for n, w in safetensors_io.read(model + "/model.safetensors").items()}
prepare.MAX_DOCUMENT = 2048  # the command cuts later than training data
encoder = prepare.Encoder(model if name == "qwen3" else model + "/vocab.txt")
pairs = train.Pairs(encoder.template, config["max_position_embeddings"])
worst, logits_seen = 0.0, []
for line, found in zip(open("jobs.jsonl"), open(name + ".jsonl")):
    job, ours = json.loads(line), json.loads(found)["results"]
    made = [pairs.make(encoder.query(job["query"]), encoder.document(d["text"]))
            for d in job["documents"]]
    with torch.no_grad():
        batch, order = train.collate(made, "cpu")
        logits = networks.logits(weights, config, batch,
                                 networks.Arithmetic(torch.float32)).numpy()
    theirs = {order[i]: float(x) for i, x in enumerate(logits)}
    for item in (item for item in ours if not item["truncated"]):
        assert item["tokens"] == len(made[item["index"]][0]), (item, len(made[item["index"]][0]))
        logits_seen.append(item["logit"])
        worst = max(worst, abs(item["logit"] - theirs[item["index"]]))
start = networks.start(config, np.load(name + "/words.npz"), 1)
trained, half = (torch.load(f)["weights"] for f in (name + "-whole/checkpoint.pt", name + "-half.pt"))
for n, w in start.items():
    assert torch.allclose(half[n], (w + trained[n].detach()) / 2, atol=1e-6), n
if name == "qwen3":  # what a decoder's start says shall stay does so, and the rest does not
    for n, scale in lexical_start.step_scales(config, start).items():
        moved = (weights[n].float() != start[n].half().float())
        assert not moved[scale == 0.0].any(), n
        assert not (scale == 1.0).any() or moved[scale == 1.0].any(), n
spread = max(logits_seen) - min(logits_seen)
print("%s: resumed bit for bit; the command and PyTorch differ by %.2g of a spread of %.2g"
      % (name, worst, spread))
sys.exit(not worst < 1e-3 * spread)
PYTHON
}

"$python" "$tools/reference/jobs.py" xquad-en "$ranking/xquad" jobs --part test --top 5 --limit 8
"$python" "$tools/train/prepare.py" "$ranking" "$vocabulary" bert --only xquad-en --scale 0.1 >/dev/null
mkdir tokenizer && cp "$vocabulary" tokenizer/vocab.txt
cp "$(dirname "$vocabulary")/tokenizer_config.json" tokenizer/
check bert bert.json tokenizer
"$python" "$tools/train/byte_pairs.py" "$ranking" pieces --pieces 600 --layers 2 --hidden 128 \
    --only xquad-en >/dev/null
"$python" "$tools/train/prepare.py" "$ranking" pieces qwen3 --only xquad-en --scale 0.1 >/dev/null
check qwen3 pieces/config.json pieces

# A tiny text encoder as teacher and as start: its lists, and training that keeps its words.
"$python" - "$tools" encoder <<'PYTHON'
import json, os, sys
import torch
tools, folder = sys.argv[1:]
sys.path[:0] = [tools + "/train", tools + "/golden"]
import safetensors_io
config = json.load(open("bert.json"))
generator = torch.Generator().manual_seed(1)
weights = torch.load("bert-whole/checkpoint.pt")["weights"]
os.mkdir(folder)
json.dump(config, open(folder + "/config.json", "w"))
safetensors_io.write(folder + "/model.safetensors",
                     {n[5:]: torch.randn(w.shape, generator=generator).numpy() * 0.1
                      for n, w in weights.items() if n.startswith("bert.")}, "F32")
PYTHON
teach() { # OUT
    "$python" "$tools/train/teach.py" "$ranking" "$vocabulary" "$1" --teachers encoder \
        --only xquad-en --scale 0.2 --cache vectors >"$1.log"
}
teach taught
teach again # from the cache
for file in documents shard-000 dev; do
    cmp "taught/$file.npz" "again/$file.npz" || { echo "teach.py: $file differs"; exit 1; }
done
"$python" "$tools/train/train.py" taught run --init encoder --steps 3 --lists 2 --warm-up 1 \
    --temperature 1 --keep-words --dev-lists 1 --dtype f32 --keep-minutes 1e-9 >run.log
# On from a cross-encoder, then the mean of two of its steps, half of the way back.
"$python" "$tools/train/export.py" run/checkpoint.pt tokenizer small >/dev/null
"$python" "$tools/train/train.py" taught further --init small --steps 3 --lists 2 --warm-up 1 \
    --dev-lists 1 --dtype f32 --keep-minutes 1e-9 >further.log
"$python" "$tools/train/interpolate.py" further/weights-00002.pt,further/weights-00003.pt 0.5 \
    mean.pt
"$python" "$tools/train/export.py" mean.pt tokenizer mean >/dev/null
printf '%s\n' 'Before.' '<!-- quality: begin -->' 'old' '<!-- quality: end -->' 'After.' >page.md
for call in first second; do # the second one counts what the first one kept
    "$python" "$tools/train/quality.py" "$grating" mean "$ranking" kept --sets xquad-en --limit 3 \
        --depth 12 --weights 0.5 --early 0.99 --encoders encoder --vocabulary "$vocabulary" \
        --table page.md >"quality-$call.log"
    cp page.md "page-$call.md"
done
cmp page-first.md page-second.md
grep -q '^| xquad-en | 3 | 0\.' page.md && grep -q '^After' page.md && ! grep -q old page.md
"$python" - "$tools" <<'PYTHON'
import sys
import numpy as np
import torch
sys.path[:0] = [sys.argv[1] + "/golden"]
import safetensors_io
small = safetensors_io.read("small/model.safetensors")
steps = [torch.load("further/weights-0000%d.pt" % n)["weights"] for n in (2, 3)]
for name, w in torch.load("mean.pt")["weights"].items():
    middle = (steps[0][name] + steps[1][name]).detach() / 2
    wanted = (middle + torch.from_numpy(small[name].astype(np.float32))) / 2
    assert torch.allclose(w, wanted, atol=1e-6), name
start = safetensors_io.read("encoder/model.safetensors")
weights = torch.load("run/checkpoint.pt")["weights"]
for name, before in start.items():
    same = np.array_equal(weights["bert." + name].detach().numpy(), before)
    assert same == ("word_embeddings" in name), name
shard = np.load("taught/shard-000.npz")
kinds, scores = shard["kinds"], shard["scores"]
assert len(set(kinds)) == 4 and (np.diff(scores[kinds > 0], axis=1) <= 0).all()
assert ((shard["teacher"] == 1.0) == (kinds > 0)).all()
documents = np.load("taught/documents.npz")["offsets"]
assert np.diff(documents).max() <= 400 and shard["candidates"].max() < len(documents) - 1
print("encoder: %d lists from a teacher; training keeps its words" % len(kinds))
PYTHON
