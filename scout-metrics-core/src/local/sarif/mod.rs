//! The vulnerabilities in a SARIF report.

mod log;
mod scanner;
mod severity;

use std::collections::HashMap;

pub(super) use self::{log::Log, severity::Rating};
use self::{
    log::{Component, Finding, Rule, Run},
    scanner::Scanner,
};
use crate::text::quoted;

/// The maximum number of packages that the results of a report name together. A short report can have a rule with many
/// packages and as many results of this rule.
const MAX_PACKAGES: usize = 1_000_000;

/// The vulnerabilities of an image.
#[derive(Debug, Default)]
pub(super) struct Vulnerabilities {
    /// The rating of each vulnerability in each package.
    by_package: HashMap<(String, String), Rating>,
    /// The ratings of vulnerabilities whose identifiers or packages are not known, one for each result.
    others: Vec<Rating>,
    /// How many packages the results have named, repetitions included.
    named: usize,
    /// Why the numbers may be wrong.
    pub(super) doubts: Vec<String>,
}

impl Vulnerabilities {
    /// Finds the vulnerabilities of a report.
    ///
    /// # Errors
    ///
    /// Says why the report is not the result of a scan.
    pub(super) fn of(log: &Log) -> Result<Self, String> {
        if !log.version.starts_with("2.1.") {
            let version = quoted(&log.version);
            return Err(format!("the SARIF version is {version}, expected 2.1.0"));
        }
        if log.runs.is_empty() {
            return Err("the report has no runs, so nothing was scanned".to_owned());
        }
        let mut found = Self::default();
        for run in &log.runs {
            found.add_run(run)?;
        }
        found.doubt_missing();
        Ok(found)
    }

    pub(super) fn ratings(&self) -> impl Iterator<Item = &Rating> {
        self.by_package.values().chain(&self.others)
    }

    fn add_run(&mut self, run: &Run) -> Result<(), String> {
        let driver = &run.tool.driver;
        let name = quoted(&driver.name);
        let invocations = run.invocations.as_deref().unwrap_or_default();
        if invocations
            .iter()
            .any(|one| one.execution_successful == Some(false))
        {
            return Err(format!("the run of {name} says that it failed"));
        }
        let scanner = Scanner::of(&driver.name);
        let rules = driver.rules.as_deref().unwrap_or_default();
        let results = run.results.as_deref().unwrap_or_default();
        if results.is_empty() && !rules.is_empty() && scanner.lists_found_rules() {
            // Docker Scout 0.24 writes such reports.
            let count = rules.len();
            self.doubts.push(format!(
                "the report of {name} has {count} rules and no results, so the rules are counted"
            ));
            return self.add_rules(scanner, rules);
        }
        if run.results.is_none() {
            // SARIF, section 3.14.23: results are absent if there was no scan, and null if it failed.
            return Err(format!("the run of {name} has no results, not even none"));
        }
        self.add_results(scanner, &RuleIndex::new(run), results)
    }

    fn add_results(
        &mut self,
        scanner: Scanner,
        rules: &RuleIndex<'_>,
        results: &[Finding],
    ) -> Result<(), String> {
        for result in results.iter().filter(|result| result.is_open()) {
            let rule = rules.of(result);
            let properties = rule.map(|rule| &rule.properties);
            if !properties.is_none_or(|properties| scanner.is_vulnerability(properties)) {
                continue;
            }
            let rating = scanner
                .rating(result)
                .or_else(|| Rating::of(&result.properties))
                .or_else(|| Rating::of(properties?));
            let id = rule.map_or(result.rule_id(), |rule| &rule.id);
            let packages = scanner.packages(result, properties);
            self.add(id, packages, rating.unwrap_or(Rating::Missing))?;
        }
        Ok(())
    }

    fn add_rules(&mut self, scanner: Scanner, rules: &[Rule]) -> Result<(), String> {
        for rule in rules {
            let properties = &rule.properties;
            if scanner.is_vulnerability(properties) {
                let packages = properties.packages().map(str::to_owned).collect();
                let rating = Rating::of(properties).unwrap_or(Rating::Missing);
                self.add(&rule.id, packages, rating)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, id: &str, packages: Vec<String>, rating: Rating) -> Result<(), String> {
        if id.is_empty() || packages.is_empty() {
            self.others.push(rating);
            return Ok(());
        }
        self.named += packages.len();
        if self.named > MAX_PACKAGES {
            return Err(format!(
                "the results name more than {MAX_PACKAGES} packages, repetitions included"
            ));
        }
        for package in packages {
            let key = (id.to_owned(), package);
            let known = self.by_package.entry(key).or_insert(Rating::Missing);
            if *known < rating {
                known.clone_from(&rating);
            }
        }
        Ok(())
    }

    fn doubt_missing(&mut self) {
        let is_missing = |rating: &&Rating| **rating == Rating::Missing;
        let count = self.ratings().filter(is_missing).count();
        if count > 0 {
            self.doubts.push(format!(
                "the report does not say how severe {count} of its vulnerabilities are"
            ));
        }
    }
}

/// The rules of a run, by their places and by their identifiers, of which each has its worst rule.
struct RuleIndex<'a> {
    of_driver: &'a [Rule],
    by_id: HashMap<&'a str, &'a Rule>,
}

impl<'a> RuleIndex<'a> {
    fn new(run: &'a Run) -> Self {
        let rules = |component: &'a Component| component.rules.as_deref().unwrap_or_default();
        let of_driver = rules(&run.tool.driver);
        let extensions = run.tool.extensions.as_deref().unwrap_or_default();
        let mut by_id = HashMap::new();
        for rule in of_driver.iter().chain(extensions.iter().flat_map(rules)) {
            let known = by_id.entry(rule.id.as_str()).or_insert(rule);
            if Rating::of(&known.properties) < Rating::of(&rule.properties) {
                *known = rule;
            }
        }
        Self { of_driver, by_id }
    }

    /// Returns the rule of a result. An index of a rule with another identifier is one into the rules of an extension.
    fn of(&self, result: &Finding) -> Option<&'a Rule> {
        let id = result.rule_id();
        let indexed = result
            .rule_index()
            .and_then(|index| self.of_driver.get(index));
        let indexed = indexed.filter(|rule| id.is_empty() || is_rule(id, &rule.id));
        indexed.or_else(|| self.by_id.get(id).copied())
    }
}

/// Returns whether an identifier is that of a rule or of a part of it, such as `CA1000/1` (SARIF, section 3.27.5).
fn is_rule(id: &str, rule: &str) -> bool {
    let rest = id.strip_prefix(rule);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
