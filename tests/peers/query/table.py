"""What was measured, as a table in Markdown."""

from dataclasses import dataclass, field
from statistics import median

from process import System

MEANING = {
    "q1": "people of a name",
    "q2": "and their ages",
    "q2-switch": "the same, clauses exchanged",
    "q3": "of a name and a sex, with ages",
    "q4": "and last names",
    "q5-shortcircuit": "five clauses, the first finds nothing",
    "qpred1": "salaries above a constant",
    "qpred2": "salaries above an input",
    "agg-name": "count by name",
    "find-datom": "1,000 facts, one at a time",
    "pull-1": "1,000 people pulled, one at a time",
    "pull-many": "the same at once",
    "join-value": "pairs of people of one salary",
    "hop2-from": "two edges from 100 people, one at a time",
    "hop3-from": "three edges from 100 people, one at a time",
    "hop2-all": "all pairs two edges apart",
    "reach": "whom one person reaches, by a rule",
    "rules-wide-7x3": "closure of a tree, by a rule",
    "rules-long-30x3": "closure of three chains, by a rule",
    "rules-bound-7x3": "below one node of the tree, by a rule",
    "pull-tree": "a tree of 781 nodes pulled",
}
PACKAGES = {
    "versions": "1,000 versions by the package's name, one at a time",
    "section": "packages of a section with their sizes",
    "needed-by": "what needs a package",
    "needs": "all that a package needs, by a rule",
    "maintainers": "the ten who maintain most",
    "other-section": "packages and what they need of other sections",
    "same-version": "packages of a section, and those of others with the same version",
    "text": "packages whose description has a word",
    "priorities": "count by priority",
    "sizes": "the ten largest sections",
}


@dataclass
class Cell:
    """One operation of one system."""

    rounds: list[float] = field(default_factory=list)
    count: int | str | None = None
    # Why there is no time, when there is none.
    note: str = ""

    def ms(self, expected: int | str) -> float | None:
        if self.note or not self.rounds or self.count != expected:
            return None
        return median(self.rounds)

    def wrong(self, expected: int | str) -> bool:
        return bool(self.rounds) and not self.note and self.count != expected


Cells = dict[tuple[str, str], Cell]


def table(ops: list[str], systems: list[System], cells: Cells, expected: dict) -> str:
    ours = [system for system in systems if system.ours]
    heads = ["operation, ms", "found"] + [system.title for system in systems]
    heads += [f"{system.title} / fastest peer" for system in ours]
    lines = [_line(heads), _line(["---", "---:"] + ["---:"] * (len(heads) - 2))]
    for op in ops:
        times = {system: cells[op, system.name].ms(expected[op]) for system in systems}
        peers = [times[system] for system in systems if not system.ours and times[system]]
        best = min(peers, default=None)
        row = [f"{op}: {(MEANING | PACKAGES)[op]}", f"{expected[op]:,}" if isinstance(expected[op], int)
               else expected[op]]
        for system in systems:
            text = _cell(cells[op, system.name], expected[op])
            row.append(f"**{text}**" if best and not system.ours and times[system] == best else text)
        row += [f"{times[system] / best:.2f}" if best and times[system] else "–" for system in ours]
        lines.append(_line(row))
    return "\n".join(lines)


def verdict(ops: list[str], systems: list[System], cells: Cells, expected: dict) -> list[str]:
    """How often each of ours is faster than every peer, and whose results were wrong."""
    says = []
    peers = [system.name for system in systems if not system.ours]
    for system in (system for system in systems if system.ours):
        pairs = []
        for op in ops:
            rivals = [ms for peer in peers if (ms := cells[op, peer].ms(expected[op]))]
            if (own := cells[op, system.name].ms(expected[op])) and rivals:
                pairs.append(own < min(rivals))
        says.append(f"{system.title} is faster than every peer in {sum(pairs)} of {len(pairs)}.")
    checked = sum(bool(cell.rounds) for cell in cells.values())
    wrong = wrongs(cells, expected)
    says.append(f"{checked} results were compared with what was expected, {len(wrong)} differ.")
    return says + wrong


def wrongs(cells: Cells, expected: dict) -> list[str]:
    return [
        f"{name} found {cell.count} for {op}, not {expected[op]}."
        for (op, name), cell in cells.items()
        if cell.wrong(expected[op])
    ]


def _cell(cell: Cell, expected: int | str) -> str:
    if cell.wrong(expected):
        return f"✗ found {cell.count}"
    ms = cell.ms(expected)
    return cell.note or ("–" if ms is None else _three_digits(ms))


def _three_digits(ms: float) -> str:
    decimals = 0 if ms >= 100 else 1 if ms >= 10 else 2 if ms >= 1 else 3
    return f"{ms:,.{decimals}f}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
