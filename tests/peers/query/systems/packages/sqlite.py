"""SQLite: the same table of facts as for the people, and the same indexes."""

import sqlite3

from packages import ATTRIBUTES

from ..sqlite import INDEXES, TABLE, selection
from . import base

CODES = {attribute: code for code, attribute in enumerate(ATTRIBUTES)}


def _query(select: str, *patterns: str, where: str = "") -> str:
    return selection(CODES, select, *patterns, where=where)


NAME, DEPENDS, ADDRESS = (CODES[a] for a in ("package/name", "package/depends", "maintainer/address"))
QUERIES = {
    "section": _query(
        "n.v, k.v", "s _ package/section :section", "n s.e package/name",
        "k s.e package/installed-kib",
    ),
    "needed-by": _query(
        "n.v", "d _ package/name :needed", "p _ package/depends d.e", "n p.e package/name"
    ),
    "needs": f"""WITH RECURSIVE r(y) AS (
        SELECT f.v FROM fact n JOIN fact f ON f.e = n.e AND f.a = {DEPENDS}
        WHERE n.a = {NAME} AND n.v = :package
        UNION SELECT f.v FROM r JOIN fact f ON f.e = r.y AND f.a = {DEPENDS})
        SELECT n.v FROM r JOIN fact n ON n.e = r.y AND n.a = {NAME}""",
    "maintainers": _query("m.v, count(*) c", "p _ package/maintainer", "m p.v maintainer/address")
    + " GROUP BY m.v ORDER BY c DESC, m.v LIMIT 10",
    "other-section": _query(
        "n.v, o.v", "d _ package/depends", "s d.e package/section", "r d.v package/section",
        "n d.e package/name", "o d.v package/name", where="s.v <> r.v",
    ),
    "same-version": _query(
        "n.v, o.v", "s _ package/section :section", "v s.e package/version",
        "w _ package/version v.v", "r w.e package/section", "n s.e package/name",
        "o w.e package/name", where="r.v <> :section",
    ),
    "text": _query(
        "n.v", "s _ package/summary", "n s.e package/name", where="instr(s.v, :word) > 0"
    ),
    "priorities": _query("p.v, count(*)", "p _ package/priority") + " GROUP BY p.v",
    "sizes": _query("s.v, sum(k.v) c", "s _ package/section", "k s.e package/installed-kib")
    + " GROUP BY s.v ORDER BY c DESC, s.v LIMIT 10",
}
VERSION = _query("v.v", "n _ package/name ?", "v n.e package/version")


class System(base.System):
    @staticmethod
    def version():
        return f"SQLite {sqlite3.sqlite_version}"

    def load(self, index):
        self.connection = sqlite3.connect(self.place / "facts.db", cached_statements=100)
        self.connection.executescript(TABLE)
        coded = ((e, CODES[a], v) for e, a, v in index.facts)
        self.connection.executemany("INSERT INTO fact VALUES (?, ?, ?)", coded)
        self.connection.commit()
        self.connection.executescript(INDEXES)

    def ask(self, query, **inputs):
        return self.connection.execute(QUERIES[query], inputs).fetchall()

    def version_of(self, name):
        return self.connection.execute(VERSION, (name,)).fetchone()[0]
