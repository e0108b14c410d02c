"""Made-up texts for timings: the same at every run, with nothing to download.

Words are frequent English ones and then words of random syllables; they are drawn by
Zipf's law, so that they repeat about as often as in real text.

Texts begin with a digit: engines that make tokens of the prompt's parts one by one then get
the same tokens as those that take the prompt as one text, where a word would be joined with
the space before it."""
import itertools
import random

FREQUENT = """the of and to in a is that for it as was with be by on not he this are or his
from at which but have an had they you were their one all we can her has there been if more
when will no so out what up about into than them time only some may other these two first
any like now over such our most made after also did many must years much where well down
people water world long work life great night house day way part through because between""".split()
DIGITS = list("0123456789")
CONSONANTS, VOWELS = "bcdfghklmnprstvw", "aeiou"
N_WORDS = 28000
QUERY_WORDS = 10


def make_words(n=N_WORDS, seed=1):
    """The vocabulary, most frequent word first."""
    source = random.Random(seed)
    syllables = [a + b for a, b in itertools.product(CONSONANTS, VOWELS)]
    words = dict.fromkeys(FREQUENT + DIGITS)
    while len(words) < n:
        words["".join(source.choices(syllables, k=source.choice((2, 2, 3, 4))))] = None
    return list(words)


def make_job(n_documents, words_per_document, seed=2):
    """{"query", "documents"}, as `grating rank --queries` reads it."""
    words, source = make_words(), random.Random(seed)
    weights = list(itertools.accumulate(1.0 / (rank + 1) for rank in range(len(words))))

    def text(n):
        words_of = source.choices(words, cum_weights=weights, k=n - 1)
        return " ".join([source.choice(DIGITS)] + words_of)

    query = text(QUERY_WORDS)
    return {"query": query,
            "documents": [text(words_per_document) for _ in range(n_documents)]}
