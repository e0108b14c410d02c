"""Uncased WordPiece of BERT in plain Python: vocab.txt, unicodedata, nothing else."""
import unicodedata

CJK_RANGES = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
              (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))


def is_cjk(c):
    return any(low <= ord(c) <= high for low, high in CJK_RANGES)


def is_punctuation(c):
    is_ascii_sign = 33 <= ord(c) <= 126 and not c.isalnum()
    return is_ascii_sign or unicodedata.category(c).startswith("P")


def normalise(text):
    out = []
    for c in text:
        if c in "\t\n\r" or unicodedata.category(c) == "Zs":
            out.append(" ")
        elif c == "\ufffd" or unicodedata.category(c).startswith("C"):
            continue
        elif is_cjk(c):
            out.append(" " + c + " ")
        else:
            out.append(c)
    decomposed = unicodedata.normalize("NFD", "".join(out))
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn").lower()


class WordPiece:
    def __init__(self, pieces):
        self.ids = {piece: i for i, piece in enumerate(pieces)}
        self.is_roberta = "[CLS]" not in self.ids
        cls, sep = ("<s>", "</s>") if self.is_roberta else ("[CLS]", "[SEP]")
        self.unk, self.cls, self.sep = (self.ids[p] for p in ("[UNK]", cls, sep))

    @classmethod
    def open(cls, path):
        with open(path, encoding="utf-8") as f:
            return cls(f.read().rstrip("\n").split("\n"))

    def word(self, word):
        """Longest piece first, from the left; a word that cannot be covered is one unk."""
        if len(word) > 100:
            return [self.unk]
        out, at = [], 0
        while at < len(word):
            for end in range(len(word), at, -1):
                piece = self.ids.get(("##" if at else "") + word[at:end])
                if piece is not None:
                    break
            else:
                return [self.unk]
            out.append(piece)
            at = end
        return out

    def encode(self, text):
        spaced = "".join(" " + c + " " if is_punctuation(c) else c for c in normalise(text))
        return [i for word in spaced.split() for i in self.word(word)]

    def pair(self, query, document, max_tokens):
        """(ids, token types, truncated): ids leave the end of the longer text, ties the
        document, until the pair fits.  RoBERTa: two separators between, and one type."""
        q, d = self.encode(query), self.encode(document)
        between = [self.sep] * (2 if self.is_roberta else 1)
        room = max_tokens - 2 - len(between)
        truncated = len(q) + len(d) > room
        while len(q) + len(d) > room:
            (q if len(q) > len(d) else d).pop()
        ids = [self.cls] + q + between + d + [self.sep]
        n_first = 1 + len(q) + len(between)
        types = [0] * n_first + [0 if self.is_roberta else 1] * (len(ids) - n_first)
        return ids, types, truncated
