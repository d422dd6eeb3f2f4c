//! Composite values of OpenMetrics 2.0: what is wrong with one, and what Prometheus accepts all the same.
//!
//! Prometheus splits a value at its commas, so it accepts fields in any order, empty fields, blanks around all parts, and
//! numbers as Go reads them.

use super::{
    super::{
        composite::{CompositeKind, CompositeParts, SideParts, read_composite},
        parts::{Number, NumberKind},
    },
    Result, Scanner, is_space,
};
use crate::{
    Rule,
    error::{Fault, shown},
    number::{self, NumberFault},
};

const RULE: Rule = Rule::CompositeSyntax;
const NO_INFINITE: &str = "expected a last bucket `+Inf`, found none";

/// A field of a composite value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Field {
    Count,
    Sum,
    GaugeCount,
    GaugeSum,
    Schema,
    ZeroThreshold,
    ZeroCount,
    NegativeSpans,
    NegativeBuckets,
    PositiveSpans,
    PositiveBuckets,
    Buckets,
    Quantiles,
}

use Field::{
    Buckets, Count, GaugeCount, GaugeSum, NegativeBuckets, NegativeSpans, PositiveBuckets,
    PositiveSpans, Quantiles, Schema, Sum, ZeroCount, ZeroThreshold,
};

impl Field {
    const ALL: [Self; 13] = [
        Count,
        Sum,
        GaugeCount,
        GaugeSum,
        Schema,
        ZeroThreshold,
        ZeroCount,
        NegativeSpans,
        NegativeBuckets,
        PositiveSpans,
        PositiveBuckets,
        Buckets,
        Quantiles,
    ];

    fn name(self) -> &'static str {
        match self {
            Count => "count",
            Sum => "sum",
            GaugeCount => "gcount",
            GaugeSum => "gsum",
            Schema => "schema",
            ZeroThreshold => "zero_threshold",
            ZeroCount => "zero_count",
            NegativeSpans => "negative_spans",
            NegativeBuckets => "negative_buckets",
            PositiveSpans => "positive_spans",
            PositiveBuckets => "positive_buckets",
            Buckets => "bucket",
            Quantiles => "quantile",
        }
    }

    /// Returns the fields that may follow one, and whether the value may end there.
    fn after(last: Option<Self>) -> (&'static [Self], bool) {
        match last {
            None => (&[Count, GaugeCount], false),
            Some(Count) => (&[Sum], false),
            Some(GaugeCount) => (&[GaugeSum], false),
            Some(Sum) => (&[Buckets, Schema, Quantiles], false),
            Some(GaugeSum) => (&[Buckets, Schema], false),
            Some(Schema) => (&[ZeroThreshold], false),
            Some(ZeroThreshold) => (&[ZeroCount], false),
            Some(ZeroCount) => (&[NegativeSpans, PositiveSpans, Buckets], true),
            Some(NegativeSpans) => (&[NegativeBuckets], false),
            Some(NegativeBuckets) => (&[PositiveSpans, Buckets], true),
            Some(PositiveSpans) => (&[PositiveBuckets], false),
            Some(PositiveBuckets) => (&[Buckets], true),
            Some(Buckets | Quantiles) => (&[], true),
        }
    }
}

/// The fields that were read.
#[derive(Default)]
struct Fields {
    /// A bit for each field.
    seen: u16,
    last: Option<Field>,
    /// The end of the buckets, if none of them is `+Inf`.
    without_infinite: Option<usize>,
}

impl Fields {
    fn has(&self, field: Field) -> bool {
        self.seen & (1 << field as u16) != 0
    }

    fn push(&mut self, field: Field) {
        self.seen |= 1 << field as u16;
        self.last = Some(field);
    }

    /// Says what may come next, after a comma or before it.
    fn expected(&self, is_after_comma: bool) -> String {
        let (fields, may_end) = Field::after(self.last);
        let mut names = String::new();
        for (n, field) in fields.iter().enumerate() {
            let before = match n {
                0 => "",
                _ if n + 1 == fields.len() => " or ",
                _ => ", ",
            };
            names.push_str(&format!("{before}`{}`", field.name()));
        }
        match (fields, self.last) {
            ([], _) => "'}'".to_owned(),
            _ if is_after_comma => names,
            (_, None) => format!("{names} after '{{'"),
            _ if may_end => format!("'}}', or ',' and {names}"),
            _ => format!("',' and {names}"),
        }
    }

    fn is_gauge(&self) -> bool {
        self.has(GaugeCount) || self.has(GaugeSum)
    }

