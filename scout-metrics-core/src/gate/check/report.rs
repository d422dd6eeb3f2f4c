//! Collects the findings of one rule.

use std::sync::Arc;

use crate::gate::{Finding, RuleVerdict, finding::Label, problem::Problem};

#[derive(Debug)]
pub(super) struct Report {
    label: Arc<Label>,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(label: Label) -> Self {
        Self {
            label: Arc::new(label),
            findings: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.findings.push(Finding {
            rule: Arc::clone(&self.label),
            problem,
        });
    }

    pub(super) fn extend(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            self.push(problem);
        }
    }

    pub(super) fn finish(self) -> (RuleVerdict, Vec<Finding>) {
        let verdict = RuleVerdict::new(self.label, &self.findings);
        (verdict, self.findings)
    }
}
