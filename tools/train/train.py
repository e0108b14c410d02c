#!/usr/bin/env python3
"""Trains a reranker on the lists of prepare.py.

usage: train.py DATA OUT (--init MODEL_DIR | --config CONFIG.json) (--steps N | --minutes M)
                [--seed 1] [--rate 7e-5] [--lists 8] [--candidates 6] [--max-tokens 320]
                [--workers 2] [--dtype auto] [--bytes] [--trained-positions 112]
                [--warm-up 200] [--temperature 1.5] [--keep-words] [--keep-minutes 5]
--init takes a cross-encoder, or a BERT text encoder, which gets a head of small noise.
OUT/checkpoint.pt is written every --checkpoint-seconds, to a temporary name first: the same
command goes on from it after any interruption, and returns at once when training has ended.
With --keep-minutes weights stay as OUT/weights-STEP.pt too, to choose from (interpolate.py).
OUT/log.jsonl gets a line now and then.  The loss is the cross entropy between the softmax of
a list's logits and its target: the relevant candidate, mixed with softmax(score / --temperature)
by the list's share `teacher`; the score is BM25's (prepare.py) or a teacher's (teach.py).  The
learning rate rises over --warm-up steps and falls to zero at step N, or,
with --minutes, in proportion to the time spent training: processor time divided by the
workers, which is wall time on an idle machine and stands still while others have the cores;
the weights then depend on the machine's speed.  --bytes rounds rows and weights to int8 before
each multiplication of the layers, as `grating --arithmetic int8` does.  Which lists and
candidates a step sees is a function of seed and step alone, and gradients of the workers'
shares are added in a fixed order.
"""
import argparse
import concurrent.futures
import json
import math
import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the workers are threads themselves
import numpy as np  # noqa: E402
import torch  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "golden")]
import encoders  # noqa: E402
import lexical_start  # noqa: E402
import networks  # noqa: E402
import safetensors_io  # noqa: E402

WORDS = {"bert": "bert.embeddings.word_embeddings.weight",
         "qwen3": "model.embed_tokens.weight"}
MAX_POSITIONS = 512  # of a BERT
CLS, SEP = 101, 102  # of bert-base-uncased's vocabulary
SHIFTED = 0.125  # share of lists whose documents stand at later positions


class Lists:
    """The shards of prepare.py in memory."""

    def __init__(self, folder):
        stored = np.load(os.path.join(folder, "documents.npz"))
        self.document_ids, self.document_offsets = stored["ids"], stored["offsets"]
        names = sorted(n for n in os.listdir(folder) if n.startswith("shard-"))
        shards = [np.load(os.path.join(folder, name)) for name in names]
        self.queries = [row for shard in shards for row in unpack(shard)]
        for field in ("kinds", "candidates", "scores", "teacher", "weights"):
            setattr(self, field, np.concatenate([shard[field] for shard in shards]))
        self.epoch_length = int(self.weights.sum())
        self._epoch, self._order = -1, None

    def document(self, i):
        begin, end = self.document_offsets[i], self.document_offsets[i + 1]
        return self.document_ids[begin:end]

    def rows(self, seed, step, n):
        """The lists of a step: each epoch has every list as often as its weight says."""
        out = []
        for place in range(step * n, (step + 1) * n):
            epoch, at = divmod(place, self.epoch_length)
            if epoch != self._epoch:
                order = np.repeat(np.arange(len(self.weights)), self.weights)
                np.random.default_rng([seed, 0, epoch]).shuffle(order)
                self._epoch, self._order = epoch, order
            out.append(int(self._order[at]))
        return out

    def candidates_of(self, row, n, rng):
        """The relevant one and n - 1 others, those that BM25 puts first more often."""
        n_others = self.candidates.shape[1] - 1
        chance = 1.0 / (2.0 + np.arange(n_others))
        others = rng.choice(n_others, n - 1, replace=False, p=chance / chance.sum())
        return np.concatenate([[0], 1 + np.sort(others)])


def unpack(stored):
    ids, offsets = stored["ids"], stored["offsets"]
    return [ids[offsets[i]:offsets[i + 1]] for i in range(len(offsets) - 1)]