    /// Returns a field that the others need and that is missing.
    fn missing(&self) -> Option<Field> {
        let needed: &[Field] = match self.is_gauge() {
            true => &[GaugeCount, GaugeSum],
            false => &[Count, Sum],
        };
        let native = [Schema, ZeroThreshold, ZeroCount];
        let is_native = Field::ALL[Schema as usize..=PositiveBuckets as usize]
            .iter()
            .any(|field| self.has(*field));
        let needed = needed.iter().chain(native.iter().filter(|_| is_native));
        let is_missing = |field: &&Field| !self.has(**field);
        let missing = needed.copied().find(|field| is_missing(&field));
        missing.or_else(|| {
            let has_any = is_native || self.has(Buckets) || self.has(Quantiles);
            (!has_any).then_some(Buckets)
        })
    }

    /// Returns a field that was read and that a value with another one does not have.
    fn opponent(&self, field: Field) -> Option<Field> {
        let opponents: &[Field] = match field {
            Count | Sum => &[GaugeCount, GaugeSum],
            GaugeCount | GaugeSum => &[Count, Sum, Quantiles],
            Quantiles => &[
                GaugeCount,
                GaugeSum,
                Schema,
                ZeroThreshold,
                ZeroCount,
                NegativeSpans,
                NegativeBuckets,
                PositiveSpans,
                PositiveBuckets,
                Buckets,
            ],
            _ => &[Quantiles],
        };
        opponents.iter().copied().find(|other| self.has(*other))
    }
}

