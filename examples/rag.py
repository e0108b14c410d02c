"""A question, a folder of notes, and the prompt for a language model: the passages that answer it.

usage: rag.py QUESTION FOLDER [PASSAGES]"""
import json
import subprocess
import sys

PROMPT = """Answer from these passages only, and name the passage.

%s

Question: %s"""


def passages(question, folder, k):
    """The k best paragraphs, with the place where each begins."""
    done = subprocess.run(["grating", "rank", "--json", "--no-stats", "-k", str(k), "-q", question,
                           "-r", folder], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)["results"]


def main():
    question, folder = sys.argv[1:3]
    found = passages(question, folder, int(sys.argv[3]) if len(sys.argv) > 3 else 3)
    print(PROMPT % ("\n\n".join("[%s] %s" % (row["id"], row["text"]) for row in found), question))


if __name__ == "__main__":
    main()