class Pairs:
    """Token ids of a pair, as the engine puts them together."""

    def __init__(self, template, max_tokens):
        self.max_tokens, self.template = max_tokens, template

    def make(self, query, document):
        """(ids, token types, where the document begins); a long document loses its end."""
        if self.template:
            before, after = self.template["before"], self.template["after"]
            room = self.max_tokens - len(before) - len(query) - len(after)
            parts = [before, query, document[:max(0, room)], after]
            return np.concatenate(parts).astype(np.int64), None, len(before) + len(query)
        document = document[:max(0, self.max_tokens - len(query) - 3)]
        ids = np.concatenate([[CLS], query, [SEP], document, [SEP]]).astype(np.int64)
        types = np.zeros(len(ids), np.int64)
        types[len(query) + 2:] = 1
        return ids, types, len(query) + 2


def near_lengths(order, length_of):
    """Lists of nearly equal lengths, from an order that sinks."""
    groups = []
    for i in order:
        if not groups or length_of(i) < 0.85 * length_of(groups[-1][0]):
            groups.append([])
        groups[-1].append(i)
    return groups


def collate_prompts(pairs, device):
    """As collate, for a decoder: pairs of one query share the rows before their documents."""
    prompts = {}
    for i, (ids, _, begin) in enumerate(pairs):
        prompts.setdefault(ids[:begin].tobytes(), []).append(i)
    ids, parts, last, order, at = [], [], [], [], 0
    for members in prompts.values():
        begin = pairs[members[0]][2]
        ids.append(pairs[members[0]][0][:begin])
        parts.append((at, 1, begin, 0))
        at += begin
        members.sort(key=lambda i: -len(pairs[i][0]))
        for group in near_lengths(members, lambda i: len(pairs[i][0]) - begin):
            longest = len(pairs[group[0]][0]) - begin
            parts.append((at, len(group), longest, begin))
            for i in group:
                tail = pairs[i][0][begin:]
                ids.append(np.pad(tail, (0, longest - len(tail))))
                last.append(at + len(tail) - 1)
                at += longest
            order += group
    batch = networks.PromptBatch(torch.from_numpy(np.concatenate(ids)), parts,
                                 torch.tensor(last), device)
    return batch, order


def collate(pairs, device, shifts=None):
    """(batch, order): sequences sorted by length, in groups of nearly equal ones."""
    if pairs[0][1] is None:
        return collate_prompts(pairs, device)
    order = sorted(range(len(pairs)), key=lambda i: -len(pairs[i][0]))
    groups, ids, types, positions, lengths, at = [], [], [], [], [], 0
    for group in near_lengths(order, lambda i: len(pairs[i][0])):
        longest = len(pairs[group[0]][0])
        groups.append((at, len(group), longest))
        at += len(group) * longest
        for i in group:
            pad = longest - len(pairs[i][0])
            ids.append(np.pad(pairs[i][0], (0, pad)))
            types.append(np.pad(pairs[i][1], (0, pad)))
            place_of = np.arange(longest)
            if shifts is not None and shifts[i]:
                place_of[pairs[i][2]:] += min(shifts[i], MAX_POSITIONS - longest)
            positions.append(place_of)
            lengths.append(len(pairs[i][0]))

    def tensor(parts):
        return torch.from_numpy(np.concatenate(parts))

    batch = networks.Batch(tensor(ids), tensor(types), tensor(positions),
                           torch.tensor(lengths), groups, device)
    return batch, order


