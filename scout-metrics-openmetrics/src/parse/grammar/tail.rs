//! The end of a sample of OpenMetrics 2.0: a number or a composite value, two timestamps, and exemplars.

use memchr::memmem;

use super::{
    super::parts::{ExemplarParts, LabelList, Parts},
    Result, Scanner,
};
use crate::{Rule, error::Fault, number};

const START: &str = "st@";

impl Scanner<'_, '_> {
    pub(super) fn read_openmetrics2_tail(&mut self, parts: &mut Parts) -> Result<()> {
        const RULE: Rule = Rule::SampleSyntax;
        parts.value = match self.peek() {
            Some(b'{') => self.read_composite(&mut parts.composite)?,
            _ => self.read_value()?,
        };
        let mut goes_on = self.skip_to_optional(RULE)?;
        if goes_on && self.peek() != Some(b'#') && !self.is_at_start_timestamp() {
            parts.timestamp = Some(self.read_seconds()?);
            goes_on = self.skip_to_optional(RULE)?;
        }
        if goes_on && self.is_at_start_timestamp() {
            self.at += START.len();
            parts.start = Some(self.read_seconds()?);
            goes_on = self.skip_to_optional(RULE)?;
        }
        match self.peek() {
            Some(b'#') => self.read_exemplars(parts),
            Some(_) if goes_on => Err(self.odd_word(parts)),
            _ => Ok(()),
        }
    }

    fn is_at_start_timestamp(&self) -> bool {
        self.text[self.at..self.end].starts_with(START)
    }

    /// The fault of a word where an exemplar could be.
    fn odd_word(&self, parts: &Parts) -> Box<Fault> {
        let word = self.text[self.at..self.end].split(' ').next();
        let is_timestamp = number::parse_seconds(word.unwrap_or_default()).is_ok();
        if is_timestamp && parts.timestamp.is_none() {
            let message = "expected the timestamp before the start timestamp, found it after that";
            return self.fault(Rule::SampleSyntax, message);
        }
        self.found(Rule::SampleSyntax, "expected '#' and an exemplar")
    }

    /// Reads the exemplars of a line, the first of which is next. An exemplar that is not as it has to be is left out.
    ///
    /// Nothing is looked at twice: after a bad exemplar, reading goes on after what was understood of it.
    fn read_exemplars(&mut self, parts: &mut Parts) -> Result<()> {
        let mut has_bad = false;
        loop {
            let first = parts.labels.len();
            let forgiven = self.forgiven.len();
            let next = match self.read_timed_exemplar(&mut parts.labels) {
                Ok(exemplar) => {
                    if self.is_exemplar_kept(&mut parts.labels, first) {
                        parts.push_exemplar(exemplar);
                    }
                    self.peek().map(|_| self.at)
                }
                Err(fault) if fault.is_limit() => return Err(fault),
                Err(fault) if fault.breaks(Rule::SampleSyntax) && !has_bad => return Err(fault),
                Err(fault) => {
                    has_bad = true;
                    parts.labels.truncate(first);
                    self.forgiven.truncate(forgiven);
                    self.add_dropped(Rule::ExemplarSyntax, fault.at(), fault.message());
                    self.find_exemplar(self.at.max(fault.at()))
                }
            };
            let Some(blank) = next else {
                self.at = self.end;
                return Ok(());
            };
            self.at = blank + 1;
        }
    }

    /// Reads an exemplar with the timestamp that it needs.
    fn read_timed_exemplar(&mut self, labels: &mut LabelList) -> Result<ExemplarParts> {
        const RULE: Rule = Rule::ExemplarSyntax;
        self.at += 1;
        self.skip_one_blank(RULE, "a blank")?;
        if self.peek() != Some(b'{') {
            return Err(self.expected(RULE, "'{' and the labels of the exemplar"));
        }
        self.read_label_set(labels, None)?;
        self.skip_one_blank(RULE, "a blank and the value of the exemplar")?;
        let value = self.read_value()?.text;
        self.skip_one_blank(RULE, "a blank and the timestamp of the exemplar")?;
        let start = self.at;
        self.read_seconds()?;
        let timestamp = Some(self.span(start, self.at, false));
        let rest = &self.text[self.at..self.end];
        if rest.starts_with(" st@") {
            // The exemplar is good. What is wrong is the place of something else.
            self.at += 1;
            let message = "expected the start timestamp before the exemplars, found it after them";
            return Err(self.fault(Rule::SampleSyntax, message));
        }
        if !rest.is_empty() && !rest.starts_with(" #") {
            return Err(self.expected(RULE, "the end of the line or another exemplar"));
        }
        Ok(ExemplarParts {
            labels_end: labels.len() as u32,
            value,
            timestamp,
        })
    }

    /// Returns whether an exemplar has good labels. If not, they are removed.
    fn is_exemplar_kept(&mut self, labels: &mut LabelList, first: usize) -> bool {
        if let Some((at, message)) = self.find_repeated(&labels[first..]) {
            self.add_dropped(Rule::DuplicateLabel, at, &message);
            labels.truncate(first);
            return false;
        }
        let Some((at, message)) = self.find_reserved(&labels[first..]) else {
            return true;
        };
        if self
            .forgive_at(Rule::ReservedLabel, at, message.clone())
            .is_err()
        {
            self.add_dropped(Rule::ReservedLabel, at, &message);
            labels.truncate(first);
            return false;
        }
        true
    }

    /// Records that an exemplar is left out. That is a deviation in both modes.
    fn add_dropped(&mut self, rule: Rule, at: usize, message: &str) {
        self.add_forgiven(rule, at, format!("an exemplar is left out: {message}"));
    }

    /// Returns where the next exemplar starts, with its blank, after a place up to which a bad one was understood.
    fn find_exemplar(&self, from: usize) -> Option<usize> {
        // The blank may belong to what was understood.
        let from = from - 1;
        let length = memmem::find(&self.bytes[from..self.end], b" # ")?;
        Some(from + length)
    }
}
