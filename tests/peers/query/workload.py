"""The workload: people, who follows whom, graphs for rules, and the right answers.

The people are those of DataScript's own benchmark: 8 first names, 6 last names, up to 9 of 11
aliases. Everything comes from one seed. `write` lays it out in the folder that `peer-bench` and the
systems read; `answers` works out, without any database, how much each operation has to find.
"""

import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

FIRST_NAMES = "Ivan Petr Sergei Oleg Yuri Dmitry Fedor Denis".split()
LAST_NAMES = "Ivanov Petrov Sidorov Kovalev Kuznetsov Voronoi".split()
ALIASES = (
    "A. C. Q. W.|A. J. Finn|A.A. Fair|Aapeli|Aaron Wolfe|Abigail Van Buren|Jeanne Phillips|"
    "Abram Tertz|Abu Nuwas|Acton Bell|Adunis"
).split("|")
SINGLE = ["name", "last-name", "full-name", "sex", "age", "salary"]
EDGES = 100_000
PULLED, SEEDS = 1_000, 100
# Of so many people, reachability begins at the one who reaches most.
STARTS = 40


@dataclass
class Workload:
    people: list[dict]
    follows: list[tuple[int, int]]
    pulled: list[int]
    seeds: list[int]
    reach_start: int
    graphs: dict[str, list[tuple[int, int]]]


def make(n: int, seed: int) -> Workload:
    chance = random.Random(seed)
    people = [_person(chance, number) for number in range(1, n + 1)]
    follows = _edges(chance, n)
    numbers = range(1, n + 1)
    pulled = chance.sample(numbers, min(PULLED, n))
    seeds = chance.sample(numbers, min(SEEDS, n))
    after = _successors(follows)
    starts = chance.sample(numbers, min(STARTS, n))
    return Workload(
        people,
        follows,
        pulled,
        seeds,
        max(starts, key=lambda start: len(reachable(after, start))),
        {
            "wide-7x3": _tree(depth=7, width=3),
            "wide-4x5": _tree(depth=4, width=5),
            "long-30x3": _chains(length=30, count=3),
        },
    )


def _person(chance: random.Random, number: int) -> dict:
    name, last_name = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
    return {
        "id": number,
        "name": name,
        "last-name": last_name,
        "full-name": f"{name} {last_name}",
        "alias": chance.sample(ALIASES, chance.randint(0, 9)),
        "sex": chance.choice(["male", "female"]),
        "age": chance.randint(0, 99),
        "salary": chance.randint(0, 99_999),
    }


def _edges(chance: random.Random, n: int) -> list[tuple[int, int]]:
    """Distinct, nobody follows himself; fewer where there are few people, as a query of all pairs
    two edges apart would grow with the square of their number."""
    edges: set[tuple[int, int]] = set()
    while len(edges) < min(EDGES, 5 * n):
        edge = chance.randint(1, n), chance.randint(1, n)
        if edge[0] != edge[1]:
            edges.add(edge)
    return sorted(edges)


def _tree(depth: int, width: int) -> list[tuple[int, int]]:
    """Node i has the children i * width and those after it; the top is node 1."""
    edges, level = [], [1]
    for _ in range(depth):
        born = [(node, node * width + place) for node in level for place in range(width)]
        edges += born
        level = [child for _, child in born]
    return edges


def _chains(length: int, count: int) -> list[tuple[int, int]]:
    first = [1 + chain * (length + 1) for chain in range(count)]
    return [(start + step, start + step + 1) for start in first for step in range(length)]


def answers(workload: Workload) -> dict[str, int | str]:
    """What each operation has to count."""
    people = workload.people
    ivans = [person for person in people if person["name"] == "Ivan"]
    males = sum(person["sex"] == "male" for person in ivans)
    rich = sum(person["salary"] > 50_000 for person in people)
    pulled = [people[number - 1] for number in workload.pulled]
    values = sum(len(SINGLE) + len(person["alias"]) for person in pulled)
    salaries = Counter(person["salary"] for person in people)
    after = _successors(workload.follows)
    tree = _successors(workload.graphs["wide-7x3"])
    return {
        "q1": len(ivans),
        "q2": len(ivans),
        "q2-switch": len(ivans),
        "q3": males,
        "q4": males,
        "q5-shortcircuit": 0,
        "qpred1": rich,
        "qpred2": rich,
        "agg-name": f"{len({person['name'] for person in people})}/{len(people)}",
        "find-datom": sum(len(person["full-name"]) for person in pulled),
        "pull-1": values,
        "pull-many": values,
        "join-value": sum(count * count for count in salaries.values()),
        "hop2-from": sum(len(_hops(after, seed, 2)) for seed in workload.seeds),
        "hop3-from": sum(len(_hops(after, seed, 3)) for seed in workload.seeds),
        "hop2-all": sum(len(_hops(after, start, 2)) for start in list(after)),
        "reach": len(reachable(after, workload.reach_start)),
        "rules-wide-7x3": _closure(workload.graphs["wide-7x3"]),
        "rules-long-30x3": _closure(workload.graphs["long-30x3"]),
        "rules-bound-7x3": len(reachable(tree, 3)),
        "pull-tree": len({node for edge in workload.graphs["wide-4x5"] for node in edge}),
    }


def _successors(edges: list[tuple[int, int]]) -> dict[int, list[int]]:
    after = defaultdict(list)
    for start, end in edges:
        after[start].append(end)
    return after


def _hops(after: dict[int, list[int]], start: int, steps: int) -> set[int]:
    here = {start}
    for _ in range(steps):
        here = {end for node in here for end in after.get(node, ())}
    return here


def reachable(after: dict[int, list[int]], start: int) -> set[int]:
    found: set[int] = set()
    edge = set(after.get(start, ()))
    while edge:
        found |= edge
        edge = {end for node in edge for end in after.get(node, ())} - found
    return found


def _closure(edges: list[tuple[int, int]]) -> int:
    after = _successors(edges)
    return sum(len(reachable(after, start)) for start in list(after))


def write(workload: Workload, folder: Path) -> None:
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    numbers = range(1, len(workload.people) + 1)
    _lines(folder / "people.jsonl", map(json.dumps, workload.people))
    _lines(folder / "follows.csv", (f"{start},{end}" for start, end in workload.follows))
    _lines(folder / "pull_ids.txt", workload.pulled)
    _lines(folder / "hop_seeds.txt", workload.seeds)
    # Nothing is retracted here, but `peer-bench` reads the order in which it would be.
    _lines(folder / "retract_order.txt", numbers)
    for shape, edges in workload.graphs.items():
        _lines(folder / "rules" / f"{shape}.csv", (f"{start},{end}" for start, end in edges))
    meta = {"n": len(workload.people), "reach_start": workload.reach_start}
    (folder / "meta.json").write_text(json.dumps(meta))


def read(folder: Path) -> Workload:
    return Workload(
        [json.loads(line) for line in (folder / "people.jsonl").open()],
        _pairs(folder / "follows.csv"),
        [int(line) for line in (folder / "pull_ids.txt").open()],
        [int(line) for line in (folder / "hop_seeds.txt").open()],
        json.loads((folder / "meta.json").read_text())["reach_start"],
        {path.stem: _pairs(path) for path in (folder / "rules").glob("*.csv")},
    )


def _lines(path: Path, lines) -> None:
    path.write_text("".join(f"{line}\n" for line in lines))


def _pairs(path: Path) -> list[tuple[int, int]]:
    return [tuple(map(int, line.split(","))) for line in path.open()]
