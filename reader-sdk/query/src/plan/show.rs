//! Plans as text.

use std::fmt;

use super::node::{Argument, Slot};
use super::resolve::NOT_COUNTED;
use super::{Action, Mode, Plan, RulePlan, Step, Var};
use crate::cell::Cell;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show_steps(&self.steps, 0, f)?;
        for rule in &self.rules {
            self.show_rule(rule, f)?;
        }
        Ok(())
    }
}

impl Plan {
    fn name(&self, var: Var) -> &str {
        self.names[var.0].text()
    }

    fn list(&self, vars: &[Var]) -> String {
        vars.iter().map(|var| self.name(*var)).collect::<Vec<_>>().join(" ")
    }

    fn slot(&self, slot: &Slot<Cell>) -> String {
        match slot {
            Slot::Any => "_".to_owned(),
            Slot::Constant(cell) => cell.to_edn().to_string(),
            Slot::Var(var) => self.name(*var).to_owned(),
        }
    }

    fn slots(&self, slots: &[Slot<Cell>]) -> String {
        slots.iter().map(|slot| self.slot(slot)).collect::<Vec<_>>().join(" ")
    }

    fn argument(&self, argument: &Argument) -> String {
        match argument {
            Argument::Constant(cell) => cell.to_edn().to_string(),
            Argument::Var(var) => self.name(*var).to_owned(),
        }
    }

    fn show_rule(&self, rule: &RulePlan, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params = rule.params.iter().zip(&rule.modes).map(|(var, mode)| match mode {
            Mode::Free => self.name(*var).to_owned(),
            Mode::Bound | Mode::Flexible => format!("[{}]", self.name(*var)),
        });
        writeln!(f, "rule {} {}", rule.name, params.collect::<Vec<_>>().join(" "))?;
        for branch in &rule.branches {
            writeln!(f, "  branch")?;
            self.show_steps(branch, 2, f)?;
        }
        Ok(())
    }

    fn show_steps(&self, steps: &[Step], depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in steps {
            let indent = "  ".repeat(depth);
            let what = self.describe(&step.action);
            let keep = self.list(&step.keep);
            writeln!(f, "{indent}{what}  -> {keep}  (about {:.0} rows)", step.rows.ceil())?;
            match &step.action {
                Action::Either(either) => {
                    for branch in &either.branches {
                        writeln!(f, "{indent}  branch")?;
                        self.show_steps(branch, depth + 2, f)?;
                    }
                }
                Action::Without(without) => self.show_steps(&without.steps, depth + 1, f)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn describe(&self, action: &Action) -> String {
        match action {
            Action::Given { input, vars } => format!("input {input}: {}", self.list(vars)),
            Action::Match(step) => {
                let source = &self.sources[step.node.source];
                let count = match step.node.count {
                    NOT_COUNTED => String::new(),
                    count => format!(" of {count}"),
                };
                format!("match {source} [{}]{count}", self.slots(&step.node.terms))
            }
            Action::Compute(step) => {
                let arguments: Vec<String> =
                    step.arguments.iter().map(|argument| self.argument(argument)).collect();
                let binds = step.bind.as_ref().map(super::Bind::vars).unwrap_or_default();
                format!("call ({} {}) {}", step.name, arguments.join(" "), self.list(&binds))
            }
            Action::Either(step) => format!("either, for {}", self.list(&step.seed)),
            Action::Without(step) => format!("without, for {}", self.list(&step.seed)),
            Action::Invoke(step) => format!("rule {} {}", step.rule, self.slots(&step.arguments)),
        }
    }
}
