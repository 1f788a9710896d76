"""Oxigraph in memory: facts as triples, queries in SPARQL."""

import pyoxigraph
from pyoxigraph import Literal, NamedNode, Quad, Store

from . import base

ENTITY, ATTRIBUTE = "urn:e:", "urn:a:"
NAMES = {attribute: NamedNode(ATTRIBUTE + attribute)
         for attribute in base.SINGLE + ["alias", "follows"]}
IVAN = '?e a:name "Ivan"'
HOP_2, HOP_3 = "a:follows/a:follows ?z", "a:follows/a:follows/a:follows ?z"
# Inputs are put into the text, so that the optimizer knows them.
QUERIES = {
    "q1": f"SELECT ?e {{ {IVAN} }}",
    "q2": f"SELECT ?e ?g {{ {IVAN} ; a:age ?g }}",
    "q2-switch": f"SELECT ?e ?g {{ ?e a:age ?g . {IVAN} }}",
    "q3": f'SELECT ?e ?g {{ {IVAN} ; a:age ?g ; a:sex "male" }}',
    "q4": f'SELECT ?e ?l ?g {{ {IVAN} ; a:last-name ?l ; a:age ?g ; a:sex "male" }}',
    "q5-shortcircuit": """SELECT ?e ?l ?s ?x {
        ?e a:name $name ; a:age $age ; a:last-name ?l ; a:sex ?s ; a:alias ?x }""",
    "qpred1": "SELECT ?e ?s { ?e a:salary ?s FILTER(?s > 50000) }",
    "qpred2": "SELECT ?e ?s { ?e a:salary ?s FILTER(?s > $low) }",
    "agg-name": "SELECT ?n (COUNT(?e) AS ?c) { ?e a:name ?n } GROUP BY ?n",
    "join-value": "SELECT ?x ?y { ?x a:salary ?s . ?y a:salary ?s }",
    "hop2-from": f"SELECT DISTINCT ?z {{ $x {HOP_2} }}",
    "hop3-from": f"SELECT DISTINCT ?z {{ $x {HOP_3} }}",
    "hop2-all": f"SELECT DISTINCT ?x ?z {{ ?x {HOP_2} }}",
    "reach": "SELECT ?y { $x a:follows+ ?y }",
    "closure": "SELECT ?x ?y { ?x a:follows+ ?y }",
    "tree": """SELECT ?y ?n ?c {
        { SELECT DISTINCT ?y { $x a:follows* ?y } } ?y a:name ?n OPTIONAL { ?y a:follows ?c } }""",
}
PREFIX = f"PREFIX a: <{ATTRIBUTE}> "


def _entity(number: int) -> NamedNode:
    return NamedNode(f"{ENTITY}{number}")


def _number(node) -> int | None:
    return node and int(node.value.removeprefix(ENTITY))


class System(base.System):
    @staticmethod
    def version():
        return f"Oxigraph {pyoxigraph.__version__}"

    def load(self, people, follows):
        self.store = Store()
        self.store.bulk_extend(
            Quad(_entity(e), NAMES[a], Literal(v)) for e, a, v in base.facts(people)
        )
        self.store.bulk_extend(
            Quad(_entity(start), NAMES["follows"], _entity(end)) for start, end in follows
        )

    def ask(self, query, **inputs):
        text = QUERIES[query]
        for name, value in inputs.items():
            text = text.replace(f"${name}", str(_entity(value) if name == "x" else Literal(value)))
        solutions = self.store.query(PREFIX + text)
        if query == "agg-name":
            return [(name.value, count.value) for name, count in solutions]
        if query == "tree":
            return [(_number(y), name.value, _number(c)) for y, name, c in solutions]
        return list(solutions)

    def full_name(self, number):
        found = self.store.quads_for_pattern(_entity(number), NAMES["full-name"], None)
        return next(found).object.value

    def pull(self, number):
        quads = self.store.quads_for_pattern(_entity(number), None, None)
        rows = ((number, quad.predicate.value, quad.object.value) for quad in quads)
        return self._collected(rows)[number]

    def pull_many(self, numbers):
        nodes = " ".join(f"<{ENTITY}{number}>" for number in numbers)
        solutions = self.store.query(f"SELECT ?e ?a ?v {{ VALUES ?e {{ {nodes} }} ?e ?a ?v }}")
        return self._collected((_number(e), a.value, v.value) for e, a, v in solutions)

    @staticmethod
    def _collected(rows):
        named = ((e, a.removeprefix(ATTRIBUTE), v) for e, a, v in rows)
        return base.collected(row for row in named if row[1] != "follows")
