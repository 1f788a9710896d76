//! The queries that are generated: a small language with all kinds of clauses, and its text.

use std::fmt::Write;

use duramen_model::Value;
use duramen_model::edn::Edn;

/// A variable, `?v0` and so on.
pub(crate) type Var = usize;

/// What stands in one place of a clause.
#[derive(Debug, Clone)]
pub(crate) enum Term {
    Blank,
    Var(Var),
    /// A number, a string, a keyword: itself.
    Constant(Value),
    /// The entity with this ident; in the place of an attribute the attribute.
    Named(&'static str),
}

#[derive(Debug, Clone)]
pub(crate) enum Clause {
    /// Against source 0 or 1.
    Pattern(usize, Vec<Term>),
    Predicate(&'static str, Vec<Term>),
    /// `[(function terms…) ?var]`
    Function(&'static str, Vec<Term>, Var),
    Or(Vec<Vec<Clause>>),
    OrJoin(Vec<Var>, Vec<Vec<Clause>>),
    Not(Vec<Clause>),
    NotJoin(Vec<Var>, Vec<Clause>),
    Rule(&'static str, Vec<Term>),
}

/// What the second source is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source {
    Db,
    Rows,
}

/// A view of the database, for the second source.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View {
    Now,
    AsOf(u64),
    Since(u64),
    History,
}

#[derive(Debug, Clone)]
pub(crate) struct Generated {
    pub(crate) clauses: Vec<Clause>,
    pub(crate) second: Source,
    pub(crate) view: View,
    /// Variables bound by collections.
    pub(crate) given: Vec<(Var, Vec<Value>)>,
}

/// A rule: its name, its parameters and its bodies.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) head: Vec<Var>,
    pub(crate) bodies: Vec<Vec<Clause>>,
}

/// All rules, which every query is given.
pub(crate) fn rules() -> Vec<Rule> {
    let v = Term::Var;
    let link = |a: Var, b: Var| Clause::Pattern(0, vec![v(a), Term::Named("a/ref"), v(b)]);
    let number = |a: Var, b: Var| Clause::Pattern(0, vec![v(a), Term::Named("a/one"), v(b)]);
    let call = |name: &'static str, a: Var, b: Var| Clause::Rule(name, vec![v(a), v(b)]);
    let rule = |name, bodies| Rule { name, head: vec![0, 1], bodies };
    vec![
        rule("right", vec![vec![link(0, 1)], vec![link(0, 2), call("right", 2, 1)]]),
        rule("left", vec![vec![link(0, 1)], vec![call("left", 0, 2), link(2, 1)]]),
        rule("double", vec![vec![link(0, 1)], vec![call("double", 0, 2), call("double", 2, 1)]]),
        rule(
            "same",
            vec![vec![link(0, 2), link(1, 2)], vec![link(0, 2), link(1, 3), call("same", 2, 3)]],
        ),
        rule("ping", vec![vec![link(0, 1)], vec![link(0, 2), call("pong", 2, 1)]]),
        rule("pong", vec![vec![link(0, 2), call("ping", 2, 1)]]),
        rule(
            "either",
            vec![vec![Clause::OrJoin(
                vec![0, 1],
                vec![vec![link(0, 1)], vec![link(2, 0), call("either", 2, 1)]],
            )]],
        ),
        rule(
            "dead-end",
            vec![vec![
                call("right", 0, 1),
                Clause::Not(vec![Clause::Pattern(
                    0,
                    vec![v(1), Term::Named("a/ref"), Term::Blank],
                )]),
            ]],
        ),
        rule(
            "count-up",
            vec![
                vec![number(0, 1)],
                vec![
                    call("count-up", 0, 2),
                    Clause::Predicate("<", vec![v(2), Term::Constant(Value::Long(6))]),
                    Clause::Function("inc", vec![v(2)], 1),
                ],
            ],
        ),
    ]
}

pub(crate) fn rules_text() -> String {
    let mut text = String::from("[");
    for rule in rules() {
        for body in &rule.bodies {
            let head: Vec<String> = rule.head.iter().map(|var| format!("?v{var}")).collect();
            let _ = write!(text, "[({} {}) {}]", rule.name, head.join(" "), clauses_text(body));
        }
    }
    text + "]"
}

impl Generated {
    pub(crate) fn text(&self) -> String {
        let vars: Vec<String> = self.vars().iter().map(|var| format!("?v{var}")).collect();
        let given: String = self.given.iter().map(|(var, _)| format!(" [?v{var} ...]")).collect();
        format!(
            "[:find {} :in $ $b %{given} :where {}]",
            vars.join(" "),
            clauses_text(&self.clauses)
        )
    }