impl<'a> Scanner<'a, '_> {
    /// Reads a composite value. As a number it is its count.
    pub(super) fn read_composite(&mut self, parts: &mut CompositeParts) -> Result<Number> {
        let start = self.at;
        match read_composite(&self.bytes[start..self.end], parts) {
            Some(length) => self.at += length,
            None => self.read_odd_composite(parts)?,
        }
        Ok(Number {
            value: parts.count,
            text: self.span(start, self.at, false),
            kind: NumberKind::Composite,
        })
    }

    fn read_odd_composite(&mut self, parts: &mut CompositeParts) -> Result<()> {
        self.refuse_labels()?;
        parts.clear();
        let mut fields = Fields::default();
        let mut is_after_comma = false;
        self.at += 1;
        loop {
            self.skip_composite_space()?;
            match self.peek() {
                Some(b'}') => break,
                Some(b',') => {
                    let expected = fields.expected(is_after_comma);
                    self.forgive(RULE, format!("expected {expected}, found ','"))?;
                }
                _ => {
                    self.read_field(&mut fields, is_after_comma, parts)?;
                    is_after_comma = false;
                    self.skip_composite_space()?;
                }
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.expected(RULE, fields.expected(false))),
            }
            is_after_comma = true;
        }
        self.end_composite(&fields, is_after_comma, parts)
    }

    /// Names the fault of a blank between the name and the labels.
    fn refuse_labels(&self) -> Result<()> {
        let rest = &self.text[self.at + 1..self.end];
        let name = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if name.len() < rest.len() && name.starts_with("=\"") {
            let message = "expected no blank before the labels, found one";
            return Err(Fault::new(Rule::Blanks, self.at - 1, message));
        }
        Ok(())
    }

    /// Skips the closing brace, and checks that the fields are those of one kind.
    fn end_composite(
        &mut self,
        fields: &Fields,
        is_after_comma: bool,
        parts: &mut CompositeParts,
    ) -> Result<()> {
        if is_after_comma {
            self.forgive(RULE, "expected a field after ',', found '}'")?;
        }
        if !Field::after(fields.last).1 {
            let expected = fields.expected(false);
            self.forgive(RULE, format!("expected {expected}, found '}}'"))?;
        }
        if let Some(field) = fields.missing() {
            let message = format!("the value has no `{}`", field.name());
            return Err(self.fault(RULE, message));
        }
        if let Some(end) = fields.without_infinite
            && !parts.has_native
        {
            return Err(Fault::new(RULE, end, NO_INFINITE));
        }
        parts.kind = Some(match () {
            () if fields.is_gauge() => CompositeKind::GaugeHistogram,
            () if fields.has(Quantiles) => CompositeKind::Summary,
            () => CompositeKind::Histogram,
        });
        self.at += 1;
        Ok(())
    }

    fn read_field(
        &mut self,
        fields: &mut Fields,
        is_after_comma: bool,
        parts: &mut CompositeParts,
    ) -> Result<()> {
        let field = self.read_field_name(fields, is_after_comma)?;
        self.skip_colon(format_args!("`{}`", field.name()))?;
        match field {
            Count | GaugeCount => parts.count = self.read_number("the count")?,
            Sum | GaugeSum => parts.sum = self.read_number("the sum")?,
            Schema => {
                parts.schema = self.read_whole("the schema", true)?;
                parts.has_native = true;
            }
            ZeroThreshold => parts.zero_threshold = self.read_zero_threshold()?,
            ZeroCount => parts.zero_count = self.read_number("the count of the zero bucket")?,
            NegativeSpans => self.read_spans(&mut parts.negative)?,
            PositiveSpans => self.read_spans(&mut parts.positive)?,
            NegativeBuckets => self.read_counts(&mut parts.negative)?,
            PositiveBuckets => self.read_counts(&mut parts.positive)?,
            Buckets => fields.without_infinite = self.read_buckets(parts)?,
            Quantiles => self.read_quantiles(parts)?,
        }
        fields.push(field);
        Ok(())
    }

    fn read_field_name(&mut self, fields: &Fields, is_after_comma: bool) -> Result<Field> {
        let start = self.at;
        let name = self.take_composite_token();
        let end = std::mem::replace(&mut self.at, start);
        let expected = || format!("expected {}", fields.expected(is_after_comma));
        let mut known = Field::ALL.iter().copied();
        let Some(field) = known.find(|field| field.name() == name) else {
            return Err(self.found_token(RULE, &expected()));
        };
        if fields.has(field) {
            return Err(self.fault(RULE, format!("found a second `{name}`")));
        }
        if !Field::after(fields.last).0.contains(&field) {
            let message = format!("{}, found `{name}`", expected());
            self.forgive(RULE, message)?;
        }
        if let Some(opponent) = fields.opponent(field) {
            let opponent = opponent.name();
            let message =
                format!("found `{opponent}` and `{name}`, which no type has in one value");
            return Err(self.fault(RULE, message));
        }
        self.at = end;
        Ok(field)
    }

    // Values of fields.

    fn read_number(&mut self, what: &str) -> Result<f64> {
        let at = self.at;
        let token = self.take_composite_token();
        let after = std::mem::replace(&mut self.at, at);
        let value = match number::parse_value(token) {
            Ok(value) => value,
            Err(fault) => {
                let expected = format!("expected {what} (a decimal number, NaN, +Inf or -Inf)");
                self.read_odd_number(token, fault, &expected)?
            }
        };
        self.at = after;
        Ok(value)
    }

    /// Reads a threshold or a rank, which is a finite number.
    fn read_real(&mut self, what: &str) -> Result<f64> {
        let at = self.at;
        let token = self.take_composite_token();
        let after = std::mem::replace(&mut self.at, at);
        let expected = || format!("expected {what} (a decimal number)");
        let value = match number::parse_value(token) {
            Ok(value) if value.is_finite() => value,
            Ok(value) => {
                self.forgive(RULE, format!("{}, found {token:?}", expected()))?;
                value
            }
            Err(fault) => self.read_odd_number(token, fault, &expected())?,
        };
        self.at = after;
        Ok(value)
    }

    /// Reads a number that only Go knows, which is next.
    fn read_odd_number(&mut self, token: &str, fault: NumberFault, expected: &str) -> Result<f64> {
        if fault == NumberFault::Range {
            let message = format!("the value {} does not fit a 64-bit float", shown(token));
            return Err(self.fault(Rule::NumberRange, message));
        }
        let Some(value) = number::parse_go(token) else {
            return Err(self.found_token(Rule::Number, expected));
        };
        self.forgive(
            Rule::Number,
            format!("{expected}, found {:?}", shown(token)),
        )?;
        Ok(value)
    }

    fn read_zero_threshold(&mut self) -> Result<f64> {
        let at = self.at;
        let value = self.read_real("the zero threshold")?;
        if !value.is_finite() {
            self.at = at;
            let expected = "expected the zero threshold (a decimal number)";
            return Err(self.found_token(RULE, expected));
        }
        Ok(value)
    }

    /// Reads a whole number, with a minus if it may be negative.
    fn read_whole(&mut self, what: &str, may_be_negative: bool) -> Result<i64> {
        let at = self.at;
        let token = self.take_composite_token();
        let after = std::mem::replace(&mut self.at, at);
        let kind = match may_be_negative {
            true => "a whole number",
            false => "a whole number that is not negative",
        };
        let (is_negative, digits) = number::decimal::split_sign(token.as_bytes());
        let is_whole = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let is_zero = digits.iter().all(|digit| *digit == b'0');
        if !is_whole || is_negative && !may_be_negative && !is_zero {
            return Err(self.found_token(RULE, &format!("expected {what} ({kind})")));
        }
        if is_negative && !may_be_negative {
            let message = format!("expected {what} ({kind}), found {:?}", shown(token));
            self.forgive(RULE, message)?;
        }
        let Ok(value) = token.parse() else {
            let message = format!("the whole number {} does not fit 64 bits", shown(token));
            return Err(self.fault(Rule::NumberRange, message));
        };
        self.at = after;
        Ok(value)
    }

    fn read_spans(&mut self, side: &mut SideParts) -> Result<()> {
        self.read_list(|scanner, n| {
            let offset = scanner.read_whole("the offset of a span", n == 0)?;
            scanner.skip_colon("the offset")?;
            let length = scanner.read_whole("the length of the span", false)?;
            side.spans.push((offset, length.unsigned_abs()));
            Ok(())
        })
    }

    fn read_counts(&mut self, side: &mut SideParts) -> Result<()> {
        self.read_list(|scanner, _| {
            let count = scanner.read_number("the count of a bucket")?;
            side.counts.push(count);
            Ok(())
        })
    }

    fn read_quantiles(&mut self, parts: &mut CompositeParts) -> Result<()> {
        self.read_list(|scanner, _| {
            let rank = scanner.read_real("a quantile")?;
            scanner.skip_colon("the quantile")?;
            let value = scanner.read_number("the value of the quantile")?;
            parts.pairs.push((rank, value));
            Ok(())
        })
    }

    /// Reads classic buckets. If none of them is `+Inf`, returns where they end.
    fn read_buckets(&mut self, parts: &mut CompositeParts) -> Result<Option<usize>> {
        let mut has_infinite = false;
        self.read_list(|scanner, n| {
            if has_infinite {
                let message = "expected ']' after the bucket `+Inf`, found another bucket";
                scanner.forgive(RULE, message)?;
            }
            let threshold = scanner.read_threshold(n == 0)?;
            has_infinite |= threshold == f64::INFINITY;
            scanner.skip_colon("the threshold")?;
            let count = scanner.read_number("the count of the bucket")?;
            parts.pairs.push((threshold, count));
            Ok(())
        })?;
        if has_infinite {
            return Ok(None);
        }
        let end = self.at - 1;
        self.forgive_at(RULE, end, NO_INFINITE)?;
        Ok(Some(end))
    }

    /// Reads the threshold of a bucket. The first one may be `-Inf`.
    fn read_threshold(&mut self, is_first: bool) -> Result<f64> {
        let at = self.at;
        match self.take_composite_token() {
            "+Inf" => return Ok(f64::INFINITY),
            "-Inf" if is_first => return Ok(f64::NEG_INFINITY),
            _ => self.at = at,
        }
        self.read_real("a threshold")
    }

    /// Reads a list in brackets. Prometheus also accepts nothing in place of an empty one, and commas without items.
    fn read_list(&mut self, mut read: impl FnMut(&mut Self, usize) -> Result<()>) -> Result<()> {
        if matches!(self.peek(), Some(b',' | b'}')) {
            let fault = self.expected(RULE, "'['");
            return self.forgive(RULE, fault.message().to_owned());
        }
        if self.peek() != Some(b'[') {
            return Err(self.expected(RULE, "'['"));
        }
        self.at += 1;
        let mut count = 0;
        let mut is_after_comma = false;
        loop {
            self.skip_composite_space()?;
            match self.peek() {
                Some(b']') if !is_after_comma => break,
                Some(found @ (b',' | b']')) => {
                    let found = char::from(found);
                    self.forgive(
                        RULE,
                        format!("expected an item of the list, found {found:?}"),
                    )?;
                }
                _ => {
                    read(self, count)?;
                    count += 1;
                    self.skip_composite_space()?;
                }
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.expected(RULE, "',' or ']'")),
            }
            is_after_comma = true;
        }
        self.at += 1;
        Ok(())
    }

    fn skip_colon(&mut self, before: impl std::fmt::Display) -> Result<()> {
        self.skip_composite_space()?;
        if self.peek() != Some(b':') {
            return Err(self.expected(RULE, format_args!("':' after {before}")));
        }
        self.at += 1;
        self.skip_composite_space()
    }

    /// Skips white space, which no composite value has.
    fn skip_composite_space(&mut self) -> Result<()> {
        let rest = &self.text[self.at..self.end];
        if !rest.starts_with(is_space) {
            return Ok(());
        }
        self.forgive(RULE, "expected no blank in a composite value, found one")?;
        self.at += rest.len() - rest.trim_start_matches(is_space).len();
        Ok(())
    }

    /// Takes a number or the name of a field.
    fn take_composite_token(&mut self) -> &'a str {
        let rest = &self.text[self.at..self.end];
        let is_end = |c: char| matches!(c, ',' | ':' | '[' | ']' | '{' | '}') || is_space(c);
        let length = rest.find(is_end).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// EXPECTED, "found" the next token.
    fn found_token(&mut self, rule: Rule, expected: &str) -> Box<Fault> {
        let at = self.at;
        let token = self.take_composite_token();
        self.at = at;
        if token.is_empty() {
            let expected = expected.strip_prefix("expected ").unwrap_or(expected);
            return self.expected(rule, expected);
        }
        self.fault(rule, format!("{expected}, found {:?}", shown(token)))
    }
}
