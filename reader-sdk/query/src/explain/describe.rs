//! What a step does, in words.

use crate::cell::Cell;
use crate::plan::{Action, Argument, Bind, NOT_COUNTED, Plan, Slot, Var};

impl Plan {
    pub(super) fn name(&self, var: Var) -> &str {
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
            Argument::Source(source) => self.sources[*source].to_string(),
            Argument::Rules => "%".to_owned(),
        }
    }

    pub(super) fn describe(&self, action: &Action) -> String {
        match action {
            Action::Given { vars, .. } => format!("input [{}]", self.list(vars)),
            Action::Match(step) => {
                let source = &self.sources[step.node.source];
                let count = match step.node.count {
                    NOT_COUNTED => String::new(),
                    count => format!(" of {count}"),
                };
                format!("match {source} [{}]{count}", self.slots(&step.node.terms))
            }
            Action::Compute(step) => {
                let source = step.source.map(|source| self.sources[source].to_string());
                let arguments = step.arguments.iter().map(|argument| self.argument(argument));
                let arguments: Vec<String> = source.into_iter().chain(arguments).collect();
                let binds = step.bind.as_ref().map(Bind::vars).unwrap_or_default();
                let binds = match binds.as_slice() {
                    [] => String::new(),
                    binds => format!(" binds {}", self.list(binds)),
                };
                format!("call ({} {}){binds}", step.name, arguments.join(" "))
            }
            Action::Either(step) => format!("or, given [{}]", self.list(&step.seed)),
            Action::Without(step) => format!("not, given [{}]", self.list(&step.seed)),
            Action::Invoke(step) => {
                let name = &self.rules[step.rule].name;
                format!("rule ({name} {})", self.slots(&step.arguments))
            }
        }
    }
}
