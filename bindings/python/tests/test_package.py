"""The package against the library, with what Python brings along; NumPy where it is there.

Run by CTest (python.package), which says in GRATING_LIBRARY what to load."""
import array
import asyncio
import gc
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import unittest

import grating
from grating import _texts

try:
    import numpy
except ImportError:
    numpy = None

ROOT = pathlib.Path(__file__).resolve().parents[3]
QUERY = "how do owls hunt"
TEXTS = ["Bread rises because of yeast.", "Owls hunt at night by sound.",
         "A steam engine heats water in a boiler.", "Eagles hunt by day, and see far."]
needs_numpy = unittest.skipUnless(numpy, "NumPy is not installed")


def long_texts(n):
    """Enough work for a ranking to be met while it runs."""
    return [f"{TEXTS[i % len(TEXTS)]} " * 40 + str(i) for i in range(n)]


class Shared(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = grating.Model(threads=2)


class Rank(Shared):
    def test_best_first(self):
        result = self.model.rank(QUERY, TEXTS, k=2)
        self.assertEqual((len(result), result[0].index, result[0].text), (2, 1, TEXTS[1]))
        self.assertEqual(sorted(int(i) for i in result.indices), [0, 1, 2, 3])
        scores = [item.score for item in result.all()]
        self.assertEqual(scores, sorted(scores, reverse=True))
        self.assertEqual([item.index for item in result], [int(i) for i in result.indices[:2]])
        self.assertEqual(result[-1], result[1])
        self.assertEqual(result[0:2], [result[0], result[1]])
        with self.assertRaises(IndexError):
            result[2]

    def test_all_are_exact_where_all_are_wanted(self):
        result = self.model.rank(QUERY, TEXTS, k=None)
        self.assertTrue(all(item.is_exact and item.state == "finished" for item in result))
        self.assertEqual(result.stats.share_computed, 1.0)

    def test_steps_are_what_rank_does(self):
        whole = self.model.rank(QUERY, TEXTS, k=1)
        with self.model.ranking(QUERY, TEXTS, k=1) as ranking:
            steps = list(ranking)
            result = ranking.result()
        self.assertEqual(list(result.scores), list(whole.scores))
        self.assertEqual(steps[0].layer, 0)
        self.assertTrue(steps[-1].is_done and not any(step.is_done for step in steps[:-1]))
        self.assertEqual(len(steps[1].scores_by_index), steps[1].n_active + steps[1].n_selected
                         + steps[1].n_dropped)

    def test_documents_of_all_kinds(self):
        expected = list(self.model.rank(QUERY, TEXTS, k=1).logits)
        kinds = [tuple(TEXTS), (text for text in TEXTS), [text.encode() for text in TEXTS],
                 [{"text": text, "other": 1} for text in TEXTS]]
        for documents in kinds:
            self.assertEqual(list(self.model.rank(QUERY, documents, k=1).logits), expected)
        titled = self.model.rank(QUERY, [{"title": "Birds", "text": "Owls hunt."}])
        self.assertEqual(titled[0].logit, self.model.rank(QUERY, ["Birds Owls hunt."])[0].logit)

    def test_ids(self):
        self.assertEqual(self.model.rank(QUERY, TEXTS, ids="abcd", k=1)[0].id, "b")
        documents = [{"id": i * 10, "text": text} for i, text in enumerate(TEXTS)]
        self.assertEqual(self.model.rank(QUERY, documents, k=1)[0].id, 10)

    def test_texts_with_nul_and_lone_surrogates(self):
        result = self.model.rank(QUERY, ["a\0 owl hunts", "\ud800 owls", ""], k=None)
        self.assertEqual(len(result), 3)
        cut = self.model.rank(QUERY, ["a", "a\0 owl hunts by night"], k=None)
        self.assertEqual(cut[0].index, 1)  # what is behind the NUL counts

    def test_priors_deadline_min_score(self):
        lifted = self.model.rank(QUERY, TEXTS, k=1, priors=[100, 0, 0, 0])
        self.assertEqual(lifted[0].index, 0)
        none = self.model.rank(QUERY, TEXTS, min_score=1.0)
        self.assertEqual((len(none), len(none.indices)), (0, 4))
        late = self.model.rank(QUERY, long_texts(40), k=5, deadline=1e-6)
        self.assertTrue(late.stats.deadline_hit)
        self.assertEqual(len(late), 5)

    def test_on_layer(self):
        layers = []
        self.model.rank(QUERY, TEXTS, k=1, on_layer=lambda step: layers.append(step.layer))
        self.assertEqual(layers, list(range(len(layers))))
        with self.assertRaises(ZeroDivisionError):
            self.model.rank(QUERY, TEXTS, on_layer=lambda step: 1 / 0)
        self.assertEqual(self.model.engine.usage.n_rankings, 0)

    def test_result_outlives_its_model(self):
        model = grating.Model(threads=1)
        result = model.rank(QUERY, TEXTS, k=1)
        scores = result.scores
        best = result[0].score
        model.close()
        del model, result
        gc.collect()
        self.assertEqual(scores[0], best)

    def test_pictures(self):
        result = self.model.rank("<owls>", [text + " <b>" for text in TEXTS], k=2, trace=True)
        html, svg = result._repr_html_(), result.chart()._repr_svg_()
        self.assertIn("&lt;b&gt;", html)
        self.assertNotIn("<b>", html)
        self.assertTrue(svg.startswith("<svg") and svg.count("<polyline") == 4)
        with self.assertRaises(ValueError):
            self.model.rank(QUERY, TEXTS).chart()

    @needs_numpy
    def test_columns_are_views(self):
        result = self.model.rank(QUERY, TEXTS)
        self.assertFalse(result.scores.flags.writeable or result.scores.flags.owndata)
        self.assertEqual(result.scores.dtype, numpy.float32)
        with self.assertRaises(ValueError):
            result.scores[0] = 1


class Errors(Shared):
    def check(self, kind, text, function, *arguments, **options):
        with self.assertRaisesRegex(kind, text):
            function(*arguments, **options)

    def test_arguments(self):
        rank = self.model.rank
        self.check(grating.InvalidArgument, "no documents", rank, QUERY, [])
        self.check(TypeError, "single", rank, QUERY, "a text")
        self.check(TypeError, r"documents\[1\] is int", rank, QUERY, ["a", 1])
        self.check(TypeError, r"documents\[0\] is None", rank, QUERY, [None])
        self.check(TypeError, r'documents\[0\] is a mapping without "text"', rank, QUERY, [{}])
        self.check(TypeError, "not a list", rank, QUERY, 3)
        self.check(TypeError, "the query is None", rank, None, TEXTS)
        self.check(ValueError, "k: -1", rank, QUERY, TEXTS, k=-1)
        self.check(ValueError, "priors: 1 for 4", rank, QUERY, TEXTS, priors=[1])
        self.check(grating.InvalidArgument, "prior", rank, QUERY, TEXTS, priors=[float("nan")] * 4)
        self.check(ValueError, "ids: 1 for 4", rank, QUERY, TEXTS, ids=[1])
        self.check(ValueError, "promise: 'sets' is none of", rank, QUERY, TEXTS, promise="sets")
        self.check(ValueError, "deadline", rank, QUERY, TEXTS, deadline=0)
        self.check(grating.Unsupported, "instruction", rank, QUERY, TEXTS, instruction="x")
        self.check(TypeError, "unexpected", rank, QUERY, TEXTS, top_n=3)
        self.assertEqual(self.model.engine.usage.n_rankings, 0)

    def test_models(self):
        self.check(grating.NotFound, "no/such", grating.Model, "no/such/folder")
        self.check(FileNotFoundError, "no/such", grating.Model, pathlib.Path("no/such/folder"))
        self.check(grating.GratingError, "", grating.Model, str(ROOT / "docs"))
        self.check(grating.NotFound, 'no model "grating-maxi"', grating.Model, "grating-maxi")
        self.check(ValueError, "300X", grating.Model, memory="300X")

    def test_budget(self):
        with self.assertRaises(grating.OutOfMemory) as caught:
            grating.Model(memory="4M").rank(QUERY, long_texts(10))
        smallest = caught.exception.smallest_bytes
        self.assertGreater(smallest, 4 << 20)
        model = grating.Model(memory=smallest)
        self.assertEqual(len(model.rank(QUERY, long_texts(10))), 10)

    def test_closed(self):
        model = grating.Model(threads=1)
        ranking = model.ranking(QUERY, TEXTS)
        self.check(grating.InvalidArgument, "1 rankings", model.close)
        ranking.close()
        self.check(grating.InvalidArgument, "closed", ranking.result)
        model.close()
        self.check(grating.InvalidArgument, "closed", model.rank, QUERY, TEXTS)
        model.close()


class Threads(Shared):
    def test_two_at_once_with_the_same_bits(self):
        expected = list(self.model.rank(QUERY, long_texts(30), k=5).logits)
        found, errors = [], []

        def work():
            try:
                found.append(list(self.model.rank(QUERY, long_texts(30), k=5).logits))
            except BaseException as error:
                errors.append(error)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((errors, found), ([], [expected] * 4))

    def test_the_gil_is_free(self):
        n_ticks, is_over = 0, threading.Event()

        def tick():
            nonlocal n_ticks
            while not is_over.wait(0.001):
                n_ticks += 1
        thread = threading.Thread(target=tick)
        thread.start()
        before = time.perf_counter()
        with self.model.ranking(QUERY, long_texts(200), k=None) as ranking:
            ranking.advance()
            n_before = n_ticks
            ranking.advance()  # one call of C
            n_within = n_ticks - n_before
        is_over.set()
        thread.join()
        self.assertGreater(n_within, 0, f"after {time.perf_counter() - before:.3f} s")

    def test_cancel(self):
        with self.model.ranking(QUERY, long_texts(200), k=None) as ranking:
            ranking.advance()
            threading.Timer(0.02, ranking.cancel).start()
            with self.assertRaises(grating.Cancelled):
                while ranking.advance():
                    pass

    def test_async(self):
        async def both():
            first, second = await asyncio.gather(self.model.rank_async(QUERY, TEXTS, k=1),
                                                 self.model.rank_async("bread", TEXTS, k=1))
            with self.model.ranking(QUERY, TEXTS, k=1) as ranking:
                steps = [step async for step in ranking]
            return first[0].index, second[0].index, len(steps) > 1
        self.assertEqual(asyncio.run(both()), (1, 0, True))

    def test_async_cancel(self):
        async def cancelled():
            task = asyncio.ensure_future(self.model.rank_async(QUERY, long_texts(400), k=None))
            await asyncio.sleep(0.05)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
        asyncio.run(cancelled())
        self.assertEqual(self.model.engine.usage.n_rankings, 0)

    @unittest.skipUnless(hasattr(os, "fork"), "no fork")
    def test_fork_is_refused(self):
        source = ("import grating, os, sys\n"
                  "model = grating.Model(threads=2)\n"
                  "model.rank('a', ['b'])\n"
                  "child = os.fork()\n"
                  "if child == 0:\n"
                  "    try:\n"
                  "        model.rank('a', ['b'])\n"
                  "    except grating.Unsupported as error:\n"
                  "        os._exit(0 if 'fork' in str(error) else 3)\n"
                  "    os._exit(4)\n"
                  "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n")
        self.assertEqual(subprocess.run([sys.executable, "-c", source], check=False).returncode, 0)

    @unittest.skipUnless(hasattr(signal, "SIGINT") and os.name == "posix", "no signals")
    def test_interrupt(self):
        source = ("import grating, sys, time\n"
                  f"texts = ['owls hunt at night ' * 60 + str(i) for i in range(1500)]\n"
                  "model = grating.Model()\n"
                  "print('ready', flush=True)\n"
                  "try:\n"
                  "    model.rank('owls', texts, k=None)\n"
                  "except KeyboardInterrupt:\n"
                  "    print('heard', model.engine.usage.n_rankings)\n")
        process = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE,
                                   text=True)
        process.stdout.readline()
        time.sleep(0.5)
        sent = time.perf_counter()
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=60)[0]
        self.assertEqual(output.strip(), "heard 0")
        self.assertLess(time.perf_counter() - sent, 20)

    def test_nothing_is_left(self):
        model = grating.Model(threads=1)

        def usage_after(n):
            for _ in range(n):
                model.rank(QUERY, TEXTS, k=1)
            return model.engine.usage
        usage, after = usage_after(20), usage_after(200)
        self.assertEqual((after.n_rankings, after.allocated_bytes),
                         (usage.n_rankings, usage.allocated_bytes))


