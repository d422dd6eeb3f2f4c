//! Collects lines into families.

mod openmetrics2;

use std::mem;

use super::{
    check::{Checker, Report, Seen, Violation},
    families::Families,
    labels::{Draft, LabelReader},
    places::{NameEnds, NamePlaces},
    tracker::{is_suffix_of, suffix_in},
};
use crate::{
    Event, Exemplar, ExemplarRef, Limit, Line, MetricFamily, MetricType, ParseError, ParseOptions,
    Parser, Rule, Sample, SampleRef, Suffix, TextFormat,
    error::{Fault, shown},
    parse::NamesBefore,
};

/// Why reading stops.
enum Stop {
    Limit(u64, Limit, usize),
    Rule(Violation),
}

impl Stop {
    fn into_error(self, exposition: &[u8]) -> ParseError {
        let line = match &self {
            Self::Limit(line, ..) => *line,
            Self::Rule(violation) => violation.line,
        };
        let newlines = memchr::memchr_iter(b'\n', exposition);
        let start = match line {
            0 | 1 => 0,
            line => newlines
                .map(|at| at + 1)
                .nth(line as usize - 2)
                .unwrap_or(exposition.len()),
        };
        let fault = match self {
            Self::Limit(_, limit, value) => Fault::limit(start, limit, value),
            Self::Rule(violation) => {
                Fault::new(violation.rule, start + violation.at, violation.message)
            }
        };
        ParseError::new(*fault, exposition, Default::default())
    }
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Rule(violation)
    }
}

/// Collects lines into families.
pub(super) struct Collector {
    options: ParseOptions,
    format: TextFormat,
    families: Vec<MetricFamily>,
    /// Which metadata each family has had.
    metadata: Vec<Metadata>,
    places: NamePlaces,
    name_ends: NameEnds,
    /// The family that is being read.
    current: Option<usize>,
    /// Samples of the family, in memory that is used again for the next one.
    samples: Vec<Sample>,
    /// The suffix of the name of the sample before.
    suffix: Suffix,
    names: NamesBefore,
    draft: Draft,
    labels: LabelReader,
    exemplar_labels: LabelReader,
    checker: Checker,
    report: Report,
}

#[derive(Clone, Copy, Debug, Default)]
struct Metadata {
    has_type: bool,
    has_help: bool,
    has_unit: bool,
}

impl Collector {
    pub(super) fn new(options: &ParseOptions, seen: Seen) -> Self {
        Self {
            options: *options,
            format: options.text_format(),
            families: Vec::new(),
            metadata: Vec::new(),
            places: NamePlaces::default(),
            name_ends: NameEnds::default(),
            current: None,
            samples: Vec::new(),
            suffix: Suffix::None,
            names: NamesBefore::default(),
            draft: Draft::default(),
            labels: LabelReader::default(),
            exemplar_labels: LabelReader::default(),
            checker: Checker::new(options, seen),
            report: Report::new(options.mode()),
        }
    }

    /// Reads all lines of an exposition.
    pub(super) fn read(
        &mut self,
        text: &str,
        options: &ParseOptions,
    ) -> Result<Families, ParseError> {
        let mut parser = Parser::from_text(text, options);
        while let Some(line) = parser.next_line()? {
            let pushed = self.push(line);
            pushed.map_err(|stop| stop.into_error(text.as_bytes()))?;
        }
        let finished = self.finish();
        finished.map_err(|stop| stop.into_error(text.as_bytes()))
    }

    #[inline(always)]
    fn push(&mut self, line: Line<'_, '_>) -> Result<(), Stop> {
        self.report.extend(line.deviations());
        self.report.line = line.number();
        match line.event() {
            Event::Comment(_) | Event::End => Ok(()),
            Event::Help { name, text } => self.push_help(&name.decode(), &text.decode()),
            Event::Sample(sample) => self.push_sample(sample),
            Event::Type { name, kind } => self.push_type(&name.decode(), kind),
            Event::Unit { name, unit } => self.push_unit(&name.decode(), unit),
        }
    }

    /// Returns whether a metric or series may have come twice although a collector like this one took it for new.
    pub(super) fn may_have_repeats(&mut self) -> bool {
        self.checker.may_have_repeats()
    }

    fn finish(&mut self) -> Result<Families, Stop> {
        self.checker.finish(&mut self.report)?;
        self.put_samples();
        self.draft.share();
        let families = mem::take(&mut self.families);
        Ok(Families::new(families, self.report.take_deviations()))
    }

