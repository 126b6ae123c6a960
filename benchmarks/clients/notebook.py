"""The example notebook runs in a real kernel, and shows tables.

The kernel is this environment's own; segwarehouse and what it needs come from the path.
"""

import os
from importlib.metadata import version
from pathlib import Path

import nbformat
from expected import read
from nbclient import NotebookClient

expected = read()
root = Path(__file__).parents[2]
os.environ["SEGWAREHOUSE_PROJECT"] = expected.project
notebook = nbformat.read(root / "examples/notebook/tour.ipynb", as_version=4)
NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs if "data" in output]
expected.require("results shown as HTML", sum("text/html" in output["data"] for output in shown), 5)
print(f"nbclient {version('nbclient')}, ipykernel {version('ipykernel')}, {len(shown)} results shown")