    /// The variables that the query returns: all that stand outside of negations.
    pub(crate) fn vars(&self) -> Vec<Var> {
        let mut vars: Vec<Var> = self.given.iter().map(|(var, _)| *var).collect();
        self.clauses.iter().for_each(|clause| clause.vars(&mut vars));
        vars.sort_unstable();
        vars.dedup();
        vars
    }
}

impl Generated {
    /// Whether an input may stand in the place of a transaction.
    pub(crate) fn gives_a_transaction(&self) -> bool {
        let given = |var: &Var| self.given.iter().any(|(own, _)| own == var);
        self.clauses.iter().any(|clause| clause.has_transaction(&given))
    }
}

impl Clause {
    fn has_transaction(&self, given: &impl Fn(&Var) -> bool) -> bool {
        let inner = |clauses: &[Self]| clauses.iter().any(|clause| clause.has_transaction(given));
        match self {
            Self::Pattern(_, terms) => {
                matches!(terms.get(3), Some(Term::Var(var)) if given(var))
            }
            Self::Or(branches) | Self::OrJoin(_, branches) => {
                branches.iter().any(|branch| inner(branch))
            }
            Self::Not(clauses) | Self::NotJoin(_, clauses) => inner(clauses),
            Self::Predicate(..) | Self::Function(..) | Self::Rule(..) => false,
        }
    }

    pub(crate) fn vars(&self, vars: &mut Vec<Var>) {
        let mut terms = |terms: &[Term]| {
            vars.extend(terms.iter().filter_map(|term| match term {
                Term::Var(var) => Some(*var),
                _ => None,
            }));
        };
        match self {
            Self::Pattern(_, places) | Self::Predicate(_, places) | Self::Rule(_, places) => {
                terms(places);
            }
            Self::Function(_, places, var) => {
                terms(places);
                vars.push(*var);
            }
            Self::Or(branches) => {
                branches.iter().flatten().for_each(|clause| clause.vars(vars));
            }
            Self::OrJoin(join, _) => vars.extend(join),
            Self::Not(_) | Self::NotJoin(..) => {}
        }
    }
}

fn clauses_text(clauses: &[Clause]) -> String {
    clauses.iter().map(clause_text).collect::<Vec<_>>().join(" ")
}

fn terms_text(terms: &[Term]) -> String {
    terms.iter().map(term_text).collect::<Vec<_>>().join(" ")
}

fn term_text(term: &Term) -> String {
    match term {
        Term::Blank => "_".to_owned(),
        Term::Var(var) => format!("?v{var}"),
        Term::Constant(value) => Edn::Value(value.clone()).to_string(),
        Term::Named(name) => format!(":{name}"),
    }
}

fn branch_text(clauses: &[Clause]) -> String {
    match clauses {
        [one] => clause_text(one),
        several => format!("(and {})", clauses_text(several)),
    }
}

fn branches_text(branches: &[Vec<Clause>]) -> String {
    branches.iter().map(|branch| branch_text(branch)).collect::<Vec<_>>().join(" ")
}

fn list(vars: &[Var]) -> String {
    vars.iter().map(|var| format!("?v{var}")).collect::<Vec<_>>().join(" ")
}

fn clause_text(clause: &Clause) -> String {
    match clause {
        Clause::Pattern(0, terms) => format!("[{}]", terms_text(terms)),
        Clause::Pattern(_, terms) => format!("[$b {}]", terms_text(terms)),
        Clause::Predicate(name, terms) => format!("[({name} {})]", terms_text(terms)),
        Clause::Function(name, terms, var) => format!("[({name} {}) ?v{var}]", terms_text(terms)),
        Clause::Or(branches) => format!("(or {})", branches_text(branches)),
        Clause::OrJoin(vars, branches) => {
            format!("(or-join [{}] {})", list(vars), branches_text(branches))
        }
        Clause::Not(clauses) => format!("(not {})", clauses_text(clauses)),
        Clause::NotJoin(vars, clauses) => {
            format!("(not-join [{}] {})", list(vars), clauses_text(clauses))
        }
        Clause::Rule(name, terms) => format!("({name} {})", terms_text(terms)),
    }
}
