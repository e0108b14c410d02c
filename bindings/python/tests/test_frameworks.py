"""Adapters with the real frameworks, and Arrow and pandas; what is not installed is skipped."""
import asyncio
import copy
import importlib.util
import pickle
import unittest

import grating

QUERY = "how do owls hunt"
TEXTS = ["Bread rises because of yeast.", "Owls hunt at night by sound.",
         "A steam engine heats water in a boiler.", "Eagles hunt by day, and see far."]


def needs(name):
    return unittest.skipUnless(importlib.util.find_spec(name), f"{name} is not installed")


class Shared(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = grating.Model()
        cls.best = cls.model.rank(QUERY, TEXTS, k=2)
        cls.order = [item.index for item in cls.best]


@needs("langchain_core")
class LangChain(Shared):
    def test_compressor(self):
        from langchain_core.documents import Document
        from grating.adapters.langchain import GratingRerank
        documents = [Document(page_content=text, metadata={"n": i}) for i, text in enumerate(TEXTS)]
        compressor = GratingRerank(model=self.model, top_n=2)
        found = compressor.compress_documents(documents, QUERY)
        self.assertEqual([one.metadata["n"] for one in found], self.order)
        self.assertEqual(found[0].metadata["relevance_score"], self.best[0].score)
        self.assertNotIn("relevance_score", documents[1].metadata)
        self.assertEqual(asyncio.run(compressor.acompress_documents(documents, QUERY)), found)
        self.assertEqual(compressor.compress_documents([], QUERY), [])

    def test_cross_encoder(self):
        from grating.adapters.langchain import GratingCrossEncoder
        scores = GratingCrossEncoder(self.model).score([(QUERY, text) for text in TEXTS])
        self.assertEqual(scores.index(max(scores)), 1)


@needs("llama_index")
class LlamaIndex(Shared):
    def test_postprocessor(self):
        from llama_index.core.schema import NodeWithScore, TextNode
        from grating.adapters.llama_index import GratingRerank
        nodes = [NodeWithScore(node=TextNode(text=text, id_=str(i)), score=0.5)
                 for i, text in enumerate(TEXTS)]
        found = GratingRerank(model=self.model, top_n=2).postprocess_nodes(nodes, query_str=QUERY)
        self.assertEqual([int(one.node.node_id) for one in found], self.order)
        self.assertEqual(found[0].score, self.best[0].score)
        with self.assertRaisesRegex(ValueError, "query"):
            GratingRerank(model=self.model).postprocess_nodes(nodes)


@needs("haystack")
class Haystack(Shared):
    def test_component(self):
        from haystack import Document, Pipeline
        from grating.adapters.haystack import GratingRanker
        documents = [Document(content=text, meta={"n": i}) for i, text in enumerate(TEXTS)]
        pipeline = Pipeline()
        pipeline.add_component("ranker", GratingRanker(model=self.model, top_k=2))
        found = pipeline.run({"ranker": {"query": QUERY, "documents": documents}})
        found = found["ranker"]["documents"]
        self.assertEqual([one.meta["n"] for one in found], self.order)
        again = GratingRanker.from_dict(GratingRanker(model="a/b", top_k=4).to_dict())
        self.assertEqual((again._opened.path, again.top_k), ("a/b", 4))
        ranker = GratingRanker(model=self.model)
        few = ranker.run(QUERY, documents, score_threshold=1.0)
        self.assertEqual(few, {"documents": []})
        scores = [item.score for item in self.model.rank(QUERY, TEXTS, promise="scores")]
        few = ranker.run(QUERY, documents, score_threshold=(scores[0] + scores[1]) / 2)
        self.assertEqual([one.content for one in few["documents"]], [TEXTS[1]])


@needs("rerankers")
class Rerankers(Shared):
    def test_ranker(self):
        from grating.adapters.rerankers import GratingRanker
        ranker = GratingRanker(self.model, k=2)
        found = ranker.rank(QUERY, TEXTS, doc_ids=list("abcd"))
        self.assertEqual(len(found.results), 4)
        self.assertEqual([one.doc_id for one in found.top_k(2)], ["abcd"[i] for i in self.order])
        self.assertGreater(ranker.score(QUERY, TEXTS[1]), ranker.score(QUERY, TEXTS[0]))


class Functions(Shared):
    def test_callable(self):
        from grating.adapters.function import Reranker
        self.assertEqual(Reranker(self.model, k=1)(QUERY, TEXTS), [TEXTS[1]])
        self.assertEqual(Reranker(self.model, k=1, retrieve=lambda query: TEXTS)(QUERY), [TEXTS[1]])
        self.assertEqual(Reranker(self.model)(QUERY, []), [])
        with self.assertRaisesRegex(TypeError, "retrieve"):
            Reranker(self.model)(QUERY)

    def test_adapters_are_copied_and_pickled(self):
        from grating.adapters._opened import Opened
        opened = Opened(self.model)
        self.assertIs(copy.deepcopy(opened), opened)
        self.assertEqual(pickle.loads(pickle.dumps(opened)).path, self.model.path)


@needs("pyarrow")
@needs("numpy")
class Arrow(Shared):
    def test_arrays(self):
        import pyarrow
        expected = list(self.best.logits)
        whole = pyarrow.array(["", *TEXTS, "x"])
        arrays = [pyarrow.array(TEXTS), pyarrow.array(TEXTS, pyarrow.large_string()),
                  whole[1:5], pyarrow.chunked_array([TEXTS[:1], [], TEXTS[1:]], pyarrow.string()),
                  pyarrow.array(TEXTS).dictionary_encode(),
                  pyarrow.array([text.encode() for text in TEXTS])]
        if hasattr(pyarrow, "string_view"):
            arrays.append(pyarrow.array(TEXTS, pyarrow.string_view()))
        for one in arrays:
            result = self.model.rank(QUERY, one, k=2)
            self.assertEqual(list(result.logits), expected, one.type)
        self.assertEqual(result[0].text, TEXTS[1])
        with self.assertRaisesRegex(TypeError, r"documents\[1\] is null"):
            self.model.rank(QUERY, pyarrow.array(["a", None]))
        with self.assertRaisesRegex(TypeError, "int64"):
            self.model.rank(QUERY, pyarrow.array([1, 2]))
        with self.assertRaisesRegex(grating.InvalidArgument, "no documents"):
            self.model.rank(QUERY, pyarrow.array([], pyarrow.string()))

    def test_nothing_is_copied(self):
        import pyarrow
        from grating import _texts
        array = pyarrow.array(TEXTS)
        texts = _texts.pack(array)
        self.assertEqual(int(texts.keep[1][0]), array.buffers()[2].address)

    def test_batches(self):
        import pyarrow
        from grating.arrow import ranker
        batch = pyarrow.RecordBatch.from_pydict({
            "id": [7, 8, 9], "query": [QUERY, "bread", None], "documents": [TEXTS, TEXTS[:2], []]})
        found = next(ranker(self.model.path, k=1)([batch])).to_pydict()
        self.assertEqual((found["id"], found["index"], found["rank"]), ([7, 8], [1, 0], [1, 1]))
        self.assertEqual(found["text"], [TEXTS[1], TEXTS[0]])
        with self.assertRaisesRegex(KeyError, "texts"):
            next(ranker(self.model.path, documents="texts")([batch]))


@needs("pandas")
@needs("numpy")
class Pandas(Shared):
    def test_columns_and_tables(self):
        import pandas
        for kind in ("str", object):
            column = pandas.Series(TEXTS, index=[5, 6, 7, 8], dtype=kind)
            result = self.model.rank(QUERY, column, k=2)
            self.assertEqual(list(result.logits), list(self.best.logits))
            self.assertEqual(result[0].text, TEXTS[1])
        table = result.to_pandas()
        self.assertEqual(list(table["index"])[:2], self.order)
        self.assertEqual(len(table), 4)


if __name__ == "__main__":
    unittest.main()
