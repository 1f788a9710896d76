"""What a system written in Python fills in to take part in the comparison on the package index."""

import sys
from abc import ABC, abstractmethod
from pathlib import Path

from packages import Index, counted, inputs

from ..base import Run, answer_all


class System(ABC):
    """A database with the facts of the index. Entities are their numbers."""

    def __init__(self, place: Path):
        self.place = place
        place.mkdir(parents=True)

    @staticmethod
    @abstractmethod
    def version() -> str: ...

    @abstractmethod
    def load(self, index: Index) -> None: ...

    @abstractmethod
    def ask(self, query: str, **inputs) -> list:
        """All rows of a query of this name."""

    @abstractmethod
    def version_of(self, name: str) -> str:
        """The version of a package, by the shortest way."""

    def run(self, op: str, meta: dict) -> Run:
        if op == "versions":
            return lambda: sum(len(self.version_of(name)) for name in meta["names"])
        given = inputs(op, meta)
        return lambda: counted(op, self.ask(op, **given))


def serve(make: type[System], data: Path, work: Path) -> None:
    index = Index.read(data)
    system = make(work / "packages")
    system.load(index)
    meta = index.meta
    # What they were loaded from is not part of what is measured.
    del index
    answer_all(make.version(), lambda op: system.run(op, meta), sys.stdin)
