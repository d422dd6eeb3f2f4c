//! `scout report --format html`.

use std::{error::Error, time::Duration};

use clap::Args;

use scout_metrics_core::Comparison;
use scout_metrics_examples::{terminal, time::parse_days};
use scout_metrics_http::html::Report;

use crate::{
    baseline::{Baseline, BaselineHistory},
    diff::Baselines,
    input::Input,
    past::Past,
    status::{Status, Usage},
};

/// Options of the report for people.
#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct Options {
    /// With --format html: file with an earlier snapshot to compare with, or how long ago it is in a history, such as 7d
    #[arg(long, value_name = "FILE|TIME")]
    baseline: Option<Baseline>,

    #[command(flatten)]
    baseline_history: BaselineHistory,

    /// With --format html and --history: how far the trends look back
    #[arg(long, value_name = "TIME", value_parser = parse_days, default_value = "90d")]
    lookback: Duration,

    /// With --format html: the title of the report
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

impl Options {
    /// Refuses options that another format ignores.
    pub(crate) fn check_unused(&self) -> Result<(), Usage> {
        let unused = if self.baseline.is_some() {
            "--baseline"
        } else if self.title.is_some() {
            "--title"
        } else {
            return Ok(());
        };
        Err(Usage(format!("{unused} requires --format html")))
    }

    /// Returns the report, with the organizations that could not be fetched.
    pub(crate) async fn report(&self, input: &Input) -> Result<(Report, Status), Box<dyn Error>> {
        let report = match &self.title {
            Some(title) => Report::new().with_title(title),
            None => Report::new(),
        };
        match (&self.baseline, input.history()) {
            (Some(baseline), _) => self.compare(report, input, baseline).await,
            (None, Some(history)) => self.look_back(report, input, history).await,
            (None, None) => {
                let mut status = Status::Done;
                let mut report = report;
                for (organization, answer) in input.answers().await? {
                    report = match answer {
                        Ok(snapshot) => report.with_snapshot(snapshot),
                        Err(error) => {
                            terminal::complain(&error);
                            status = Status::Incomplete;
                            report.with_failure(organization, &error)
                        }
                    };
                }
                Ok((report, status))
            }
        }
    }

    /// Adds the organizations and what has changed. Without an earlier snapshot an organization is as it is.
    async fn compare(
        &self,
        mut report: Report,
        input: &Input,
        baseline: &Baseline,
    ) -> Result<(Report, Status), Box<dyn Error>> {
        let past = self.baseline_history.past(input);
        baseline.check(past)?;
        let history = match past {
            Some(past) => Some(past.open().await?),
            None => None,
        };
        let answers = input.answers().await?;
        let baselines = Baselines::new(baseline, input.file_format(), &answers, history)?;
        let mut status = Status::Done;
        for (organization, answer) in &answers {
            let after = match answer {
                Ok(snapshot) => snapshot,
                Err(error) => {
                    terminal::complain(error);
                    status = Status::Incomplete;
                    report = report.with_failure(organization.clone(), error);
                    continue;
                }
            };
            report = match baselines.before(after).await {
                Ok(before) => report.with_comparison(&Comparison::new(before, after.clone())),
                Err(error) => {
                    terminal::complain(error.as_ref());
                    status = Status::Incomplete;
                    report.with_snapshot(after.clone())
                }
            };
        }
        Ok((report, status))
    }

    /// Adds the organizations of a history with their trends.
    async fn look_back(
        &self,
        mut report: Report,
        input: &Input,
        past: Past<'_>,
    ) -> Result<(Report, Status), Box<dyn Error>> {
        let history = past.open().await?;
        let mut status = Status::Done;
        let answers = input.answers().await?;
        for (organization, _) in answers {
            let reading = report.add_history(&history, &organization, self.lookback);
            if let Err(error) = terminal::waiting_for("reading the history", reading).await {
                terminal::complain(&error);
                status = Status::Incomplete;
                report = report.with_failure(organization, &error);
            }
        }
        Ok((report, status))
    }
}
