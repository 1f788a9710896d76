"""Cozo: one relation of facts in the order of attributes, and two indexes; kept in RocksDB."""

import importlib.metadata

from cozo_embedded import CozoDbPy

from . import base

SCHEMA = [
    ":create fact {a: String, e: Int, v: Any}",
    "::index create fact:ave {a, v, e}",
    "::index create fact:eav {e, a, v}",
]
IVAN = '*fact:ave{a: "name", v: "Ivan", e}'
AGE, LAST, SEX = (f'*fact{{a: "{a}", e, v: {v}}}' for a, v in
                  [("age", "g"), ("last-name", "l"), ("sex", "s")])
MALE = '*fact{a: "sex", e, v: "male"}'
SALARY = '*fact{a: "salary", e, v: s}'


def _follows(start: str, end: str) -> str:
    return f'*fact{{a: "follows", e: {start}, v: {end}}}'


QUERIES = {
    "q1": f"?[e] := {IVAN}",
    "q2": f"?[e, g] := {IVAN}, {AGE}",
    "q2-switch": f'?[e, g] := {AGE}, *fact{{a: "name", e, v: "Ivan"}}',
    "q3": f"?[e, g] := {IVAN}, {AGE}, {MALE}",
    "q4": f"?[e, l, g] := {IVAN}, {LAST}, {AGE}, {MALE}",
    "q5-shortcircuit": f"""?[e, l, s, x] := *fact:ave{{a: "name", v: $name, e}},
        *fact{{a: "age", e, v: $age}}, {LAST}, {SEX}, *fact{{a: "alias", e, v: x}}""",
    "qpred1": f"?[e, s] := {SALARY}, s > 50000",
    "qpred2": f"?[e, s] := {SALARY}, s > $low",
    "agg-name": '?[n, count(e)] := *fact{a: "name", e, v: n}',
    "join-value": f'?[e, y] := {SALARY}, *fact:ave{{a: "salary", v: s, e: y}}',
    "hop2-from": f"?[z] := {_follows('$x', 'y')}, {_follows('y', 'z')}",
    "hop3-from": f"?[z] := {_follows('$x', 'w')}, {_follows('w', 'y')}, {_follows('y', 'z')}",
    "hop2-all": f"?[x, z] := {_follows('x', 'y')}, {_follows('y', 'z')}",
    "reach": f"""r[y] := {_follows('$x', 'y')}
        r[y] := r[t], {_follows('t', 'y')}
        ?[y] := r[y]""",
    "closure": f"""r[x, y] := {_follows('x', 'y')}
        r[x, y] := r[x, t], {_follows('t', 'y')}
        ?[x, y] := r[x, y]""",
    "tree": f"""r[y] := y = $x
        r[y] := r[t], {_follows('t', 'y')}
        ?[y, n, c] := r[y], *fact{{a: "name", e: y, v: n}}, {_follows('y', 'c')}
        ?[y, n, c] := r[y], *fact{{a: "name", e: y, v: n}}, not {_follows('y', '_')}, c = null""",
    "full-name": '?[v] := *fact{a: "full-name", e: $x, v}',
    "pull": '?[e, a, v] := e = $x, *fact:eav{e, a, v}, a != "follows"',
    "pull-many": 'i[e] <- $xs ?[e, a, v] := i[e], *fact:eav{e, a, v}, a != "follows"',
}


class System(base.System):
    @staticmethod
    def version():
        return f"Cozo {importlib.metadata.version('cozo-embedded')}"

    def load(self, people, follows):
        self.database = CozoDbPy("rocksdb", str(self.place / "facts"), "{}")
        for statement in SCHEMA:
            self.database.run_script(statement, {}, False)
        rows = [[a, e, v] for e, a, v in base.facts(people)]
        rows += [["follows", start, end] for start, end in follows]
        for begin in range(0, len(rows), 50_000):
            some = {"rows": rows[begin : begin + 50_000]}
            self.database.run_script("?[a, e, v] <- $rows :put fact {a, e, v}", some, False)

    def ask(self, query, **inputs):
        return self.database.run_script(QUERIES[query], inputs, True)["rows"]

    def full_name(self, number):
        return self.ask("full-name", x=number)[0][0]

    def pull(self, number):
        return base.collected(self.ask("pull", x=number))[number]

    def pull_many(self, numbers):
        return base.collected(self.ask("pull-many", xs=[[number] for number in numbers]))
