//! From the sequence of nodes to steps: what each of them keeps, which rules it calls in which
//! way, what it can take in of its neighbours.

use std::collections::{BTreeSet, HashMap};

use duramen_model::ValueType;

use super::limit::Limit;
use super::live::{Follows, keep_live, mark_following};
use super::node::{Facts, InvokeNode, MatchNode, Node, Slot};
use super::{
    Action, Compute, Either, Invoke, Lowered, Match, Mode, Plan, RulePlan, Step, Var, Without,
    cost, recur, sequence,
};

/// Orders the steps of a query that gives these variables, and of the rules that it uses.
pub(crate) fn order(lowered: &Lowered, sources: &[duramen_model::Symbol], output: &[Var]) -> Plan {
    let mut ordering = Ordering { lowered, rules: Vec::new(), known: HashMap::new() };
    let start = Start {
        bound: BTreeSet::new(),
        rows: 1.0,
        flexible: lowered.inputs.clone(),
        first: lowered.inputs.clone(),
        entities: BTreeSet::new(),
        caller: None,
    };
    let (steps, _) = ordering.conjunction(&lowered.nodes, start, output);
    let mut next = 0;
    while next < ordering.rules.len() {
        ordering.rule(next);
        next += 1;
    }
    let rules = ordering.rules.into_iter().map(|rule| rule.plan).collect();
    let (names, sources) = (lowered.names.clone(), sources.to_vec());
    let mut plan = Plan { names, sources, steps, rules, steps_len: 0 };
    recur::mark(&mut plan);
    let mut next = 0;
    plan.each_step(&mut |step| {
        step.id = next;
        next += 1;
    });
    plan.steps_len = next;
    plan
}

struct Ordering<'a> {
    lowered: &'a Lowered,
    rules: Vec<OrderedRule>,
    known: HashMap<(usize, Vec<Mode>), usize>,
}

struct OrderedRule {
    predicate: usize,
    plan: RulePlan,
}

/// Where a conjunction starts from.
#[derive(Clone)]
pub(super) struct Start {
    pub(super) bound: BTreeSet<Var>,
    pub(super) rows: f64,
    flexible: BTreeSet<Var>,
    /// Variables to be bound before anything that mentions them: what inputs gave must be there
    /// when a pattern takes it for the name of an entity.
    pub(super) first: BTreeSet<Var>,
    /// Variables that hold entities, as a pattern has said.
    entities: BTreeSet<Var>,
    /// The rule whose body it is, and how it was called.
    caller: Option<(usize, Vec<Mode>)>,
}

