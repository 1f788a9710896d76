"""The package index: what `peer-bench` has exported of it, and the right answers.

The facts are those that Duramen has after it was loaded, each as a number for the entity, an
attribute and a value; `answers` works out from them, without any database, what each query has to
find.
"""

import json
import random
import subprocess
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from workload import reachable

ATTRIBUTES = [
    "package/name", "package/version", "package/architecture", "package/maintainer",
    "package/section", "package/priority", "package/summary", "package/homepage", "package/sha256",
    "package/installed-kib", "package/file-bytes", "package/depends", "package/tags",
    "maintainer/address",
]
REFERENCES = {"package/maintainer", "package/depends"}
# Queries whose second column is added up, to see whether the numbers are right, too.
COUNTED = {"section", "maintainers", "priorities", "sizes"}
INPUTS = {"section": ["section"], "needed-by": ["needed"], "needs": ["package"],
          "same-version": ["section"], "text": ["word"]}
LOOKED_UP = 1_000


@dataclass
class Index:
    facts: list[tuple[int, str, int | str]]
    meta: dict

    @classmethod
    def read(cls, folder: Path) -> "Index":
        facts = [tuple(json.loads(line)) for line in (folder / "facts.jsonl").open()]
        path = folder / "meta.json"
        return cls(facts, json.loads(path.read_text()) if path.exists() else {})

    @cached_property
    def values(self) -> dict[str, dict[int, list]]:
        """By attribute and entity."""
        values = defaultdict(lambda: defaultdict(list))
        for e, a, v in self.facts:
            values[a][e].append(v)
        return values

    def one(self, attribute: str) -> dict[int, int | str]:
        return {e: vs[0] for e, vs in self.values[f"package/{attribute}"].items()}


def prepare(binary: Path, folder: Path) -> Index:
    """Has the index of this machine loaded and exported, unless it was, and chooses the inputs."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "facts.jsonl").exists():
        subprocess.run([binary, "packages", folder], check=True)
    index = Index.read(folder)
    names = index.one("name")
    named = sorted(names[e] for e in index.one("version"))
    meta = {
        "section": "games",
        "needed": "python3",
        "package": "gnome",
        "word": "database",
        "names": random.Random(1).sample(named, LOOKED_UP),
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    return Index(index.facts, meta)


def inputs(op: str, meta: dict) -> dict[str, str]:
    return {name: meta[name] for name in INPUTS.get(op, ())}


def counted(op: str, rows: list) -> int | str:
    """What of an answer is compared."""
    return f"{len(rows)}/{sum(row[1] for row in rows)}" if op in COUNTED else len(rows)


def answers(index: Index) -> dict[str, int | str]:
    """What each operation has to count."""
    meta, one = index.meta, index.one
    names, versions, sections, kib = one("name"), one("version"), one("section"), one("installed-kib")
    depends = index.values["package/depends"]
    numbers = {name: e for e, name in names.items()}
    of_section = [e for e, section in sections.items() if section == meta["section"]]
    others = Counter(version for e, version in versions.items() if sections[e] != meta["section"])
    sizes = Counter()
    for e, section in sections.items():
        sizes[section] += kib[e]
    edges = [(p, d) for p, needed in depends.items() for d in needed]
    needed = numbers[meta["needed"]]
    found = {
        "section": [(names[e], kib[e]) for e in of_section],
        "needed-by": [p for p, d in edges if d == needed],
        "needs": reachable(depends, numbers[meta["package"]]),
        "maintainers": Counter(one("maintainer").values()).most_common(10),
        "other-section": [
            p for p, d in edges if d in sections and p in sections and sections[p] != sections[d]
        ],
        "same-version": [e for e in of_section for _ in range(others[versions[e]])],
        "text": [e for e, summary in one("summary").items() if meta["word"] in summary],
        "priorities": list(Counter(one("priority").values()).items()),
        "sizes": sizes.most_common(10),
    }
    right = {op: counted(op, list(rows)) for op, rows in found.items()}
    right["versions"] = sum(len(versions[numbers[name]]) for name in meta["names"])
    return right
