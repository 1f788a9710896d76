"""SQLite: one table of facts in the order of entities, and two indexes that cover it."""

import sqlite3
from itertools import chain

from . import base

ATTRIBUTES = base.SINGLE + ["alias", "follows"]
CODES = {attribute: code for code, attribute in enumerate(ATTRIBUTES)}
FOLLOWS = CODES["follows"]


TABLE = """
    PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
    PRAGMA cache_size = -500000; PRAGMA temp_store = MEMORY;
    CREATE TABLE fact(e INTEGER, a INTEGER, v, PRIMARY KEY(e, a, v)) WITHOUT ROWID;"""
INDEXES = "CREATE INDEX aev ON fact(a, e, v); CREATE INDEX ave ON fact(a, v, e); ANALYZE;"


def selection(codes: dict[str, int], select: str, *patterns: str, where: str = "") -> str:
    """A select over patterns of `ALIAS ENTITY ATTRIBUTE [VALUE]`, each a use of the table."""
    tables, conditions = [], [where] if where else []
    for pattern in patterns:
        alias, entity, attribute, *value = pattern.split()
        tables.append(f"fact {alias}")
        conditions.append(f"{alias}.a = {codes[attribute]}")
        if entity != "_":
            conditions.append(f"{alias}.e = {entity}")
        if value:
            conditions.append(f"{alias}.v = {value[0]}")
    return f"SELECT {select} FROM {', '.join(tables)} WHERE {' AND '.join(conditions)}"


def _query(select: str, *patterns: str, where: str = "") -> str:
    return selection(CODES, select, *patterns, where=where)


IVAN, AGE, MALE = "n _ name 'Ivan'", "g n.e age", "s n.e sex 'male'"
NEXT = f"JOIN fact f ON f.e = r.y AND f.a = {FOLLOWS}"
QUERIES = {
    "q1": _query("n.e", IVAN),
    "q2": _query("n.e, g.v", IVAN, AGE),
    "q2-switch": _query("g.e, g.v", "g _ age", "n g.e name 'Ivan'"),
    "q3": _query("n.e, g.v", IVAN, AGE, MALE),
    "q4": _query("n.e, l.v, g.v", IVAN, "l n.e last-name", AGE, MALE),
    "q5-shortcircuit": _query(
        "n.e, n.v, l.v, g.v, s.v, x.v",
        "n _ name :name", "g n.e age :age", "l n.e last-name", "s n.e sex", "x n.e alias",
    ),
    "qpred1": _query("s.e, s.v", "s _ salary", where="s.v > 50000"),
    "qpred2": _query("s.e, s.v", "s _ salary", where="s.v > :low"),
    "agg-name": _query("n.v, count(*)", "n _ name") + " GROUP BY n.v",
    "join-value": _query("x.e, y.e", "x _ salary", "y _ salary x.v"),
    "hop2-from": _query("DISTINCT g.v", "f :x follows", "g f.v follows"),
    "hop3-from": _query("DISTINCT h.v", "f :x follows", "g f.v follows", "h g.v follows"),
    "hop2-all": _query("DISTINCT f.e, g.v", "f _ follows", "g f.v follows"),
    "reach": f"""WITH RECURSIVE r(y) AS (
        SELECT v FROM fact WHERE e = :x AND a = {FOLLOWS} UNION SELECT f.v FROM r {NEXT})
        SELECT y FROM r""",
    "closure": f"""WITH RECURSIVE r(x, y) AS (
        SELECT e, v FROM fact WHERE a = {FOLLOWS} UNION SELECT r.x, f.v FROM r {NEXT})
        SELECT x, y FROM r""",
    "tree": f"""WITH RECURSIVE r(y) AS (VALUES(:x) UNION SELECT f.v FROM r {NEXT})
        SELECT r.y, n.v, f.v FROM r JOIN fact n ON n.e = r.y AND n.a = {CODES["name"]} LEFT {NEXT}""",
}
# The attributes that are pulled come before `follows`.
PULL = f"SELECT e, a, v FROM fact WHERE a < {FOLLOWS} AND e"


class System(base.System):
    @staticmethod
    def version():
        return f"SQLite {sqlite3.sqlite_version}"

    def load(self, people, follows):
        self.connection = sqlite3.connect(self.place / "facts.db", cached_statements=100)
        self.connection.executescript(TABLE)
        coded = ((e, CODES[a], v) for e, a, v in base.facts(people))
        edges = ((start, FOLLOWS, end) for start, end in follows)
        self.connection.executemany("INSERT INTO fact VALUES (?, ?, ?)", chain(coded, edges))
        self.connection.commit()
        self.connection.executescript(INDEXES)

    def ask(self, query, **inputs):
        return self.connection.execute(QUERIES[query], inputs).fetchall()

    def full_name(self, number):
        found = self.connection.execute(
            f"SELECT v FROM fact WHERE e = ? AND a = {CODES['full-name']}", (number,)
        )
        return found.fetchone()[0]

    def pull(self, number):
        return self._pulled(f"{PULL} = ?", [number])[number]

    def pull_many(self, numbers):
        return self._pulled(f"{PULL} IN ({','.join('?' * len(numbers))})", numbers)

    def _pulled(self, sql, numbers):
        rows = self.connection.execute(sql, numbers)
        return base.collected((e, ATTRIBUTES[a], v) for e, a, v in rows)
