"""examples/quickstart.ipynb runs, and shows its table and its chart; nbclient and ipykernel."""
import importlib.util
import pathlib
import unittest

PATH = pathlib.Path(__file__).resolve().parents[3] / "examples" / "quickstart.ipynb"


@unittest.skipUnless(importlib.util.find_spec("nbclient"), "nbclient is not installed")
class Notebook(unittest.TestCase):
    def test_runs(self):
        import nbclient
        import nbformat
        notebook = nbformat.read(PATH, as_version=4)
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
        shown = [output.get("data", {}) for cell in notebook.cells if cell.cell_type == "code"
                 for output in cell.outputs]
        tables = [data["text/html"] for data in shown if "text/html" in data]
        charts = [data["image/svg+xml"] for data in shown if "image/svg+xml" in data]
        self.assertEqual((len(tables), len(charts)), (1, 1))
        self.assertLess(tables[0].index("taxes"), tables[0].index("penalty"))
        self.assertEqual(charts[0].count("<polyline"), 6)
        self.assertIn("['penalty', 'taxes']", [data.get("text/plain") for data in shown])


if __name__ == "__main__":
    unittest.main()