    fn is_openmetrics2(&self) -> bool {
        self.format == TextFormat::OpenMetrics2
    }

    // Metadata. The last of several is kept, as Prometheus and Python do, unless samples were already read with another type.

    fn push_help(&mut self, name: &str, help: &str) -> Result<(), Stop> {
        if self.skips_metadata(name, help) {
            return Ok(());
        }
        let place = self.family_of_metadata(name, "HELP")?;
        if mem::replace(&mut self.metadata[place].has_help, true) {
            let is_same = self.families[place].help() == help;
            self.report_duplicate("HELP", name, is_same)?;
        }
        self.families[place].set_help(help.to_owned());
        Ok(())
    }

    fn push_unit(&mut self, name: &str, unit: &str) -> Result<(), Stop> {
        if self.skips_metadata(name, unit) {
            return Ok(());
        }
        let place = self.family_of_metadata(name, "UNIT")?;
        let is_suffix = name
            .strip_suffix(unit)
            .is_some_and(|start| start.ends_with('_'));
        if !unit.is_empty() && !is_suffix && !self.is_openmetrics2() {
            // Every reference refuses this, so it is not forgiven.
            let (unit, name) = (shown(unit), shown(name));
            let message = format!(
                "the family `{name}` has the unit `{unit}`, but its name does not end in `_{unit}`"
            );
            return Err(Violation {
                rule: Rule::UnitSuffix,
                line: self.report.line,
                at: 0,
                message,
            }
            .into());
        }
        if mem::replace(&mut self.metadata[place].has_unit, true) {
            let is_same = self.families[place].unit() == unit;
            self.report_duplicate("UNIT", name, is_same)?;
        }
        self.families[place].set_unit(unit);
        self.check_unit_allowed(place)
    }

    fn push_type(&mut self, name: &str, kind: MetricType) -> Result<(), Stop> {
        let place = self.family_of_metadata(name, "TYPE")?;
        self.checker.set_type_line(kind);
        if mem::replace(&mut self.metadata[place].has_type, true) {
            let is_same = self.families[place].kind() == kind;
            self.report_duplicate("TYPE", name, is_same)?;
            if self.has_samples(place) {
                return Ok(());
            }
        }
        self.families[place].set_kind(kind);
        self.check_late_type(name, kind)?;
        self.checker.start_family(name, kind, &mut self.report)?;
        if self.is_openmetrics2() {
            self.checker
                .check_name_of_type(name, kind, &mut self.report)?;
        }
        self.check_suffixed_names(place)?;
        self.check_unit_allowed(place)
    }

    fn check_unit_allowed(&mut self, place: usize) -> Result<(), Stop> {
        let family = &self.families[place];
        let has_none = matches!(family.kind(), MetricType::Info | MetricType::StateSet);
        if has_none && !family.unit().is_empty() {
            self.report.broken(Rule::UnitOnInfo, || {
                let (name, kind) = (shown(family.name()), family.kind());
                format!("the {kind} `{name}` has a unit, but a family of this type has none")
            })?;
        }
        Ok(())
    }

    /// Checks that no sample of a histogram or summary of Prometheus text came before its TYPE.
    fn check_late_type(&mut self, name: &str, kind: MetricType) -> Result<(), Stop> {
        if self.format.is_openmetrics() {
            return Ok(());
        }
        for suffix in Suffix::NAMED {
            if !is_suffix_of(self.format, suffix, kind) {
                continue;
            }
            let sample = format!("{name}{suffix}");
            let earlier = self.find(&sample);
            if earlier.is_some_and(|place| !self.metadata[place].has_type) {
                let message = || {
                    let (name, sample) = (shown(name), shown(&sample));
                    format!("`# TYPE {name} {kind}` comes after the sample `{sample}`")
                };
                self.report.broken(Rule::LateMetadata, message)?;
            }
        }
        Ok(())
    }

    fn report_duplicate(&mut self, keyword: &str, name: &str, is_same: bool) -> Result<(), Stop> {
        let message = || {
            let other = if is_same { "the same" } else { "a different" };
            let what = match keyword {
                "HELP" => "text",
                "TYPE" => "type",
                _ => "unit",
            };
            format!(
                "the family `{}` has a second {keyword}, with {other} {what}",
                shown(name)
            )
        };
        Ok(self.report.broken(Rule::DuplicateMetadata, message)?)
    }

