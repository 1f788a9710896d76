"""Oxigraph in memory: facts as triples, queries in SPARQL."""

import pyoxigraph
from packages import COUNTED, REFERENCES
from pyoxigraph import Literal, NamedNode, Quad, Store

from . import base

PREFIXES = "PREFIX p: <urn:a:package/> PREFIX m: <urn:a:maintainer/> "
# Inputs are put into the text, so that the optimizer knows them.
QUERIES = {
    "section": "SELECT ?n ?k { ?p p:section $section ; p:name ?n ; p:installed-kib ?k }",
    "needed-by": "SELECT ?n { ?d p:name $needed . ?p p:depends ?d ; p:name ?n }",
    "needs": "SELECT ?n { ?p p:name $package . ?p p:depends+ ?d . ?d p:name ?n }",
    "maintainers": """SELECT ?a (COUNT(?p) AS ?c) { ?p p:maintainer ?m . ?m m:address ?a }
        GROUP BY ?a ORDER BY DESC(?c) ?a LIMIT 10""",
    "other-section": """SELECT ?n ?o { ?p p:depends ?d ; p:section ?s ; p:name ?n .
        ?d p:section ?r ; p:name ?o FILTER(?s != ?r) }""",
    "same-version": """SELECT ?n ?o { ?p p:section $section ; p:version ?v ; p:name ?n .
        ?q p:version ?v ; p:section ?r ; p:name ?o FILTER(?r != $section) }""",
    "text": "SELECT ?n { ?p p:summary ?s ; p:name ?n FILTER(CONTAINS(?s, $word)) }",
    "priorities": "SELECT ?v (COUNT(?p) AS ?c) { ?p p:priority ?v } GROUP BY ?v",
    "sizes": """SELECT ?s (SUM(?k) AS ?c) { ?p p:section ?s ; p:installed-kib ?k }
        GROUP BY ?s ORDER BY DESC(?c) ?s LIMIT 10""",
}
NAME, VERSION = NamedNode("urn:a:package/name"), NamedNode("urn:a:package/version")


def _entity(number: int) -> NamedNode:
    return NamedNode(f"urn:e:{number}")


def _quad(e: int, a: str, v) -> Quad:
    return Quad(_entity(e), NamedNode(f"urn:a:{a}"), _entity(v) if a in REFERENCES else Literal(v))


class System(base.System):
    @staticmethod
    def version():
        return f"Oxigraph {pyoxigraph.__version__}"

    def load(self, index):
        self.store = Store()
        self.store.bulk_extend(_quad(e, a, v) for e, a, v in index.facts)

    def ask(self, query, **inputs):
        text = QUERIES[query]
        for name, value in inputs.items():
            text = text.replace(f"${name}", str(Literal(value)))
        solutions = self.store.query(PREFIXES + text)
        if query in COUNTED:
            return [(name.value, int(count.value)) for name, count in solutions]
        return list(solutions)

    def version_of(self, name):
        package = next(self.store.quads_for_pattern(None, NAME, Literal(name))).subject
        return next(self.store.quads_for_pattern(package, VERSION, None)).object.value
