"""DuckDB: three tables in a file of its own, as one would lay the data out for it; columns of NumPy
are its results. It stands for what an analytic database does, not for databases of facts."""

import json

import duckdb

from . import base

COLUMNS = [attribute.replace("-", "_") for attribute in base.SINGLE]
NEXT = "JOIN follows f ON f.a = r.y"
QUERIES = {
    "q1": "SELECT id FROM person WHERE name = 'Ivan'",
    "q2": "SELECT id, age FROM person WHERE name = 'Ivan'",
    "q3": "SELECT id, age FROM person WHERE name = 'Ivan' AND sex = 'male'",
    "q4": "SELECT id, last_name, age FROM person WHERE name = 'Ivan' AND sex = 'male'",
    "q5-shortcircuit": """SELECT id, name, last_name, age, sex, alias FROM person JOIN alias USING (id)
        WHERE name = $name AND age = $age""",
    "qpred1": "SELECT id, salary FROM person WHERE salary > 50000",
    "qpred2": "SELECT id, salary FROM person WHERE salary > $low",
    "agg-name": "SELECT name, count(*) FROM person GROUP BY name",
    "join-value": "SELECT x.id, y.id AS id_2 FROM person x JOIN person y USING (salary)",
    "hop2-from": "SELECT DISTINCT g.b FROM follows f JOIN follows g ON g.a = f.b WHERE f.a = $x",
    "hop3-from": """SELECT DISTINCT h.b FROM follows f JOIN follows g ON g.a = f.b
        JOIN follows h ON h.a = g.b WHERE f.a = $x""",
    "hop2-all": "SELECT DISTINCT f.a, g.b FROM follows f JOIN follows g ON g.a = f.b",
    "reach": f"""WITH RECURSIVE r(y) AS (
        SELECT b FROM follows WHERE a = $x UNION SELECT f.b FROM r {NEXT}) SELECT y FROM r""",
    "closure": f"""WITH RECURSIVE r(x, y) AS (
        SELECT a, b FROM follows UNION SELECT r.x, f.b FROM r {NEXT}) SELECT x, y FROM r""",
    "tree": f"""WITH RECURSIVE r(y) AS (SELECT $x::BIGINT UNION SELECT f.b FROM r {NEXT})
        SELECT r.y, p.name, f.b FROM r JOIN person p ON p.id = r.y LEFT {NEXT}""",
}
QUERIES["q2-switch"] = QUERIES["q2"]
# What is read row by row, because its values are looked at.
ROWS = {"agg-name", "tree"}


def table(connection, place, name, columns, rows):
    """A table of rows, through a file of JSON lines, which is read at once."""
    lines = place / f"{name}.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = f"read_json('{lines}', format = 'newline_delimited', columns = {columns})"
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {read}")
    lines.unlink()


class System(base.System):
    @staticmethod
    def version():
        return f"DuckDB {duckdb.__version__}"

    def load(self, people, follows):
        self.connection = duckdb.connect(self.place / "people.duckdb")
        kinds = dict.fromkeys(COLUMNS, "VARCHAR") | {"age": "BIGINT", "salary": "BIGINT"}
        columns = {"id": "BIGINT"} | kinds
        persons = ({"id": person["id"]} | {column: person.get(attribute) for column, attribute
                   in zip(COLUMNS, base.SINGLE)} for person in people)
        aliases = ({"id": person["id"], "alias": alias}
                   for person in people for alias in person.get("alias", ()))
        edges = ({"a": start, "b": end} for start, end in follows)
        table(self.connection, self.place, "person", columns, persons)
        table(self.connection, self.place, "alias", {"id": "BIGINT", "alias": "VARCHAR"}, aliases)
        table(self.connection, self.place, "follows", {"a": "BIGINT", "b": "BIGINT"}, edges)
        self.connection.execute("ALTER TABLE person ADD PRIMARY KEY (id)")
        self.connection.execute("CHECKPOINT")

    def ask(self, query, **inputs):
        answer = self.connection.execute(QUERIES[query], inputs)
        if query in ROWS:
            return answer.fetchall()
        return next(iter(answer.fetchnumpy().values()))

    def full_name(self, number):
        found = self.connection.execute("SELECT full_name FROM person WHERE id = ?", [number])
        return found.fetchone()[0]

    def pull(self, number):
        return self.pull_many([number])[number]

    def pull_many(self, numbers):
        people = self.connection.execute(
            "SELECT * FROM person WHERE id IN (SELECT unnest(?))", [numbers]
        )
        pulled = {id: dict(zip(base.SINGLE, values)) for id, *values in people.fetchall()}
        aliases = self.connection.execute(
            "SELECT id, list(alias) FROM alias WHERE id IN (SELECT unnest(?)) GROUP BY id", [numbers]
        )
        for id, alias in aliases.fetchall():
            pulled[id]["alias"] = alias
        return pulled
