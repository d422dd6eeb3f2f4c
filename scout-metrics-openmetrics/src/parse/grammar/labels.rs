//! Labels in braces.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;
use hashbrown::{HashTable, hash_table::Entry};

use super::{
    super::{
        options::Mode,
        parts::{LabelList, LabelSpan, Span},
    },
    Result, Scanner, is_space,
};
use crate::{
    Limit, Rule, TextFormat,
    error::{Fault, shown},
    find::NameOf,
    names::is_reserved_label,
};

impl Scanner<'_, '_> {
    /// Reads `{name="value",...}`, and a quoted metric name among them where one is allowed.
    pub(super) fn read_labels(
        &mut self,
        labels: &mut LabelList,
        name: Option<&mut Option<Span>>,
    ) -> Result<()> {
        let first = labels.len();
        self.read_label_set(labels, name)?;
        self.check_label_names(&labels[first..])
    }

    /// The same without looking for names that occur twice.
    pub(super) fn read_label_set(
        &mut self,
        labels: &mut LabelList,
        mut name: Option<&mut Option<Span>>,
    ) -> Result<()> {
        let first = labels.len();
        let mut count = 0;
        self.at += 1;
        self.skip_leading_comma()?;
        loop {
            self.skip_label_blanks()?;
            if self.peek() == Some(b'}') {
                if count > 0 && self.format().is_openmetrics() {
                    self.forgive(Rule::LabelSyntax, "expected a label after ',', found '}'")?;
                }
                break;
            }
            if let Some(label) = self.read_label(name.as_deref_mut(), count == 0)? {
                self.check_label_count(labels.len() - first)?;
                labels.push(label);
            }
            count += 1;
            self.skip_label_blanks()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(byte) if self.may_start_label(byte) => {
                    let found = char::from(byte);
                    let message = format!("expected ',' or '}}' after a label, found {found:?}");
                    self.add_forgiven(Rule::LabelSyntax, self.at, message);
                }
                _ => return Err(self.expected(Rule::LabelSyntax, "',' or '}' after a label")),
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Prometheus accepts labels of its text format without a comma between them, which is forgiven.
    fn may_start_label(&self, byte: u8) -> bool {
        let is_forgiving =
            self.format() == TextFormat::Prometheus && self.options.mode() == Mode::Lenient;
        let is_part = NameOf::Label.has(byte);
        is_forgiving && (byte == b'"' || is_part && !byte.is_ascii_digit())
    }

    /// Skips blanks within braces. OpenMetrics has none there; the Python parser of OpenMetrics 1.0 accepts them, and its
    /// encoder writes one after each comma.
    #[inline]
    fn skip_label_blanks(&mut self) -> Result<()> {
        if self.is_at_word() {
            return Ok(());
        }
        self.skip_blanks_among_labels()
    }

    fn skip_blanks_among_labels(&mut self) -> Result<()> {
        if self.format() == TextFormat::Prometheus {
            return self.skip_space().map(drop);
        }
        let rest = &self.text[self.at..self.end];
        let word = rest.trim_start_matches(is_space);
        if word.len() < rest.len() {
            self.forgive_as_python(
                Rule::Blanks,
                "expected no blank among the labels, found one",
            )?;
            self.at += rest.len() - word.len();
        }
        Ok(())
    }

    /// Skips a comma before the first label of Prometheus text, which the Python parser accepts.
    fn skip_leading_comma(&mut self) -> Result<()> {
        if self.format().is_openmetrics() {
            return Ok(());
        }
        self.skip_space()?;
        if self.peek() == Some(b',') {
            self.forgive(Rule::LabelSyntax, "expected a label name or '}', found ','")?;
            self.at += 1;
        }
        Ok(())
    }

    /// Reads a label, or the quoted metric name, which is put into `metric` and gives `None`. In OpenMetrics 2.0, the name
    /// comes first.
    fn read_label(
        &mut self,
        metric: Option<&mut Option<Span>>,
        is_first: bool,
    ) -> Result<Option<LabelSpan>> {
        let start = self.at;
        let is_quoted = self.peek() == Some(b'"');
        let name = if is_quoted {
            self.read_quoted_name()?
        } else {
            self.read_label_name()?
        };
        self.skip_label_blanks()?;
        if self.peek() == Some(b'=') {
            self.at += 1;
            return self.read_label_value(name).map(Some);
        }
        match metric {
            Some(None) if is_quoted && !is_first && self.format() == TextFormat::OpenMetrics2 => {
                self.at = start;
                let message = "expected the metric name before all labels, found it after a label";
                Err(self.fault(Rule::SampleSyntax, message))
            }
            Some(metric @ None) if is_quoted => {
                *metric = Some(name);
                Ok(None)
            }
            Some(Some(_)) if is_quoted => {
                self.at = start;
                Err(self.fault(Rule::SampleSyntax, "found a second metric name"))
            }
            _ => Err(self.no_equals_sign(start, name)),
        }
    }

    /// Reads a label's name without quotes. The Python parser, which does not know OpenMetrics 2.0, accepts colons in it.
    fn read_label_name(&mut self) -> Result<Span> {
        let start = self.at;
        let colon = start + NameOf::Label.length(&self.bytes[start..]);
        if self.bytes.get(colon) == Some(&b':') && !self.bytes[start].is_ascii_digit() {
            let end = colon + NameOf::Metric.length(&self.bytes[colon..]);
            let is_end = |c: char| c == '=' || is_space(c);
            let is_known = self.format() != TextFormat::OpenMetrics2;
            if is_known && self.text[end..self.end].starts_with(is_end) {
                self.at = colon;
                let name = shown(&self.text[start..end]);
                let message = format!("the label name {name:?} contains a colon");
                self.forgive(Rule::LabelName, message)?;
                self.at = end;
                return self.bounded_name(start);
            }
        }
        if !self.is_at_label_name() {
            return Err(match self.odd_label_name() {
                Some(message) => self.fault(Rule::LabelName, message),
                None => self.expected(Rule::LabelName, "a label name or '}'"),
            });
        }
        self.take_name(NameOf::Label);
        self.bounded_name(start)
    }

    fn is_at_label_name(&self) -> bool {
        let is_start = |byte: u8| NameOf::Label.has(byte) && !byte.is_ascii_digit();
        self.peek().is_some_and(is_start)
    }

    /// The fault of a label without a value, of which the name starts at `start`.
    fn no_equals_sign(&mut self, start: usize, name: Span) -> Box<Fault> {
        let name = shown(self.text_of(name).raw());
        let what = format!("'=' after the label name {name:?}");
        let expected = match self.peek() {
            Some(b'"') => self.fault(
                Rule::LabelSyntax,
                format!("expected {what}, found '\"'; a quote inside of a value is written `\\\"`"),
            ),
            _ => self.expected(Rule::LabelSyntax, what),
        };
        let after_name = std::mem::replace(&mut self.at, start);
        let fault = match self.odd_label_name() {
            Some(message) => self.fault(Rule::LabelName, message),
            None => expected,
        };
        self.at = after_name;
        fault
    }

    /// Says what is wrong with the word that is next, if it is the name of a label and should be in quotes.
    fn odd_label_name(&self) -> Option<String> {
        let rest = &self.text[self.at..self.end];
        let length = rest.find(|c| matches!(c, '=' | '"' | ',' | '{' | '}') || is_space(c))?;
        let name = &rest[..length];
        let is_label = rest[length..].trim_start().starts_with('=');
        if name.is_empty() || !is_label || NameOf::Label.is(name) {
            return None;
        }
        let quoted = match self.options.quoted_names() {
            true => ", so it has to be in quotes",
            false => "",
        };
        let name = shown(name);
        Some(format!(
            "the label name {name:?} is not of the form `[a-zA-Z_][a-zA-Z0-9_]*`{quoted}"
        ))
    }

    #[inline]
    fn read_label_value(&mut self, name: Span) -> Result<LabelSpan> {
        self.skip_label_blanks()?;
        if self.peek() != Some(b'"') {
            return Err(self.expected(Rule::LabelSyntax, "the value of the label in double quotes"));
        }
        let value = self.read_quoted(self.options.limits().value_length)?;
        Ok(LabelSpan::new(name, value))
    }

    /// Skips blanks between a name and the labels, which the Python parser accepts.
    pub(super) fn forgive_blank_before_labels(&mut self) -> Result<()> {
        if self.format() == TextFormat::OpenMetrics2 {
            // A composite value follows.
            return Ok(());
        }
        let rest = &self.text[self.at..self.end];
        let labels = rest.trim_start_matches([' ', '\t']);
        if labels.starts_with("{count:") || labels.starts_with("{gcount:") {
            let message =
                "found a histogram or summary as one value, which only OpenMetrics 2.0 has";
            return Err(self.fault(Rule::SampleSyntax, message));
        }
        if labels.len() < rest.len() && labels.starts_with('{') {
            self.forgive(
                Rule::Blanks,
                "expected no blank before the labels, found one",
            )?;
            self.skip_blanks();
        }
        Ok(())
    }

    /// Looks for the label `__name__`, which Prometheus' own parser does not treat specially and the Python parser accepts
    /// in place of a name.
    pub(super) fn check_reserved_label(
        &mut self,
        labels: &mut LabelList,
        name: &mut Option<Span>,
    ) -> Result<()> {
        if self.format() == TextFormat::OpenMetrics2 {
            return match self.find_reserved(labels) {
                Some((at, message)) => self.forgive_at(Rule::ReservedLabel, at, message),
                None => Ok(()),
            };
        }
        let is_reserved = |label: &LabelSpan| self.text_of(label.name()).raw() == "__name__";
        let Some(place) = labels.iter().position(is_reserved) else {
            return Ok(());
        };
        let start = labels[place].name().start as usize;
        let after = std::mem::replace(&mut self.at, self.start + start);
        self.forgive(
            Rule::ReservedLabel,
            "found the label `__name__`, which is the name of the metric",
        )?;
        self.at = after;
        let value = labels[place].value();
        if name.is_none() && value.start < value.end {
            let at = |place: u32| self.start + place as usize;
            self.check_name_length(at(value.start), at(value.end))?;
            labels.remove(place);
            *name = Some(value);
        }
        Ok(())
    }

    /// Finds a label of OpenMetrics 2.0 whose name is reserved. Returns its place and what is wrong with it.
    pub(super) fn find_reserved(&self, labels: &[LabelSpan]) -> Option<(usize, String)> {
        labels.iter().find_map(|label| {
            let name = self.text_of(label.name()).raw();
            let is_reserved = is_reserved_label(name);
            let message = || {
                let name = shown(name);
                format!("the label name {name:?} starts with an underscore, so it is reserved")
            };
            is_reserved.then(|| (self.start + label.name_start as usize, message()))
        })
    }

    fn check_label_count(&self, before: usize) -> Result<()> {
        let limit = self.options.limits().labels;
        if before >= limit {
            return Err(Fault::limit(self.at, Limit::Labels, limit));
        }
        Ok(())
    }

    fn check_label_names(&mut self, labels: &[LabelSpan]) -> Result<()> {
        match self.find_repeated(labels) {
            Some((at, message)) => self.forgive_at(Rule::DuplicateLabel, at, message),
            None => Ok(()),
        }
    }

    /// Finds a label with the name of another one. Returns its place and what is wrong with it.
    pub(super) fn find_repeated(&self, labels: &[LabelSpan]) -> Option<(usize, String)> {
        let duplicate = self.find_duplicate(labels)?;
        let name = shown(self.text_of(duplicate.name()).raw());
        let message = format!("the label name {name:?} occurs twice");
        Some((self.start + duplicate.name_start as usize, message))
    }

    fn find_duplicate(&self, labels: &[LabelSpan]) -> Option<LabelSpan> {
        // Comparing all pairs is quickest for the few labels that a sample has, and quadratic.
        const FEW: usize = 12;
        let name = |label: &LabelSpan| self.text_of(label.name()).decode();
        if labels.len() > FEW {
            return self.find_duplicate_of_many(labels);
        }
        let mut rest = labels;
        while let Some((label, before)) = rest.split_last() {
            if before.iter().any(|other| name(other) == name(label)) {
                return Some(*label);
            }
            rest = before;
        }
        None
    }

    fn find_duplicate_of_many(&self, labels: &[LabelSpan]) -> Option<LabelSpan> {
        let hasher = RandomState::default();
        let name = |label: &LabelSpan| self.text_of(label.name()).decode();
        // Places and not names, because a small table stays in the cache of the processor.
        let mut seen = HashTable::with_capacity(labels.len());
        (0u32..).zip(labels).find_map(|(place, label)| {
            let name_of = |place: &u32| name(&labels[*place as usize]);
            let own = name(label);
            let is_same = |other: &u32| name_of(other) == own;
            match seen.entry(hasher.hash_one(&own), is_same, |other| {
                hasher.hash_one(name_of(other))
            }) {
                Entry::Occupied(_) => Some(*label),
                Entry::Vacant(vacant) => {
                    vacant.insert(place);
                    None
                }
            }
        })
    }
}