    /// Goes to the family that metadata are of.
    fn family_of_metadata(&mut self, name: &str, keyword: &str) -> Result<usize, Stop> {
        // A sample with the names of one before may belong to another family now.
        self.names.forget();
        let Some(place) = self.find(name) else {
            return self.add_family(name);
        };
        let is_openmetrics = self.format.is_openmetrics();
        let has_samples = self.has_samples(place);
        // All reference parsers of Prometheus text accept HELP after the samples.
        if has_samples && (is_openmetrics || keyword == "TYPE") {
            let name = shown(name);
            let message = || format!("`# {keyword} {name}` comes after samples of `{name}`");
            self.report.broken(Rule::LateMetadata, message)?;
        } else if self.current != Some(place) {
            self.report_interleaved(name)?;
        }
        self.go_to(place)?;
        Ok(place)
    }

    // Samples.

    fn push_sample(&mut self, sample: SampleRef<'_, '_>) -> Result<(), Stop> {
        let same_names = self.names.replace(sample);
        if !same_names || self.current.is_none() {
            self.go_to_family_of_sample(sample)?;
            self.checker.forget_names();
        }
        let labels = sample.labels();
        let labels = self.labels.read(labels, same_names, &mut self.draft);
        if self.is_openmetrics2() {
            return self.push_openmetrics2(sample, labels);
        }
        let hashes = self.labels.hashes();
        self.checker
            .check(sample, hashes, self.suffix, &mut self.report)?;
        let mut owned = Sample::new(self.suffix, labels, sample.value());
        if let Some(timestamp) = sample.timestamp() {
            owned = owned.with_timestamp(timestamp);
        }
        if let Some(exemplar) = sample.exemplar() {
            owned = owned.with_exemplar(self.read_exemplar(exemplar));
        }
        self.samples.push(owned);
        Ok(())
    }

    #[inline(always)]
    fn read_exemplar(&mut self, exemplar: ExemplarRef<'_, '_>) -> Exemplar {
        let (labels, draft) = (exemplar.labels(), &mut self.draft);
        let labels = self.exemplar_labels.read(labels, false, draft);
        let owned = Exemplar::new(labels, exemplar.value());
        match exemplar.timestamp() {
            Some(timestamp) => owned.with_timestamp(timestamp),
            None => owned,
        }
    }

    /// Goes to the family of a sample, and remembers the suffix.
    fn go_to_family_of_sample(&mut self, sample: SampleRef<'_, '_>) -> Result<(), Stop> {
        let name = sample.name().decode();
        let format = self.format;
        if format == TextFormat::OpenMetrics2 {
            return self.go_to_family_named(&name);
        }
        let here = self
            .current
            .and_then(|place| Some((place, suffix_in(format, &self.families[place], &name)?)));
        let found = here.or_else(|| Some((self.find(&name)?, Suffix::None)));
        let found = found.or_else(|| self.family_of_suffixed(&name));
        let (place, suffix) = match found {
            Some(found) => found,
            None => (self.add_family(&name)?, Suffix::None),
        };
        if self.current != Some(place) {
            if !self.may_be_of_current(place) {
                let family = self.families[place].name().to_owned();
                self.report_interleaved(&family)?;
            }
            self.go_to(place)?;
        }
        self.suffix = suffix;
        self.check_suffix(place)
    }

    /// Returns whether a family without metadata and the one that is being read may be parts of one histogram or summary,
    /// of which nothing is known.
    fn may_be_of_current(&self, place: usize) -> bool {
        let has_none = |place: usize| {
            let Metadata {
                has_type, has_help, ..
            } = self.metadata[place];
            !has_type && !has_help
        };
        let base = |place: usize| {
            let name = self.families[place].name();
            let suffixes = [Suffix::Bucket, Suffix::Count, Suffix::Sum].iter();
            let mut bases = suffixes.filter_map(|suffix| name.strip_suffix(suffix.as_str()));
            bases.next().unwrap_or(name)
        };
        self.format == TextFormat::Prometheus
            && self.current.is_some_and(|current| {
                has_none(current) && has_none(place) && base(current) == base(place)
            })
    }

    /// Finds a family that came before by the start of a sample's name.
    fn family_of_suffixed(&self, name: &str) -> Option<(usize, Suffix)> {
        Suffix::NAMED.into_iter().find_map(|suffix| {
            let place = self.find(name.strip_suffix(suffix.as_str())?)?;
            let kind = self.families[place].kind();
            is_suffix_of(self.format, suffix, kind).then_some((place, suffix))
        })
    }

