"""Texts that are hard for a tokenizer on purpose, and sentences in many scripts."""
import random

HARD = [
    "", " ", "   ", "\t", "\t a\tb ", "a  b", "  a", "a  ", " a b ", "\u200b", "a\u200bb",
    "\ufeffabc", "\uff11\uff12\uff13\uff21\uff22\uff23", "\uff76\uff9e\uff77\uff9e",
    "\ufb01ne \ufb02ow", "\ufdfa", "\u00bd \u2153 \u338f \u337f", "e\u0301 a\u0308\u0323",
    "\u0301", "\U0001f44d\U0001f3fd \U0001f468\u200d\U0001f469\u200d\U0001f467 "
    "\U0001f1e9\U0001f1ea", "\U0001f600", "\U0001d518\U0001d52b\U0001d526", "\u2581\u2581a\u2581b",
    "\u2581", "<s></s><unk><pad><mask>", "<0x41><0x00>", "[CLS] [SEP]", "\u00a0nbsp\u00a0",
    "\u3000\u5168\u89d2\u3000", "\x01\x02", "a\x01b", "\x7f", "\u0085x", "\u2028y\u2029",
    "\uff5e\u301c~", "\u2026\u2014\u2013", "\u0130\u0131\u1e9e\u00df", "\u1112\u1161\u11ab",
    "\ue000\uf8ff", "\ufffd", "\ufffd x", "x" * 500, "ab" * 300, "1234567890" * 30, "!" * 200,
    "\u4e2d" * 300, "\U0010ffff", "\U000e0001", "\ua66e", "a\u0300\u0301\u0302\u0303",
    "http://a.b/c?d=e&f#g", "a\nb\r\n\n\nc", "don't I'll we've", "\n", " \n ",
    "foo\n\n bar\t\t baz", "two\n\n\n\n\nparagraphs\n"]

SENTENCES = [
    "The owl sleeps by day and hunts by night.", "How much does the river rise in spring?",
    "Der Zug f\u00e4hrt um 7:45 Uhr von Gleis 12 ab.", "\u00bfD\u00f3nde est\u00e1 la biblioteca?",
    "Trenul ajunge la ora \u0219apte diminea\u021ba.", "Bug\u00fcn hava \u00e7ok g\u00fczel.",
    "\u041a\u043d\u0438\u0433\u0430 \u043b\u0435\u0436\u0438\u0442 \u043d\u0430 "
    "\u0441\u0442\u043e\u043b\u0435.", "\u0397 \u03b3\u03ac\u03c4\u03b1 "
    "\u03ba\u03bf\u03b9\u03bc\u03ac\u03c4\u03b1\u03b9.", "\u732b\u5728\u684c\u5b50\u4e0a"
    "\u7761\u89c9\u3002", "\u0e41\u0e21\u0e27\u0e19\u0e2d\u0e19\u0e2b\u0e25\u0e31\u0e1a",
    "\u0627\u0644\u0643\u062a\u0627\u0628 \u0639\u0644\u0649 "
    "\u0627\u0644\u0637\u0627\u0648\u0644\u0629.", "\u0915\u093f\u0924\u093e\u092c "
    "\u092e\u0947\u091c\u093c \u092a\u0930 \u0939\u0948\u0964", "Con m\u00e8o "
    "\u0111ang ng\u1ee7 tr\u00ean b\u00e0n.", "x = (a[3] + 2.5e-7) / b; /* 42 */"]

RANGES = [
    (0x20, 0x7f), (0xa0, 0x250), (0x300, 0x370), (0x370, 0x400), (0x400, 0x500), (0x5d0, 0x5eb),
    (0x600, 0x650), (0x900, 0x980), (0xe00, 0xe5c), (0x1100, 0x1200), (0x2000, 0x2070),
    (0x2100, 0x2150), (0x3000, 0x3100), (0x4e00, 0x4f00), (0xac00, 0xad00), (0xff00, 0xffee),
    (0x1f600, 0x1f640), (0x1d400, 0x1d450)]


def random_lines(n):
    numbers = random.Random(7)
    letters = [chr(c) for r in RANGES for c in range(*r)]
    for _ in range(n):
        size = numbers.choice([1, 2, 3, 5, 8, 13, 30])
        yield "".join(numbers.choice(letters) if numbers.random() < 0.7 else " "
                      for _ in range(size))
