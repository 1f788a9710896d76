//! Explanations as a table.

use std::fmt;
use std::time::Duration;

use super::{Cost, ExplainedStep, Explanation};

/// Characters of the first column at most: longer steps push their numbers to the right.
const WIDTH_MAX: usize = 72;

/// One line: what it is about, and its numbers.
struct Line {
    depth: usize,
    what: String,
    estimated: Option<u64>,
    cost: Option<Cost>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        let ran = self.planning.is_some();
        let width = |line: &Line| line.depth * 2 + line.what.chars().count();
        let width = lines.iter().map(width).max().unwrap_or(0).clamp(4, WIDTH_MAX);
        write!(f, "{:width$}  {:>10}", "step", "estimated")?;
        if ran {
            write!(f, "  {:>10}  {:>6}  {:>10}", "rows", "runs", "time")?;
            write!(f, "  {:>6}  {:>8}  {:>10}", "nodes", "requests", "fetched")?;
        }
        writeln!(f)?;
        lines.iter().try_for_each(|line| line.write(width, ran, f))
    }
}

impl Explanation {
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(cost) = self.planning {
            lines.push(Line::plain(0, "plan", Some(cost)));
        }
        add_steps(&self.steps, 0, &mut lines);
        if let Some(cost) = self.showing {
            lines.push(Line::plain(0, "show", Some(cost)));
        }
        for rule in &self.rules {
            lines.push(Line::plain(0, &format!("rule {}", rule.what), None));
            for branch in &rule.branches {
                lines.push(Line::plain(1, "body", None));
                add_steps(branch, 2, &mut lines);
            }
        }
        lines
    }
}

fn add_steps(steps: &[ExplainedStep], depth: usize, lines: &mut Vec<Line>) {
    for step in steps {
        let keeps: String = step.keeps.iter().map(|name| format!(" {name}")).collect();
        let what = format!("{} ->{keeps}", step.what);
        let (estimated, cost) = (Some(step.rows_estimated), step.actual);
        lines.push(Line { depth, what, estimated, cost });
        match step.branches.as_slice() {
            [only] => add_steps(only, depth + 1, lines),
            branches => {
                for branch in branches {
                    lines.push(Line::plain(depth + 1, "branch", None));
                    add_steps(branch, depth + 2, lines);
                }
            }
        }
    }
}

impl Line {
    fn plain(depth: usize, what: &str, cost: Option<Cost>) -> Self {
        Self { depth, what: what.to_owned(), estimated: None, cost }
    }

    fn write(&self, width: usize, ran: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = format!("{}{}", "  ".repeat(self.depth), self.what);
        if self.estimated.is_none() && self.cost.is_none() {
            return writeln!(f, "{what}");
        }
        let estimated = self.estimated.map(|rows| rows.to_string()).unwrap_or_default();
        write!(f, "{what:width$}  {estimated:>10}")?;
        if let Some(cost) = self.cost.filter(|_| ran) {
            let time = cost.time.map(show_time).unwrap_or_else(|| "-".to_owned());
            write!(f, "  {:>10}  {:>6}  {time:>10}", cost.rows, cost.runs)?;
            let fetched = show_bytes(cost.bytes);
            write!(f, "  {:>6}  {:>8}  {fetched:>10}", cost.nodes, cost.requests)?;
        }
        writeln!(f)
    }
}

fn show_time(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..10_000 => format!("{micros} us"),
        micros @ 10_000..10_000_000 => format!("{} ms", micros / 1000),
        micros => format!("{} s", micros / 1_000_000),
    }
}

fn show_bytes(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} B"),
        10_240..10_485_760 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
