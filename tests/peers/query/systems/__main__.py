"""`python -m systems NAME DATA WORK`: one of the systems that are written in Python."""

import importlib
import sys
from pathlib import Path

from .base import serve

name, data, work = sys.argv[1:]
module = importlib.import_module(f"systems.{name}")
serve(module.System, Path(data), Path(work))