class Trainer:
    def __init__(self, args):
        self.args = args
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.config, start = self.read_start()
        template = self.read_template()
        self.pairs = Pairs(template, args.max_tokens)
        self.whole_pairs = Pairs(template, MAX_POSITIONS)
        self.lists = Lists(args.data)
        self.weights = {name: w.to(self.device).requires_grad_(True)
                        for name, w in start.items()}
        scales = lexical_start.step_scales(self.config, start) if args.config else {}
        self.scales = {name: scale.to(self.device) for name, scale in scales.items()}
        if args.keep_words:
            self.weights[WORDS[self.config["model_type"]]].requires_grad_(False)
        self.trained = {n: w for n, w in self.weights.items() if w.requires_grad}
        matrices = [w for w in self.trained.values() if w.dim() > 1]
        vectors = [w for w in self.trained.values() if w.dim() == 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": 0.01},
             {"params": vectors, "weight_decay": 0.0}], lr=0.0, betas=(0.9, 0.98))
        self.step, self.spent = 0, 0.0
        self.plain = networks.Arithmetic(self.dtype())
        self.arithmetic = networks.Arithmetic(self.plain.dtype, args.bytes)
        self.n_workers = 1 if self.device.type == "cuda" else args.workers
        self.pool = concurrent.futures.ThreadPoolExecutor(
            self.n_workers, initializer=lambda: torch.set_num_threads(1))

    def read_start(self):
        folder, path = self.args.init, self.args.config
        with open(path or os.path.join(folder, "config.json"), encoding="utf-8") as f:
            config = json.load(f)
        if not folder:
            words = np.load(os.path.join(self.args.data, "words.npz"))
            return config, networks.start(config, words, self.args.seed)
        stored = safetensors_io.read(os.path.join(folder, "model.safetensors"))
        weights = {name: torch.from_numpy(v.copy()) for name, v in stored.items()}
        if "classifier.weight" not in weights and config["model_type"] == "bert":
            config, weights = self.with_head(config, weights)
        n = self.args.trained_positions
        if n:  # the others are noise; alone this gave +0.10 NDCG@10 on long documents
            table = weights["bert.embeddings.position_embeddings.weight"]
            table[n:] = table[max(0, n - 72):n - 22].mean(0)
        return config, weights

    def with_head(self, config, weights):
        """A text encoder as a cross-encoder of one label."""
        kept = ("model_type", "hidden_size", "num_hidden_layers", "num_attention_heads",
                "intermediate_size", "hidden_act", "vocab_size", "max_position_embeddings",
                "type_vocab_size", "layer_norm_eps", "pad_token_id")
        config = dict({"architectures": ["BertForSequenceClassification"]},
                      **{key: config[key] for key in kept},
                      num_labels=1, id2label={"0": "LABEL_0"})
        weights = {"bert." + name: w for name, w in weights.items()}
        generator = torch.Generator().manual_seed(self.args.seed)
        weights["classifier.weight"] = 0.02 * torch.randn((1, config["hidden_size"]),
                                                          generator=generator)
        weights["classifier.bias"] = torch.zeros(1)
        return config, weights

    def read_template(self):
        with open(os.path.join(self.args.data, "template.json"), encoding="utf-8") as f:
            template = json.load(f)
        if (template is None) == (self.config["model_type"] == "qwen3"):
            raise SystemExit("%s is prepared for another architecture" % self.args.data)
        return template

    def dtype(self):
        """bf16 where it is faster: on GPUs, and on CPUs with instructions for it."""
        if self.args.dtype != "auto":
            return {"bf16": torch.bfloat16, "f32": torch.float32}[self.args.dtype]
        if self.device.type == "cuda":
            return torch.bfloat16
        return torch.bfloat16 if encoders.has_bf16() else torch.float32

    def log(self, **fields):
        fields.update(step=self.step, minutes=round(self.spent / 60.0, 2))
        with open(os.path.join(self.args.out, "log.jsonl"), "a", encoding="utf-8") as f:
            f.write(json.dumps(fields) + "\n")
        print(json.dumps(fields), flush=True)

    def save(self):
        path = os.path.join(self.args.out, "checkpoint.pt")
        state = {"config": self.config, "weights": self.weights, "step": self.step,
                 "spent": self.spent, "optimizer": self.optimizer.state_dict(),
                 "arguments": vars(self.args)}
        with open(path + ".part", "wb") as f:
            torch.save(state, f)
            f.flush()
            os.fsync(f.fileno())
        os.replace(path + ".part", path)

    def keep(self):
        """The weights alone, beside those of other steps."""
        path = os.path.join(self.args.out, "weights-%05d.pt" % self.step)
        torch.save({"config": self.config, "weights": self.weights, "step": self.step,
                    "spent": self.spent, "arguments": vars(self.args)}, path + ".part")
        os.replace(path + ".part", path)

    def resume(self):
        path = os.path.join(self.args.out, "checkpoint.pt")
        if not os.path.exists(path):
            return
        state = torch.load(path, map_location=self.device)
        if state["config"] != self.config or state["arguments"]["seed"] != self.args.seed:
            raise SystemExit("%s is of another model or seed" % path)
        with torch.no_grad():
            for name, w in self.weights.items():
                w.copy_(state["weights"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.spent = state["step"], state["spent"]
        self.log(event="resumed")

    def clock(self):
        if self.device.type == "cuda":
            return time.monotonic()
        return time.process_time() / self.n_workers

    def progress(self):
        if self.args.steps:
            return self.step / self.args.steps
        return self.spent / (60.0 * self.args.minutes)

    def shares(self):
        """The step's lists in parts of equal size for the workers."""
        rows = self.lists.rows(self.args.seed, self.step, self.args.lists)
        rng = np.random.default_rng([self.args.seed, 1, self.step])
        items = []
        for row in rows:
            chosen = self.lists.candidates_of(row, self.args.candidates, rng)
            shift = rng.integers(0, 400) if rng.random() < SHIFTED else 0
            items.append((row, chosen, int(shift)))
        size = self.args.lists_at_once
        return [items[i:i + size] for i in range(0, len(items), size)]

    def targets(self, items):
        scores = torch.tensor(np.stack([self.lists.scores[row][chosen]
                                        for row, chosen, _ in items]))
        teacher = torch.tensor([self.lists.teacher[row] for row, _, _ in items])[:, None]
        target = teacher * torch.softmax(scores / self.args.temperature, 1)
        target[:, 0] += 1.0 - teacher[:, 0]
        return target.to(self.device)

    def gradients(self, items):
        """(loss, gradients) of some lists; the loss is their part of the step's mean."""
        pairs, shifts = [], []
        for row, chosen, shift in items:
            for i in self.lists.candidates[row][chosen]:
                pairs.append(self.pairs.make(self.lists.queries[row], self.lists.document(i)))
                shifts.append(shift)
        batch, order = collate(pairs, self.device, shifts)
        logits = networks.logits(self.weights, self.config, batch, self.arithmetic)
        place = torch.empty(len(order), dtype=torch.long)
        place[torch.tensor(order)] = torch.arange(len(order))
        logits = logits[place.to(self.device)].view(len(items), -1)
        loss = -(self.targets(items) * torch.log_softmax(logits, 1)).sum() / self.args.lists
        right = int((logits.argmax(1) == 0).sum())
        grads = torch.autograd.grad(loss, list(self.trained.values()))
        return float(loss), right, len(batch.ids), grads

    def one_step(self):
        jobs = [self.pool.submit(self.gradients, share) for share in self.shares()]
        loss, right, n_tokens = 0.0, 0, 0
        for number, job in enumerate(jobs):
            part, hits, n, grads = job.result()
            loss, right, n_tokens = loss + part, right + hits, n_tokens + n
            for w, grad in zip(self.trained.values(), grads):
                w.grad = grad if number == 0 else w.grad.add_(grad)
        for name, scale in self.scales.items():  # what stays would fill the norm
            self.weights[name].grad.mul_(scale != 0.0)
        norm = torch.nn.utils.clip_grad_norm_(list(self.trained.values()), 1.0)
        if not math.isfinite(float(norm)):
            raise SystemExit("step %d: the gradient is not finite" % self.step)
        rate = self.args.rate * min(1.0, (self.step + 1) / self.args.warm_up)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * max(0.0, 1.0 - self.progress())
        self.scaled_step()
        return loss, right / self.args.lists, n_tokens

    def scaled_step(self):
        before = {name: self.weights[name].detach().clone() for name in self.scales}
        self.optimizer.step()
        with torch.no_grad():
            for name, scale in self.scales.items():
                w = self.weights[name]
                w.copy_(before[name] + scale * (w - before[name]))

    def evaluate(self):
        """NDCG@10 on the dev lists: {source: (as they stand, the model's)}."""
        dev, found = np.load(os.path.join(self.args.data, "dev.npz")), {}
        queries, taken, seen = unpack(dev), [], {}
        for i, source in enumerate(dev["sources"]):
            seen[source] = seen.get(source, 0) + 1
            if not self.args.dev_lists or seen[source] <= self.args.dev_lists:
                taken.append(i)

        def one(i):
            query = queries[i]
            with torch.no_grad():
                pairs = [self.whole_pairs.make(query, self.lists.document(d))
                         for d in dev["candidates"][i]]
                batch, order = collate(pairs, self.device)
                logits = networks.logits(self.weights, self.config, batch, self.plain)
            best = [order[j] for j in torch.argsort(-logits.cpu()).tolist()]
            relevant = dev["relevant"][i]
            return dev["sources"][i], ndcg(relevant), ndcg(relevant[best])

        for source, before, after in self.pool.map(one, taken):
            found.setdefault(str(source), []).append((before, after))
        return {source: [round(float(x), 4) for x in np.mean(rows, 0)]
                for source, rows in found.items()}

    def run(self):
        os.makedirs(self.args.out, exist_ok=True)
        self.resume()
        if self.step == 0:
            self.log(event="start", dtype=str(self.plain.dtype), device=str(self.device),
                     dev=self.evaluate())
        saved = logged = time.monotonic()
        evaluated, sums, tokens, kept = self.spent, [], 0, self.spent
        while self.progress() < 1.0:
            begin = self.clock()
            loss, right, n = self.one_step()
            self.step += 1
            now = time.monotonic()
            self.spent += self.clock() - begin
            sums.append((loss, right))
            tokens += n
            if now - logged > 30.0 or self.progress() >= 1.0:
                mean = np.mean(sums, 0)
                self.log(loss=round(float(mean[0]), 4), first=round(float(mean[1]), 3),
                         tokens_per_second=int(tokens / (now - logged)))
                logged, sums, tokens = now, [], 0
            if self.spent - evaluated > 60.0 * self.args.evaluate_minutes:
                self.log(dev=self.evaluate())
                evaluated, logged = self.spent, time.monotonic()
            if self.args.keep_minutes and self.spent - kept > 60.0 * self.args.keep_minutes:
                self.keep()
                kept = self.spent
            if now - saved > self.args.checkpoint_seconds or self.progress() >= 1.0:
                self.save()
                saved = time.monotonic()
        if sums or self.step and evaluated != self.spent:
            self.log(event="end", dev=self.evaluate())


def ndcg(relevant, k=10):
    discount = 1.0 / np.log2(np.arange(len(relevant)) + 2.0)
    ideal = np.sort(relevant)[::-1]
    return (relevant[:k] * discount[:k]).sum() / (ideal[:k] * discount[:k]).sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out")
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--init", help="a model folder to go on from")
    start.add_argument("--config", help="a config.json to start from random weights")
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, default=0)
    length.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--trained-positions", type=int, default=0, help="of --init, when "
                        "it saw short documents only: later ones start as a mean of these")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=7e-5)
    parser.add_argument("--warm-up", type=int, default=200, help="steps")
    parser.add_argument("--temperature", type=float, default=1.5, help="of the teacher's softmax")
    parser.add_argument("--keep-words", action="store_true",
                        help="leave the vectors of the word pieces as they are")
    parser.add_argument("--lists", type=int, default=8, help="of a step")
    parser.add_argument("--lists-at-once", type=int, default=2, help="of a worker")
    parser.add_argument("--candidates", type=int, default=6)
    parser.add_argument("--max-tokens", type=int, default=320)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--dtype", choices=("auto", "bf16", "f32"), default="auto")
    parser.add_argument("--bytes", action="store_true",
                        help="round what linear maps multiply to int8 while training")
    parser.add_argument("--checkpoint-seconds", type=float, default=180.0)
    parser.add_argument("--keep-minutes", type=float, default=0.0,
                        help="between weights that stay (default: none do)")
    parser.add_argument("--dev-lists", type=int, default=0,
                        help="of a source, at most (default: all)")
    parser.add_argument("--evaluate-minutes", type=float, default=15.0)
    args = parser.parse_args()
    torch.set_num_threads(1 if args.workers > 1 else 2)  # workers are threads themselves
    Trainer(args).run()


if __name__ == "__main__":
    main()
