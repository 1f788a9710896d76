"""`python -m systems NAME DATA WORK`: one of the systems that are written in Python, on people or, as
`packages.NAME`, on the package index."""

import importlib
import sys
from pathlib import Path

name, data, work = sys.argv[1:]
module = importlib.import_module(f"systems.{name}")
module.base.serve(module.System, Path(data), Path(work))
