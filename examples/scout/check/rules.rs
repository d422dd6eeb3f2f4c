//! Rules from options and from a file.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use clap::Args;

use scout_metrics_core::{
    AnomalyKind, Severity, StreamName,
    gate::{Baseline as GateBaseline, Gate, Rule},
};
use scout_metrics_examples::{severity, terminal::printable, time::parse_days};

use scout_metrics_openmetrics::Rule as FormatRule;

use crate::{
    baseline::{Baseline, BaselineHistory},
    input::{Answers, Input},
    past::Past,
    status::Usage,
};

/// The greatest age of the snapshots of a history unless another is given. Docker Scout updates its metrics once an hour,
/// so whoever records them has stopped.
const MAX_AGE_IN_HISTORY: Duration = Duration::from_secs(25 * 3600);

#[derive(Args, Debug)]
#[group(skip)]
#[command(next_help_heading = "Rules")]
pub(super) struct RuleArguments {
    /// Violated if a stream has a vulnerability of this severity or a worse one
    #[arg(long, value_name = "SEVERITY", value_parser = severity::parse)]
    fail_on: Option<Severity>,

    /// Violated if less than this part of a stream's images complies with a policy, such as 0.9
    #[arg(long, value_name = "RATIO", value_parser = parse_ratio)]
    min_compliance: Option<f64>,

    /// Violated if a stream has more vulnerabilities or violations than in this file, or this long ago in a history, such as 7d
    #[arg(long, value_name = "FILE|TIME")]
    baseline: Option<Baseline>,

    #[command(flatten)]
    baseline_history: BaselineHistory,

    /// Could not tell if a snapshot is older, such as 2h [default: 25h with --history and --prometheus]
    #[arg(long, value_name = "TIME", value_parser = parse_days)]
    max_age: Option<Duration>,

    /// TOML file with rules
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,

    /// Stream that the options --fail-on, --min-compliance and --baseline are about; repeatable [default: every stream]
    #[arg(long = "env", value_name = "STREAM", value_delimiter = ',')]
    streams: Vec<StreamName>,

    /// Kind of anomalies that these three options ignore, as a finding shows it in parentheses; repeatable
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    allow_anomalies: Vec<Ignored>,
}

impl RuleArguments {
    /// Returns the file with rules.
    pub(super) fn file(&self) -> Option<&PathBuf> {
        self.rules.as_ref()
    }

    /// Returns the history that has the baselines.
    pub(super) fn history<'a>(&'a self, input: &'a Input) -> Option<Past<'a>> {
        self.baseline_history.past(input)
    }

    /// Checks what clap cannot check.
    pub(super) fn check(&self, input: &Input) -> Result<(), Usage> {
        let is_about_streams =
            self.fail_on.is_some() || self.min_compliance.is_some() || self.baseline.is_some();
        let is_any = is_about_streams || self.max_age.is_some() || self.rules.is_some();
        if !is_any {
            let fault =
                "no rule given: give --fail-on, --min-compliance, --baseline, --max-age or --rules";
            return Err(Usage(fault.to_owned()));
        }
        for (option, is_given) in [
            ("--env", !self.streams.is_empty()),
            ("--allow-anomalies", !self.allow_anomalies.is_empty()),
        ] {
            if is_given && !is_about_streams {
                let options = "--fail-on, --min-compliance or --baseline";
                return Err(Usage(format!("{option} requires {options}")));
            }
        }
        if let Some(baseline) = &self.baseline {
            baseline.check(self.history(input))?;
        }
        Ok(())
    }

    /// Returns the gate.
    pub(super) fn gate(&self, input: &Input, answers: &Answers) -> Result<Gate, Box<dyn Error>> {
        let mut rules = match &self.rules {
            Some(path) => read(path)?.rules().to_vec(),
            None => Vec::new(),
        };
        let max_age = match (self.max_age, input.history()) {
            (None, Some(_)) => Some(MAX_AGE_IN_HISTORY),
            (max_age, _) => max_age,
        };
        rules.extend(max_age.map(Rule::max_age));
        let fail_on = self.fail_on.map(|severity| Rule::max_at_least(severity, 0));
        let min_compliance = self.min_compliance.map(Rule::min_compliance);
        let baseline = match &self.baseline {
            None => None,
            Some(Baseline::Ago(time)) => Some(Rule::no_worse_than(GateBaseline::ago(*time))),
            Some(Baseline::File(path)) => {
                let snapshot = Baseline::read(path, input.file_format(), answers)?;
                Some(Rule::no_worse_than(snapshot))
            }
        };
        let of_options = [fail_on, min_compliance, baseline].into_iter().flatten();
        rules.extend(of_options.map(|rule| self.limited(rule)));
        Ok(Gate::new(rules)?)
    }

    /// Returns the rule of an option, with the options that apply to each of them.
    fn limited(&self, rule: Rule) -> Rule {
        let ignored = self.allow_anomalies.iter();
        let rule = ignored.fold(rule, |rule, ignored| match ignored {
            Ignored::Deviation(name) => rule.with_deviation_allowed(*name),
            Ignored::Kind(kind) => rule.with_anomaly_allowed(*kind),
        });
        match self.streams.as_slice() {
            [] => rule,
            streams => rule.with_streams(streams.iter().cloned()),
        }
    }
}

fn parse_ratio(text: &str) -> Result<f64, &'static str> {
    let ratio = text.parse().ok();
    ratio
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or("expected a number from 0 to 1, such as 0.9")
}

/// Anomalies that a rule ignores.
#[derive(Clone, Copy, Debug)]
enum Ignored {
    /// A broken rule of the format, by its name.
    Deviation(&'static str),
    Kind(AnomalyKind),
}

impl FromStr for Ignored {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("deviation/") {
            let mut names = FormatRule::ALL.iter().map(|rule| rule.id());
            let known = names.find(|known| *known == name).map(Self::Deviation);
            return known.ok_or_else(|| format!("no format has a rule `{name}`"));
        }
        let mut kinds = AnomalyKind::ALL.iter();
        let found = kinds.find(|kind| kind.as_str() == text);
        found.copied().map(Self::Kind).ok_or_else(|| {
            let names = AnomalyKind::ALL.iter().map(|kind| kind.as_str());
            let names: Vec<&str> = names.collect();
            format!("expected deviation/RULE or one of {}", names.join(", "))
        })
    }
}

fn read(path: &Path) -> Result<Gate, Box<dyn Error>> {
    let name = printable(&path.to_string_lossy());
    let text = fs::read_to_string(path)
        .map_err(|error| format!("cannot read the rules `{name}`: {error}"))?;
    let gate = Gate::from_toml(&text);
    Ok(gate.map_err(|error| format!("invalid rules in `{name}`: {}", error.chain()))?)
}
