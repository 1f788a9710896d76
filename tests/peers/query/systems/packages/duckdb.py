"""DuckDB: tables of packages, maintainers and dependencies, as one would lay them out for it."""

import duckdb

from ..duckdb import table
from . import base

TEXTS = ["name", "version", "section", "priority", "summary", "architecture", "homepage", "sha256"]
NUMBERS = ["installed-kib", "file-bytes", "maintainer"]
QUERIES = {
    "section": "SELECT name, installed_kib FROM package WHERE section = $section",
    "needed-by": """SELECT p.name FROM package d JOIN depends ON b = d.id JOIN package p ON a = p.id
        WHERE d.name = $needed""",
    "needs": """WITH RECURSIVE r(y) AS (
        SELECT b FROM package JOIN depends ON a = id WHERE name = $package
        UNION SELECT b FROM r JOIN depends ON a = y) SELECT name FROM r JOIN package ON id = y""",
    "maintainers": """SELECT address, count(*) c FROM package JOIN maintainer m ON m.id = maintainer
        GROUP BY address ORDER BY c DESC, address LIMIT 10""",
    "other-section": """SELECT p.name, d.name AS other FROM depends JOIN package p ON p.id = a
        JOIN package d ON d.id = b WHERE p.section <> d.section""",
    "same-version": """SELECT p.name, q.name AS other FROM package p JOIN package q USING (version)
        WHERE p.section = $section AND q.section <> $section""",
    "text": "SELECT name FROM package WHERE contains(summary, $word)",
    "priorities": """SELECT priority, count(*) FROM package WHERE priority IS NOT NULL
        GROUP BY priority""",
    "sizes": """SELECT section, sum(installed_kib)::BIGINT c FROM package WHERE section IS NOT NULL
        GROUP BY section ORDER BY c DESC, section LIMIT 10""",
}
VERSION = "SELECT version FROM package WHERE name = ?"


def _column(attribute: str) -> str:
    return attribute.replace("-", "_")


class System(base.System):
    @staticmethod
    def version():
        return f"DuckDB {duckdb.__version__}"

    def load(self, index):
        self.connection = duckdb.connect(self.place / "packages.duckdb")
        packages, maintainers, depends = {}, [], []
        for e, a, v in index.facts:
            kind, attribute = a.split("/")
            if kind == "maintainer":
                maintainers.append({"id": e, "address": v})
            elif attribute == "depends":
                depends.append({"a": e, "b": v})
            elif attribute in TEXTS + NUMBERS:
                packages.setdefault(e, {"id": e})[_column(attribute)] = v
        columns = {_column(a): "VARCHAR" for a in TEXTS} | {_column(a): "BIGINT" for a in NUMBERS}
        table(self.connection, self.place, "package", {"id": "BIGINT"} | columns, packages.values())
        table(self.connection, self.place, "maintainer", {"id": "BIGINT", "address": "VARCHAR"}, maintainers)
        table(self.connection, self.place, "depends", {"a": "BIGINT", "b": "BIGINT"}, depends)
        self.connection.execute("ALTER TABLE package ADD PRIMARY KEY (id)")
        self.connection.execute("CREATE INDEX by_name ON package (name)")
        self.connection.execute("CHECKPOINT")

    def ask(self, query, **inputs):
        return self.connection.execute(QUERIES[query], inputs).fetchall()

    def version_of(self, name):
        return self.connection.execute(VERSION, [name]).fetchone()[0]
