//! The rules of the formats, by name, and the kinds of faults.

use std::fmt;

use self::ParseErrorKind::{Encoding, Incomplete, Semantics, Syntax};

/// The kind of fault of a [`ParseError`](crate::ParseError).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ParseErrorKind {
    /// The bytes are not UTF-8.
    Encoding,
    /// The exposition ends too early: in the middle of a line, or before the `# EOF` that OpenMetrics demands.
    Incomplete,
    /// A limit of [`Limits`](crate::Limits) is exceeded.
    Limit,
    /// The lines can be read, and what they say together breaks a rule about families.
    Semantics,
    /// A line breaks the grammar.
    Syntax,
}

/// Declares the rules, so that each has its sentence once: for the documentation, for errors and for deviations.
macro_rules! rules {
    ($($name:ident, $id:literal, $kind:ident, $text:literal;)*) => {
        /// A rule that a format states and that one exposition can be seen to break.
        ///
        /// [`Mode::Strict`](crate::Mode::Strict) refuses what breaks a rule; [`Mode::Lenient`](crate::Mode::Lenient)
        /// forgives those that some reference implementation forgives and reports a
        /// [`Deviation`](crate::Deviation). The rules are those of the [OpenMetrics 1.0 specification] and of the
        /// [description of the Prometheus text format].
        ///
        /// [OpenMetrics 1.0 specification]: https://prometheus.io/docs/specs/om/open_metrics_spec/
        /// [description of the Prometheus text format]: https://prometheus.io/docs/instrumenting/exposition_formats/
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Rule {
            $(#[doc = concat!($text, ".")] $name,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns a stable name in lower case with underscores, for logs and metric labels.
            pub const fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)*
                }
            }

            /// Returns what the rule says, as a sentence without its period.
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            pub(crate) const fn kind(self) -> ParseErrorKind {
                match self {
                    $(Self::$name => $kind,)*
                }
            }
        }
    };
}

rules! {
    AfterEof, "after_eof", Syntax, "nothing follows the line `# EOF`";
    BlankLine, "blank_line", Syntax, "OpenMetrics has no blank lines";
    Blanks, "blanks", Syntax, "tokens are separated by blanks and tabs, in OpenMetrics by one blank that stands nowhere else";
    BucketBound, "bucket_bound", Semantics, "a bucket, and nothing else of a histogram, has a label `le`, which is a number and not NaN";
    BucketOrder, "bucket_order", Semantics, "the buckets of a histogram are sorted by rising bounds";
    BucketsCumulative, "buckets_cumulative", Semantics, "the buckets of a histogram are cumulative";
    ByteOrderMark, "byte_order_mark", Encoding, "there is no byte order mark";
    CarriageReturn, "carriage_return", Syntax, "a line ends in a line feed alone";
    Comment, "comment", Syntax, "OpenMetrics has no comments";
    CounterSuffix, "counter_suffix", Semantics, "a counter's samples end in `_total` or `_created`";
    CounterTotal, "counter_total", Semantics, "a counter has a sample that ends in `_total`";
    CounterValue, "counter_value", Semantics, "a counter is neither negative nor NaN";
    DuplicateLabel, "duplicate_label", Syntax, "a label name occurs once in a label set";
    DuplicateMetadata, "duplicate_metadata", Semantics, "a family has one TYPE, one HELP and one UNIT";
    DuplicateSeries, "duplicate_series", Semantics, "a combination of name and labels occurs once";
    Eof, "eof", Incomplete, "OpenMetrics ends in the line `# EOF`";
    ExemplarLength, "exemplar_length", Semantics, "the labels of an exemplar have at most 128 characters";
    ExemplarPlace, "exemplar_place", Semantics, "an exemplar belongs to a counter's total or to a bucket";
    ExemplarSyntax, "exemplar_syntax", Syntax, "an exemplar is ` # {labels} value` and perhaps a timestamp";
    FinalNewline, "final_newline", Incomplete, "the last line ends in a line feed";
    HistogramCount, "histogram_count", Semantics, "a histogram has a count if and only if it has a sum, and it equals the bucket `+Inf`";
    HistogramSum, "histogram_sum", Semantics, "a histogram with negative bounds has no sum, unless it is a gauge histogram";
    HistogramSuffix, "histogram_suffix", Semantics, "a histogram's samples end in `_bucket`, `_count`, `_sum` or `_created`";
    HistogramValue, "histogram_value", Semantics, "the buckets, count and sum of a histogram are not negative and not NaN, buckets and count are whole";
    InfiniteBucket, "infinite_bucket", Semantics, "a histogram has a bucket `+Inf`, spelled so";
    InfoSuffix, "info_suffix", Semantics, "an info's samples end in `_info`";
    InfoValue, "info_value", Semantics, "an info has the value 1";
    InterleavedFamilies, "interleaved_families", Semantics, "the lines of a family stand together";
    InterleavedMetrics, "interleaved_metrics", Semantics, "the samples of a metric stand together";
    LabelName, "label_name", Syntax, "a label name is `[a-zA-Z_][a-zA-Z0-9_]*`";
    LabelSyntax, "label_syntax", Syntax, r#"labels are `{name="value",...}`"#;
    LabelValueNumber, "label_value_number", Semantics, "the labels `le` and `quantile` of a histogram or summary are numbers";
    LateMetadata, "late_metadata", Semantics, "the metadata of a family stand before its samples";
    LineBreak, "line_break", Syntax, "a line feed in a quoted text is written `\\n`";
    MetadataSyntax, "metadata_syntax", Syntax, "metadata are `# TYPE name type`, `# HELP name text` or `# UNIT name unit`";
    MetricName, "metric_name", Syntax, "a metric name is `[a-zA-Z_:][a-zA-Z0-9_:]*`";
    NameClash, "name_clash", Semantics, "no sample name can belong to two families";
    Number, "number", Syntax, "a value is a decimal number, `NaN`, `+Inf` or `-Inf`";
    NumberRange, "number_range", Syntax, "a value fits a 64-bit float";
    QuotedName, "quoted_name", Syntax, "names are not quoted, which is an extension of Prometheus 3";
    QuantileRange, "quantile_range", Semantics, "a quantile, and nothing else of a summary, has a label `quantile`, which is a number from 0 to 1";
    QuantileValue, "quantile_value", Semantics, "the value of a quantile is not negative";
    ReservedLabel, "reserved_label", Syntax, "the label `__name__` is the metric's name, not a label";
    SampleSyntax, "sample_syntax", Syntax, "a sample is a name, perhaps labels, a value and perhaps a timestamp";
    StateSetLabel, "state_set_label", Semantics, "a state set's samples have a label named as the family and no suffix";
    StateSetValue, "state_set_value", Semantics, "a state has the value 0 or 1";
    SummaryCount, "summary_count", Semantics, "the count and sum of a summary are not negative and not NaN, the count is whole";
    Timestamp, "timestamp", Syntax, "a timestamp is a finite number: seconds in OpenMetrics, whole milliseconds in Prometheus text";
    TimestampMix, "timestamp_mix", Semantics, "all samples of a metric have a timestamp or none has";
    TimestampOrder, "timestamp_order", Semantics, "the timestamps of a metric do not decrease";
    TypeName, "type_name", Syntax, "the type is one that the format knows";
    UnitOnInfo, "unit_on_info", Semantics, "infos and state sets have no unit";
    UnitSuffix, "unit_suffix", Semantics, "the unit is the end of the family's name, after an underscore";
    Utf8, "utf8", Encoding, "an exposition is UTF-8";
}

/// Writes what the rule says.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}
