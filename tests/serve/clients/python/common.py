"""What all tests of clients share: the servers, what is asked, and what must come back.

GRATING_URL answers everybody; GRATING_KEYED_URL wants the key "right"; GRATING_BUSY_URL is always
full. run.py starts them."""
import os
import time
import unittest

BASE = os.environ["GRATING_URL"]
KEYED = os.environ["GRATING_KEYED_URL"]
BUSY = os.environ["GRATING_BUSY_URL"]

QUERY = "how do owls hunt"
TEXTS = ["Bread rises because yeast makes gas from sugar in the dough.",
         "Owls hunt at night; they hear mice under the snow and fly without a sound.",
         "The share price fell after the bank reported a loss.",
         "An owl is a bird."]


class ClientTest(unittest.TestCase):
    def check(self, rows, n=len(TEXTS), lowest=0, highest=1):
        """(index, score) of each result: all there, the best first, falling scores."""
        rows = list(rows)
        self.assertEqual(len(rows), n)
        self.assertEqual(rows[0][0], 1)
        self.assertEqual(len({index for index, _ in rows}), n)
        self.assertLessEqual({index for index, _ in rows}, {0, 1, 2, 3})
        scores = [score for _, score in rows]
        self.assertEqual(scores, sorted(scores, reverse=True))
        for score in scores:
            self.assertTrue(lowest <= score <= highest, score)

    def check_texts(self, rows, n=len(TEXTS), **bounds):
        """(text, score) of each result."""
        self.check([(TEXTS.index(text), score) for text, score in rows], n, **bounds)

    def failure(self, call, *kinds):
        """What the call raises."""
        with self.assertRaises(kinds or Exception) as caught:
            call()
        return caught.exception

    def check_waits(self, call, *kinds):
        """The call is refused by a full server, and comes again after Retry-After."""
        start = time.monotonic()
        error = self.failure(call, *kinds)
        self.assertGreaterEqual(time.monotonic() - start, 0.9, "Retry-After was not waited for")
        return error
