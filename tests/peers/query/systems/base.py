"""What a system written in Python fills in, and how it is timed.

The program is told operations on its standard input, a line each: `OPERATION WARM BUDGET`, the times
in milliseconds. It answers with a line of JSON: `ms`, the median of one run, and `count`, what the
run found; or `absent`, or `error`. Its first line, `ready`, says that the data are loaded.
"""

import gc
import json
import math
import statistics
import sys
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from workload import SINGLE, Workload, read

Run = Callable[[], int | str]
# A batch of runs that are timed together takes about so long; an operation whose first run takes the
# second is not run again.
BATCH_S, ONCE_S = 0.02, 20.0


class System(ABC):
    """A database that is asked queries by name. Entities are the numbers of the workload."""

    def __init__(self, place: Path):
        self.place = place
        place.mkdir(parents=True)

    @staticmethod
    @abstractmethod
    def version() -> str: ...

    @abstractmethod
    def load(self, people: list[dict], follows: list[tuple[int, int]]) -> None:
        """Of a graph, the people have but a name."""

    @abstractmethod
    def ask(self, query: str, **inputs) -> list:
        """All rows of a query of this name, in the system's own language."""

    @abstractmethod
    def full_name(self, number: int) -> str:
        """One value of one entity, by the shortest way."""

    @abstractmethod
    def pull(self, number: int) -> dict: ...

    @abstractmethod
    def pull_many(self, numbers: list[int]) -> dict[int, dict]: ...

    def people_run(self, op: str, data: Workload) -> Run:
        if op == "find-datom":
            return lambda: sum(len(self.full_name(number)) for number in data.pulled)
        if op == "pull-1":
            return lambda: sum(map(_values, map(self.pull, data.pulled)))
        if op == "pull-many":
            return lambda: sum(map(_values, self.pull_many(data.pulled).values()))
        if op in ("hop2-from", "hop3-from"):
            return lambda: sum(len(self.ask(op, x=seed)) for seed in data.seeds)
        if op == "agg-name":
            return lambda: _groups(self.ask(op))
        inputs = {
            "reach": {"x": data.reach_start},
            "qpred2": {"low": 50_000},
            "q5-shortcircuit": {"name": "Anastasia", "age": 35},
        }.get(op, {})
        return lambda: len(self.ask(op, **inputs))

    def graph_run(self, op: str) -> Run:
        if op == "pull-tree":
            return lambda: _nodes(nested(self.ask("tree", x=1), 1))
        if op == "rules-bound-7x3":
            return lambda: len(self.ask("reach", x=3))
        return lambda: len(self.ask("closure"))


def graph_of(op: str) -> str | None:
    """Which graph an operation is about; none when it is about the people."""
    special = {"pull-tree": "wide-4x5", "rules-bound-7x3": "wide-7x3"}
    return special.get(op) or (op.removeprefix("rules-") if op.startswith("rules-") else None)


def collected(rows) -> dict[int, dict]:
    """Rows of an entity, an attribute and a value as maps, one an entity."""
    maps: dict[int, dict] = defaultdict(dict)
    for number, attribute, value in rows:
        if attribute == "alias":
            maps[number].setdefault(attribute, []).append(value)
        else:
            maps[number][attribute] = value
    return maps


def nested(rows, top: int) -> dict:
    """Rows of a node, its name and a child as maps within maps."""
    nodes: dict[int, dict] = defaultdict(dict)
    for node, name, child in rows:
        nodes[node]["name"] = name
        if child is not None:
            nodes[node].setdefault("follows", []).append(nodes[child])
    return nodes[top]


def _values(tree: dict) -> int:
    return sum(len(value) if isinstance(value, list) else 1 for value in tree.values())


def _nodes(tree: dict) -> int:
    return 1 + sum(map(_nodes, tree.get("follows", ())))


def _groups(rows: list) -> str:
    return f"{len(rows)}/{sum(int(count) for _, count in rows)}"


def measure(run: Run, warm: float, budget: float) -> dict:
    best, count = _timed(run, 1)
    if best > ONCE_S:
        return {"ms": best * 1e3, "runs": 1, "count": count}
    spent = best
    while spent < warm:
        batch = _batch(best)
        took, _ = _timed(run, batch)
        best, spent = min(best, took), spent + took * batch
    batch, times = _batch(best), []
    while not times or sum(times) * batch < budget:
        took, count = _timed(run, batch)
        times.append(took)
    return {"ms": statistics.median(times) * 1e3, "runs": batch * len(times), "count": count}


def _batch(best: float) -> int:
    return max(1, math.ceil(BATCH_S / max(best, 1e-7)))


def _timed(run: Run, batch: int) -> tuple[float, int | str]:
    gc.collect()
    gc.disable()
    begun = time.perf_counter()
    for _ in range(batch):
        count = run()
    took = time.perf_counter() - begun
    gc.enable()
    return took / batch, count


def serve(make: type[System], data: Path, work: Path) -> None:
    workload = read(data)
    people = make(work / "main")
    people.load(workload.people, workload.follows)
    graphs: dict[str, System] = {}

    def prepared(op: str) -> Run:
        shape = graph_of(op)
        if shape is None:
            return people.people_run(op, workload)
        if shape not in graphs:
            edges = workload.graphs[shape]
            nodes = sorted({node for edge in edges for node in edge})
            graphs[shape] = make(work / shape)
            graphs[shape].load([{"id": node, "name": "Ivan"} for node in nodes], edges)
        return graphs[shape].graph_run(op)

    answer_all(make.version(), prepared, sys.stdin)


def answer_all(version: str, prepared: Callable[[str], Run], told: Iterable[str]) -> None:
    """Times what it is told."""
    _say({"ready": version})
    for line in told:
        op, warm, budget = line.split()
        try:
            _say(measure(prepared(op), int(warm) / 1e3, int(budget) / 1e3))
        except Exception as error:  # Whatever it is, the next operation may work.
            _say({"error": f"{type(error).__name__}: {error}"[:300]})


def _say(answer: dict) -> None:
    print(json.dumps(answer), flush=True)


def facts(people: list[dict]):
    """People as entity, attribute and value; of aliases, one each."""
    for person in people:
        for attribute in SINGLE:
            if attribute in person:
                yield person["id"], attribute, person[attribute]
        for alias in person.get("alias", ()):
            yield person["id"], "alias", alias
