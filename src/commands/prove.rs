//! `doorbuster prove`.

use std::io::Write;
use std::time::{Duration, Instant};

use super::exit::{Exit, UsageError};
use super::nodes::NodeFlags;
use super::table::Table;
use crate::app::{self, prover};
use crate::cache::prover::{AgeReport, PROMISE, Report};
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  doorbuster prove                                   for ten seconds, and ten more until the last look
  doorbuster prove --seconds 600 --rate 200 --json
  doorbuster prove --node http://10.0.0.2:9090 --node http://10.0.0.3:9090

It writes nothing: somebody has to change products meanwhile. Exit code 0 where no copy was old a second after its
change, 1 where one was (it is dropped, and what is known of it shown) or no node answered, 2 where nothing changed or
somebody was silent.";

/// Watch changes become visible on every node and in Redis, and say in how many nines they did
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Take samples for so many seconds
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Look at the copies of so many changes a second, at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Look so many seconds after a change
    #[arg(long, value_name = "SECONDS", value_delimiter = ',', default_value = "0.1,1,10", value_parser = age)]
    ages: Vec<Duration>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nodes: NodeFlags,
}

/// Proves, and reports.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let mut ages = args.ages.clone();
    ages.sort_unstable();
    if ages.last().is_none_or(|age| *age < PROMISE) {
        let wrong = "--ages: look at least once after 1 s, from when on nothing old may be served";
        return Err(UsageError(wrong.to_owned()).into());
    }
    let nodes = args.nodes.nodes(config)?;
    let asked = nodes.len();
    let Some(catalog) = app::open_existing_catalog(config)? else {
        return Err(UsageError(format!("there is no catalogue at {}", config.catalog.url)).into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let l2 = app::connect_redis(config, runtime.handle().clone());
    let time = Duration::from_secs(args.seconds.into());
    let report = runtime.block_on(async {
        if let Some(l2) = &l2 {
            // Whoever cannot be reached shows as silent.
            let started = Instant::now();
            while l2.status().server.is_none() && started.elapsed() < config.redis.connect_timeout {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let options = prover::Options {
            rate: args.rate,
            ages,
            time,
        };
        prover::prove(catalog.into_store(), nodes, l2.clone(), options).await
    });
    drop(l2);
    runtime.shutdown_background();
    let verdict = Verdict::of(&report, asked);
    if args.json {
        let mut shown = serde_json::to_value(&report)?;
        shown["proven"] = (verdict == Verdict::Proven).into();
        shown["verdict"] = verdict.text().into();
        writeln!(out, "{shown}")?;
    } else {
        write_text(&report, &verdict, out)?;
    }
    Ok(verdict.exit())
}

fn age(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    let is_age = (0.01..=3_600.0).contains(&seconds);
    is_age
        .then(|| Duration::from_secs_f64(seconds))
        .ok_or_else(|| "from 0.01 to 3600 seconds, such as 0.1,1,10".to_owned())
}

/// What the report comes to.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Proven,
    Violated,
    NobodyAnswered,
    Silent,
    NothingChanged,
}

impl Verdict {
    /// The nodes are the first witnesses.
    fn of(report: &Report, nodes: usize) -> Self {
        let mut of_nodes = report.witnesses.iter().take(nodes);
        if report.violation_count > 0 {
            Self::Violated
        } else if report.sampled == 0 {
            Self::NothingChanged
        } else if of_nodes.all(|node| node.answers == 0) {
            Self::NobodyAnswered
        } else if report.witnesses.iter().any(|it| it.silent > 0) || !report.is_proven() {
            Self::Silent
        } else {
            Self::Proven
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Proven => Exit::Done,
            Self::Violated | Self::NobodyAnswered => Exit::Failed,
            Self::Silent | Self::NothingChanged => Exit::Partial,
        }
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Proven => "proven: a second after a change nobody served the version before",
            Self::Violated => "VIOLATED: an old version was served for more than a second",
            Self::NobodyAnswered => "NOT PROVEN: no node answered",
            Self::Silent => "not proven: somebody was silent",
            Self::NothingChanged => "not proven: no product changed meanwhile",
        }
    }
}

fn write_text(report: &Report, verdict: &Verdict, out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "{} changes, {} of them looked at\n",
        report.changes, report.sampled
    )?;
    let mut witnesses = Table::default();
    witnesses.row(["asked", "answers", "silent", ""]);
    for witness in &report.witnesses {
        witnesses.row([
            witness.name.clone(),
            witness.answers.to_string(),
            witness.silent.to_string(),
            witness.error.clone().unwrap_or_default(),
        ]);
    }
    let mut ages = Table::default();
    ages.row(["age", "answers", "had it", "old", "right"]);
    for age in &report.ages {
        ages.row([
            seconds(age.age_ms),
            age.asked.to_string(),
            age.held.to_string(),
            age.old.to_string(),
            share(age),
        ]);
    }
    writeln!(out, "{witnesses}\n{ages}")?;
    if report.worst_age_ms > 0 {
        writeln!(out, "oldest old version: {}", seconds(report.worst_age_ms))?;
    }
    for violation in &report.violations {
        let end = match (violation.healed, &violation.error) {
            (true, _) => "dropped, and gone",
            (false, None) => "dropped, and STILL THERE",
            (false, Some(error)) => error,
        };
        writeln!(
            out,
            "product {}: {} had version {} {} after version {}: {end}\n  {}",
            violation.key,
            violation.place,
            violation.served,
            seconds(violation.age_ms),
            violation.version,
            violation.trace,
        )?;
    }
    writeln!(out, "{}", verdict.text())?;
    Ok(())
}

fn share(age: &AgeReport) -> String {
    match (age.share, age.nines) {
        (None, _) => "-".to_owned(),
        (Some(_), None) => "all".to_owned(),
        (Some(share), Some(nines)) => format!("{:.4} % ({nines:.1} nines)", share * 100.0),
    }
}

fn seconds(millis: u64) -> String {
    format!("{} s", Duration::from_millis(millis).as_secs_f64())
}
