//! The rules that every query is given.

use duramen_model::Value;

use super::language::{Bind, Clause, Term, Var, clauses_text, vars_text};

pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// How many of the first variables the caller must bind.
    needed: usize,
    pub(crate) head: Vec<Var>,
    pub(crate) bodies: Vec<Vec<Clause>>,
    /// Negations come after what they negate is complete.
    pub(crate) stratum: usize,
}

/// The names of the rules, and how many arguments they take.
pub(crate) const NAMES: [(&str, usize); 16] = [
    ("right", 2),
    ("left", 2),
    ("double", 2),
    ("same", 2),
    ("ping", 2),
    ("pong", 2),
    ("either", 2),
    ("from", 2),
    ("triangle", 1),
    ("apart", 3),
    ("linked", 2),
    ("small", 2),
    ("count-up", 2),
    ("root", 1),
    ("dead-end", 2),
    ("other", 2),
];

const fn v(var: Var) -> Term {
    Term::Var(var)
}

fn link(a: Var, b: Var) -> Clause {
    fact(a, "a/ref", v(b))
}

fn fact(e: Var, attribute: &'static str, value: Term) -> Clause {
    Clause::Pattern(0, vec![v(e), Term::Named(attribute), value])
}

fn call(name: &'static str, vars: &[Var]) -> Clause {
    Clause::Rule(0, name, vars.iter().copied().map(Term::Var).collect())
}

fn test(name: &'static str, var: Var, number: i64) -> Clause {
    Clause::Predicate(name, vec![v(var), Term::Constant(Value::Long(number))])
}

fn rule(name: &'static str, bodies: Vec<Vec<Clause>>) -> Rule {
    Rule { name, needed: 0, head: vec![0, 1], bodies, stratum: 0 }
}

/// Recursion over links: on the right, on the left, not linear, of the same generation, mutual,
/// within an `or`, and from a start that is known.
fn paths() -> Vec<Rule> {
    vec![
        rule("right", vec![vec![link(0, 1)], vec![link(0, 2), call("right", &[2, 1])]]),
        rule("left", vec![vec![link(0, 1)], vec![call("left", &[0, 2]), link(2, 1)]]),
        rule(
            "double",
            vec![vec![link(0, 1)], vec![call("double", &[0, 2]), call("double", &[2, 1])]],
        ),
        rule(
            "same",
            vec![
                vec![fact(0, "a/up", v(2)), fact(1, "a/up", v(2))],
                vec![fact(0, "a/up", v(2)), call("same", &[2, 3]), fact(1, "a/up", v(3))],
            ],
        ),
        rule("ping", vec![vec![link(0, 1)], vec![link(0, 2), call("pong", &[2, 1])]]),
        rule("pong", vec![vec![link(0, 2), call("ping", &[2, 1])]]),
        rule(
            "either",
            vec![vec![Clause::OrJoin(
                Vec::new(),
                vec![0, 1],
                vec![vec![link(0, 1)], vec![link(2, 0), call("either", &[2, 1])]],
            )]],
        ),
        Rule {
            needed: 1,
            ..rule("from", vec![vec![link(0, 1)], vec![call("from", &[0, 2]), link(2, 1)]])
        },
    ]
}

/// Rules of other shapes.
fn others() -> Vec<Rule> {
    vec![
        Rule { head: vec![0], ..rule("triangle", vec![vec![link(0, 1), link(1, 2), link(2, 0)]]) },
        Rule {
            head: vec![0, 1, 2],
            ..rule(
                "apart",
                vec![
                    vec![link(0, 1), Clause::Function("identity", vec![one()], Bind::Scalar(2))],
                    vec![
                        call("apart", &[0, 3, 4]),
                        link(3, 1),
                        test("<", 4, 3),
                        Clause::Function("inc", vec![v(4)], Bind::Scalar(2)),
                    ],
                ],
            )
        },
        rule(
            "linked",
            vec![vec![
                Clause::Pattern(0, vec![v(0), v(2), v(1)]),
                Clause::Pattern(0, vec![v(1), Term::Named("a/ref"), Term::Blank]),
            ]],
        ),
        rule("small", vec![vec![fact(0, "a/many", v(1)), test("<", 1, 2), test(">=", 1, 0)]]),
        rule(
            "count-up",
            vec![
                vec![fact(0, "a/one", v(1))],
                vec![
                    call("count-up", &[0, 2]),
                    test("<", 2, 6),
                    Clause::Function("inc", vec![v(2)], Bind::Scalar(1)),
                ],
            ],
        ),
    ]
}

/// Rules with negation.
fn negating() -> Vec<Rule> {
    let negated = |name, bodies| Rule { stratum: 1, ..rule(name, bodies) };
    vec![
        Rule {
            head: vec![0],
            ..negated("root", vec![vec![link(0, 1), Clause::Not(vec![link(2, 0)])]])
        },
        negated(
            "dead-end",
            vec![vec![call("right", &[0, 1]), Clause::Not(vec![fact(1, "a/ref", Term::Blank)])]],
        ),
        negated(
            "other",
            vec![
                vec![link(0, 1), Clause::NotJoin(vec![0, 1], vec![call("right", &[1, 0])])],
                vec![fact(0, "a/up", v(1)), Clause::Not(vec![call("double", &[1, 0])])],
            ],
        ),
    ]
}

const fn one() -> Term {
    Term::Constant(Value::Long(1))
}

pub(crate) fn rules() -> Vec<Rule> {
    paths().into_iter().chain(others()).chain(negating()).collect()
}

/// The rules in so many sets; the bodies of one rule may stand in several.
pub(crate) fn rules_texts(sets: usize) -> Vec<String> {
    let mut texts = vec![String::from("["); sets];
    let mut number = 0;
    for rule in rules() {
        let (needed, rest) = rule.head.split_at(rule.needed);
        let needed = match needed {
            [] => String::new(),
            needed => format!("[{}] ", vars_text(needed)),
        };
        for body in &rule.bodies {
            let head = format!("{} {needed}{}", rule.name, vars_text(rest));
            texts[number % sets].push_str(&format!("[({head}) {}]\n", clauses_text(body)));
            number += 1;
        }
    }
    texts.into_iter().map(|text| text + "]").collect()
}