@needs_numpy
class SentenceTransformersNames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.encoder = grating.CrossEncoder()

    def test_rank(self):
        hits = self.encoder.rank(QUERY, TEXTS, top_k=2, return_documents=True)
        self.assertEqual([set(hit) for hit in hits], [{"corpus_id", "score", "text"}] * 2)
        self.assertEqual((hits[0]["corpus_id"], hits[0]["text"]), (1, TEXTS[1]))
        self.assertEqual(self.encoder.rank(QUERY, []), [])

    def test_predict_keeps_the_order_of_the_input(self):
        pairs = [(QUERY, TEXTS[0]), ("bread", TEXTS[0]), (QUERY, TEXTS[1])]
        scores = self.encoder.predict(pairs)
        self.assertEqual((scores.dtype, scores.shape), (numpy.float32, (3,)))
        for pair, score in zip(pairs, scores):
            self.assertAlmostEqual(float(self.encoder.predict(pair)), float(score), places=6)
        self.assertGreater(scores[2], scores[0])
        logits = self.encoder.predict(pairs, activation_fn=lambda x: x)
        numpy.testing.assert_allclose(1 / (1 + numpy.exp(-logits)), scores, rtol=1e-5)

    def test_bad_pairs(self):
        with self.assertRaisesRegex(ValueError, r"sentences\[0\]"):
            self.encoder.predict([("a", "b", "c")])


class Texts(unittest.TestCase):
    def test_lengths(self):
        texts = _texts.pack(["é", "", "\ud800"])
        self.assertEqual(list(texts.lengths), [2, 0, 3])

    def test_sizes(self):
        from grating.engine import size_in_bytes
        self.assertEqual([size_in_bytes(x) for x in (None, 5, "300M", "1.5G", "7")],
                         [0, 5, 300 << 20, 3 << 29, 7])


if __name__ == "__main__":
    unittest.main()
