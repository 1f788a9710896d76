//! `verify`: whether a database is whole, straight from the bucket.

use std::io::IsTerminal;

use duramen::{Edn, Form, Value};
use duramen_db::verify::{Count, Finding, Progress, Report, Stage, Tally};
use duramen_db::{Location, verify};
use duramen_index::NodeCache;
use duramen_store::envelope::Kind;
use duramen_store::{DatabaseUrl, Stores};
use indicatif::{ProgressBar, ProgressStyle};

use super::arguments::Verify;
use super::configuration::Configuration;
use super::exit::{Exit, Failure};
use super::report::{entry, number};
use super::{output, sources};

/// Verifies a database, and prints what came of it.
pub(crate) async fn run(configuration: &Configuration, flags: &Verify) -> Result<(), Failure> {
    sources::check_url(&flags.database)?;
    let url: DatabaseUrl = flags.database.parse().map_err(duramen::Error::from)?;
    let options = configuration.store_options.clone();
    let stores = Stores::builder().options(options).build();
    let store = stores.open_read(&url.place).map_err(duramen::Error::from)?;
    let location = Location::new(store, url.name.clone(), NodeCache::new(0));
    let bar = Bar::start();
    let report = verify(location, &mut |progress| bar.show(progress)).await;
    bar.end();
    let report = report.map_err(duramen::Error::from)?;
    match flags.json {
        true => output::json(&edn(&report))?,
        false => text(&report)?,
    }
    match report.findings_total {
        0 => Ok(()),
        total => {
            let plural = output::plural(usize::try_from(total).unwrap_or(usize::MAX));
            Err(Failure::new(Exit::Corrupt, format!("{url}: damaged: {total} finding{plural}")))
        }
    }
}

/// How far it is, on standard error if that is a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn start() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(0);
        let template = "{msg:>12} {bar:40} {percent:>3}%  {human_pos} of {human_len}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, progress: Progress) {
        let name = name(progress.stage);
        if self.0.message() != name {
            self.0.reset_eta();
            self.0.set_message(name);
        }
        self.0.set_length(progress.total);
        self.0.set_position(progress.done);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}

const fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Roots => "roots",
        Stage::Log => "transactions",
        Stage::Trees => "records",
        Stage::Packs => "packs",
        Stage::Objects => "left over",
    }
}

fn text(report: &Report) -> Result<(), Failure> {
    let shown = |number: Option<u64>| number.map_or_else(|| "none".to_owned(), |n| n.to_string());
    output::line(format_args!(
        "root {}, t {}: {} transactions, {} datoms; {} trees, {} nodes, {} records; {} sums compared",
        shown(report.root),
        shown(report.t.map(duramen::T::get)),
        report.transactions,
        report.datoms,
        report.trees,
        report.nodes,
        report.records,
        report.comparisons,
    ))?;
    let columns = ["kind", "live", "bytes", "not reached", "bytes"].map(str::to_owned);
    let rows: Vec<Vec<Edn>> = report.objects.iter().map(row).collect();
    output::line(output::table(&columns, &rows).trim_fmt())?;
    for finding in &report.findings {
        output::line(finding)?;
    }
    let unlisted = report.findings_total - report.findings.len() as u64;
    if unlisted > 0 {
        output::line(format_args!("and {unlisted} more"))?;
    }
    for what in &report.not_compared {
        output::line(format_args!("not compared: {what}"))?;
    }
    if report.is_sound() { output::line("all is as it should be") } else { Ok(()) }
}

fn row((kind, tally): (&Option<Kind>, &Tally)) -> Vec<Edn> {
    let Tally { live, unreached } = tally;
    vec![
        string(kind_name(*kind)),
        number(live.objects),
        number(live.bytes),
        number(unreached.objects),
        number(unreached.bytes),
    ]
}

fn kind_name(kind: Option<Kind>) -> &'static str {
    kind.map_or("other", Kind::name)
}

fn edn(report: &Report) -> Edn {
    let optional = |number: Option<u64>| number.map_or(Edn::Nil, self::number);
    let findings = report.findings.iter().map(|finding| Form::from(finding_edn(finding)));
    let not_compared = report.not_compared.iter().map(|what| Form::from(string(what)));
    let objects = report.objects.iter().map(|(kind, tally)| {
        let counts =
            vec![entry("live", count(tally.live)), entry("unreached", count(tally.unreached))];
        entry(kind_name(*kind), Edn::Map(counts))
    });
    Edn::Map(vec![
        entry("database_id", report.id.map_or(Edn::Nil, |id| string(&id.to_string()))),
        entry("sound", Edn::from(report.is_sound())),
        entry("root", optional(report.root)),
        entry("t", optional(report.t.map(duramen::T::get))),
        entry("transactions", number(report.transactions)),
        entry("datoms", number(report.datoms)),
        entry("trees", number(report.trees)),
        entry("nodes", number(report.nodes)),
        entry("node_bytes", number(report.node_bytes)),
        entry("records", number(report.records)),
        entry("comparisons", number(report.comparisons)),
        entry("objects", Edn::Map(objects.collect())),
        entry("findings", Edn::Vector(findings.collect())),
        entry("findings_total", number(report.findings_total)),
        entry("not_compared", Edn::Vector(not_compared.collect())),
    ])
}

fn count(count: Count) -> Edn {
    Edn::Map(vec![entry("objects", number(count.objects)), entry("bytes", number(count.bytes))])
}

fn finding_edn(finding: &Finding) -> Edn {
    Edn::Map(vec![
        entry("object", string(&finding.object)),
        entry("expected", string(&finding.expected)),
        entry("found", string(&finding.found)),
    ])
}

fn string(text: &str) -> Edn {
    Edn::from(Value::string(text))
}
