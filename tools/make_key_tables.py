#!/usr/bin/env python3
"""Writes the tables of keys in docs/models.md from src/formats/keys.inc.

usage: make_key_tables.py [--check]

--check changes nothing and fails where the page is old, where a key that is called read is named
nowhere in src/ but in the table, or where two rows are the same."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- keys: made by tools/make_key_tables.py -->\n", "<!-- end of keys -->\n"
NAMES = {"CONFIG": "config.json", "SENTENCE": "config_sentence_transformers.json",
         "TOKENIZER_CONFIG": "tokenizer_config.json and special_tokens_map.json",
         "TOKENIZER_JSON": "tokenizer.json", "GGUF": "GGUF"}
USES = {"READ": "Read", "REFUSE": "Refused unless neutral", "HARMLESS": "Without effect"}
ROW = re.compile(r'^GRT_KEY\((\w+), "([^"]+)", (\w+), \'(\w)\', "([^"]*)", "([^"]*)"\)$', re.M)


def rows():
    text = (ROOT / "src/formats/keys.inc").read_text(encoding="utf-8")
    found = ROW.findall(text)
    assert len(found) == text.count("\nGRT_KEY("), "a row of keys.inc is not understood"
    return found


def cell(key, use, neutral, what):
    notes = [f"neutral: {neutral.replace(' ', ', ')}"] if use == "REFUSE" and neutral else []
    notes += [what] if what else []
    return f"`{key}`" + (f" ({'; '.join(notes)})" if notes else "")


def page(table):
    out = []
    for source, title in NAMES.items():
        out.append(f"**{title}**\n")
        for use, heading in USES.items():
            cells = [cell(key, u, neutral, what) for s, key, u, _, neutral, what in table
                     if s == source and u == use]
            if cells:
                out.append(f"- {heading}: " + ", ".join(cells) + ".")
        out.append("")
    return "\n".join(out)


def faults(table):
    """Rows that say what is not so."""
    names = [row[:2] for row in table]
    for row in table:
        if names.count(row[:2]) > 1:
            yield f"{row[0]} {row[1]}: twice"
    code = "".join(p.read_text(encoding="utf-8") for p in sorted((ROOT / "src").rglob("*.[ch]")))
    for source, key, use, *_ in table:
        last = re.sub(r"^\{arch\}\.", "", key).strip("*.").split(".")[-1]
        if use == "READ" and last and last not in code:
            yield f"{source} {key}: called read, but src/ does not name it"


def main():
    table, path = rows(), ROOT / "docs/models.md"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    new = before + BEGIN + page(table) + END + rest.split(END)[1]
    problems = list(faults(table))
    if "--check" in sys.argv[1:] and new != text:
        problems.append("docs/models.md: the tables of keys are old: run tools/make_key_tables.py")
    elif "--check" not in sys.argv[1:]:
        path.write_text(new, encoding="utf-8")
    print("\n".join(problems) or "the tables of keys are current")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