impl Ordering<'_> {
    /// Plans the bodies of a rule.
    fn rule(&mut self, rule: usize) {
        let lowered = self.lowered;
        let predicate = &lowered.predicates[self.rules[rule].predicate];
        let plan = &self.rules[rule].plan;
        let flexible = |(var, mode): (&Var, &Mode)| (*mode == Mode::Flexible).then_some(*var);
        let start = Start {
            bound: plan.bound().into_iter().collect(),
            rows: 1.0,
            flexible: plan.params.iter().zip(&plan.modes).filter_map(flexible).collect(),
            first: BTreeSet::new(),
            entities: BTreeSet::new(),
            caller: Some((self.rules[rule].predicate, plan.modes.clone())),
        };
        for body in &predicate.bodies {
            let (steps, _) = self.conjunction(body, start.clone(), &predicate.params);
            self.rules[rule].plan.branches.push(steps);
        }
    }

    fn conjunction(
        &mut self,
        nodes: &[Node],
        mut start: Start,
        output: &[Var],
    ) -> (Vec<Step>, f64) {
        let (predicates, vars_len) = (&self.lowered.predicates, self.lowered.names.len());
        let sequence = sequence::choose(nodes, predicates, &start, vars_len);
        let mut steps = Vec::with_capacity(nodes.len());
        let mut mentions = Vec::with_capacity(nodes.len());
        let mut follows = Vec::with_capacity(nodes.len());
        for at in sequence {
            let node = &nodes[at];
            let action = self.action(node, nodes, &start);
            let factor = cost::factor(node, &|var| start.bound.contains(&var));
            start.rows = (start.rows * factor).max(cost::ROWS_MIN);
            follows.push(Follows::of(node, &start.bound));
            start.bound.extend(node.produces());
            start.entities.extend(entities(node).filter(|var| !start.flexible.contains(var)));
            mentions.push(node.mentions());
            let keep = start.bound.iter().copied().collect();
            let (rows, span) = (start.rows, node.span());
            steps.push(Step { id: 0, action, keep, following: Vec::new(), rows, span });
        }
        keep_live(&mut steps, &mentions, output);
        mark_following(&mut steps, follows);
        (steps, start.rows)
    }

    fn action(&mut self, node: &Node, siblings: &[Node], start: &Start) -> Action {
        match node {
            Node::Given { input, vars, .. } => Action::Given { input: *input, vars: vars.clone() },
            Node::Match(node) => Action::Match(Box::new(matching(node, siblings, start))),
            Node::Compute(node) => Action::Compute(Compute {
                name: node.name.clone(),
                function: node.function.clone(),
                source: node.source,
                arguments: node.arguments.clone(),
                bind: node.bind.clone(),
            }),
            Node::Either(node) => {
                let seed = present(&node.mentioned, &start.bound);
                let mut outputs = seed.clone();
                outputs.extend(node.outputs.iter().filter(|var| !start.bound.contains(var)));
                let inner = self.inner(&seed, start);
                let branches = node
                    .branches
                    .iter()
                    .map(|branch| self.conjunction(branch, inner.clone(), &outputs).0)
                    .collect();
                Action::Either(Either { seed, outputs, branches })
            }
            Node::Without(node) => {
                let seed = present(&node.needs, &start.bound);
                let inner = self.inner(&seed, start);
                let (steps, _) = self.conjunction(&node.nodes, inner, &seed);
                Action::Without(Without { seed, steps })
            }
            Node::Invoke(node) => Action::Invoke(self.invoke(node, start)),
        }
    }

    fn inner(&self, seed: &[Var], start: &Start) -> Start {
        Start {
            bound: seed.iter().copied().collect(),
            first: BTreeSet::new(),
            caller: None,
            ..start.clone()
        }
    }

    fn invoke(&mut self, node: &InvokeNode, start: &Start) -> Invoke {
        let mode = |slot: &Slot<_>| match slot {
            Slot::Any => Mode::Free,
            Slot::Constant(_) => Mode::Flexible,
            Slot::Var(var) if !start.bound.contains(var) => Mode::Free,
            Slot::Var(var) if start.flexible.contains(var) => Mode::Flexible,
            Slot::Var(_) => Mode::Bound,
        };
        let modes: Vec<Mode> = node.arguments.iter().map(mode).collect();
        let modes = as_the_caller(node, &modes, start).unwrap_or(modes);
        let predicate = &self.lowered.predicates[node.predicate];
        let rules = &mut self.rules;
        let rule = *self.known.entry((node.predicate, modes.clone())).or_insert_with(|| {
            let plan = RulePlan {
                name: predicate.name.clone(),
                params: predicate.params.clone(),
                modes,
                branches: Vec::new(),
                component: 0,
                roots: None,
                twins: Vec::new(),
            };
            rules.push(OrderedRule { predicate: node.predicate, plan });
            rules.len() - 1
        });
        Invoke { rule, arguments: node.arguments.clone(), recursive: false }
    }
}

/// The variables that hold entities after a node.
fn entities(node: &Node) -> impl Iterator<Item = Var> {
    let pattern = match node {
        Node::Match(node) => node.facts.as_ref().map(|facts| (&**node, facts)),
        _ => None,
    };
    let refers = |facts: &Facts| {
        facts.attribute.as_ref().is_some_and(|own| own.value_type == ValueType::Ref)
    };
    let of =
        |(node, facts): (&MatchNode, &Facts)| [node.var(0), node.var(2).filter(|_| refers(facts))];
    pattern.map(of).into_iter().flatten().flatten()
}

/// The modes in which a rule was called, if it may call itself in the same: an entity names itself,
/// so it can stand where idents may stand. The question then goes on as it was asked, and is not
/// asked anew for each entity that comes next.
fn as_the_caller(node: &InvokeNode, modes: &[Mode], start: &Start) -> Option<Vec<Mode>> {
    let (predicate, callers) = start.caller.as_ref()?;
    let fits = |((mode, caller), slot): ((&Mode, &Mode), &Slot<_>)| match (mode, caller) {
        (Mode::Bound, Mode::Flexible) => {
            slot.var().is_some_and(|var| start.entities.contains(&var))
        }
        _ => mode == caller,
    };
    let all = modes.iter().zip(callers).zip(&node.arguments).all(fits);
    (*predicate == node.predicate && all).then(|| callers.clone())
}

fn present(vars: &[Var], bound: &BTreeSet<Var>) -> Vec<Var> {
    vars.iter().copied().filter(|var| bound.contains(var)).collect()
}

fn matching(node: &MatchNode, siblings: &[Node], start: &Start) -> Match {
    let flexible = node.vars().into_iter().filter(|var| start.flexible.contains(var)).collect();
    let (mut node, mut limits) = (node.clone(), Vec::new());
    if let Some(var) = node.var(2).filter(|var| !start.bound.contains(var)) {
        limits = siblings.iter().flat_map(|sibling| Limit::all(var, sibling)).collect();
        limits.iter().for_each(|limit| limit.narrow(&mut node, Limit::constant));
        limits.retain(Limit::is_open);
    }
    Match { node, flexible, limits }
}