    /// Checks that a sample with the bare name of its family may have it.
    fn check_suffix(&mut self, place: usize) -> Result<(), Stop> {
        let family = &self.families[place];
        if self.format == TextFormat::Prometheus || self.suffix.belongs_to(family.kind()) {
            return Ok(());
        }
        let (rule, suffix) = match family.kind() {
            MetricType::Counter => (Rule::CounterSuffix, Suffix::Total),
            MetricType::Info => (Rule::InfoSuffix, Suffix::Info),
            _ => (Rule::HistogramSuffix, Suffix::Bucket),
        };
        let message = || {
            let (name, kind) = (shown(family.name()), family.kind());
            format!("expected `{name}{suffix}` as a sample of the {kind} `{name}`, found `{name}`")
        };
        Ok(self.report.broken(rule, message)?)
    }

    // Families.

    /// Returns the place of a family. Mostly it is the one that is being read.
    fn find(&self, name: &str) -> Option<usize> {
        let is_named = |place: &usize| self.families[*place].name() == name;
        let here = self.current.filter(is_named);
        here.or_else(|| self.places.find(name, &self.families))
    }

    fn add_family(&mut self, name: &str) -> Result<usize, Stop> {
        let limit = self.options.limits().families;
        if self.families.len() >= limit {
            return Err(Stop::Limit(self.report.line, Limit::Families, limit));
        }
        let place = self.families.len();
        self.families
            .push(MetricFamily::new(name, MetricType::Unknown));
        self.metadata.push(Metadata::default());
        self.places.insert(name, place);
        self.go_to(place)?;
        match self.is_openmetrics2() {
            true => self.checker.check_family_name(name, &mut self.report)?,
            false => self.check_bare_name(place)?,
        }
        Ok(place)
    }

    fn go_to(&mut self, place: usize) -> Result<(), Stop> {
        if self.current != Some(place) {
            self.put_samples();
            self.current = Some(place);
            self.checker.set_type_line(MetricType::Unknown);
            let family = &self.families[place];
            self.checker
                .start_family(family.name(), family.kind(), &mut self.report)?;
        }
        Ok(())
    }

    /// Puts the samples into the family that is being read.
    fn put_samples(&mut self) {
        if let Some(place) = self.current {
            self.families[place].append(&mut self.samples);
        }
    }

    fn has_samples(&self, place: usize) -> bool {
        let is_being_read = self.current == Some(place);
        !self.families[place].samples().is_empty() || is_being_read && !self.samples.is_empty()
    }

    fn report_interleaved(&mut self, name: &str) -> Result<(), Stop> {
        let message = || {
            format!(
                "family `{}` is split: other families appear between its lines",
                shown(name)
            )
        };
        Ok(self.report.broken(Rule::InterleavedFamilies, message)?)
    }

    // A sample name can belong to one family only (OpenMetrics 1.0, section MetricFamily). Suffixes start with their only
    // underscore, so two families that share a sample name are one whose own name it is and one that has it with a suffix.

    /// Checks that the name of a new family is not that of samples of another one.
    fn check_bare_name(&mut self, place: usize) -> Result<(), Stop> {
        if self.format == TextFormat::Prometheus {
            return Ok(());
        }
        let Some((suffix, start)) = self.name_ends.insert(self.families[place].name()) else {
            return Ok(());
        };
        match self.places.find(start, &self.families) {
            Some(other) if suffix.belongs_to(self.families[other].kind()) => {
                self.report_clash(other, place, Suffix::None)
            }
            _ => Ok(()),
        }
    }

    /// Checks that no samples of a family, now that its type is known, have the name of another one.
    fn check_suffixed_names(&mut self, place: usize) -> Result<(), Stop> {
        if self.format != TextFormat::OpenMetrics {
            return Ok(());
        }
        for suffix in self.name_ends.of(self.families[place].kind()) {
            let name = format!("{}{suffix}", self.families[place].name());
            if let Some(other) = self.places.find(&name, &self.families) {
                self.report_clash(other, place, suffix)?;
            }
        }
        Ok(())
    }

    fn report_clash(&mut self, first: usize, second: usize, suffix: Suffix) -> Result<(), Stop> {
        let [first, second] = [first, second].map(|place| self.families[place].name());
        let message = || {
            let name = shown(&format!("{second}{suffix}"));
            let (first, second) = (shown(first), shown(second));
            format!("`{name}` can belong to `{first}` and to `{second}`")
        };
        Ok(self.report.broken(Rule::NameClash, message)?)
    }
}
