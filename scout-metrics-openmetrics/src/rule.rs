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

impl ParseErrorKind {
    /// Returns a stable name in lower case with underscores, for logs and metric labels.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Encoding => "encoding",
            Self::Incomplete => "incomplete",
            Self::Limit => "limit",
            Self::Semantics => "semantics",
            Self::Syntax => "syntax",
        }
    }
}

/// Declares the rules: the name, the stable name, the kind of error, what the rule says, and what is found where it is broken.
macro_rules! rules {
    ($($name:ident, $id:literal, $kind:ident, $text:literal, $broken:literal;)*) => {
        /// A rule that a format states and that one exposition can be seen to break.
        ///
        /// [`Mode::Strict`](crate::Mode::Strict) refuses what breaks a rule; [`Mode::Lenient`](crate::Mode::Lenient)
        /// forgives those that some reference implementation forgives and reports a
        /// [`Deviation`](crate::Deviation). The rules are those of the specifications of [OpenMetrics 1.0] and
        /// [OpenMetrics 2.0] and of the [description of the Prometheus text format]. One that names no format holds in each
        /// that has what it is about.
        ///
        /// [OpenMetrics 1.0]: https://prometheus.io/docs/specs/om/open_metrics_spec/
        /// [OpenMetrics 2.0]: https://prometheus.io/docs/specs/om/open_metrics_spec_2_0/
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

            /// Returns what is found where the rule is broken, as a sentence without its period, for warnings.
            pub const fn broken_text(self) -> &'static str {
                match self {
                    $(Self::$name => $broken,)*
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
    AfterEof, "after_eof", Syntax, "nothing follows the line `# EOF`", "a line follows `# EOF`";
    BlankLine, "blank_line", Syntax, "OpenMetrics has no blank lines", "a line is blank";
    Blanks, "blanks", Syntax, "tokens are separated by blanks and tabs, in OpenMetrics by one blank, which appears nowhere else", "white space is not where or not what the format has";
    BucketBound, "bucket_bound", Semantics, "a bucket, and nothing else of a histogram, has a label `le`, which is a number and not NaN; in OpenMetrics 2.0, where buckets are in the value, no sample with classic buckets has it", "the label `le` of a bucket is missing or not a number, or another sample of a histogram has that label";
    BucketOrder, "bucket_order", Semantics, "the buckets of a histogram are sorted by increasing bounds", "the bound of a bucket is not greater than that of the bucket before";
    BucketsCumulative, "buckets_cumulative", Semantics, "the buckets of a histogram are cumulative", "a bucket holds fewer than the bucket before";
    ByteOrderMark, "byte_order_mark", Encoding, "an exposition does not start with a byte order mark", "the exposition starts with a byte order mark";
    CarriageReturn, "carriage_return", Syntax, "a line ends in a line feed alone", "a line ends in a carriage return and a line feed";
    Comment, "comment", Syntax, "OpenMetrics has no comments", "a line is a comment";
    CompositeSyntax, "composite_syntax", Syntax, "a composite value is `{field:value,...}` with the fields of a histogram, a gauge histogram or a summary in their order, and without blanks", "a composite value is malformed";
    CompositeType, "composite_type", Semantics, "histograms, gauge histograms and summaries have composite values of their type, and other types, except unknown, have numbers", "a value is composite where the type has numbers, or not of the kind that the type has";
    CounterSuffix, "counter_suffix", Semantics, "a counter's samples end in `_total` or `_created`", "a counter's sample does not end in `_total` or `_created`";
    CounterTotal, "counter_total", Semantics, "a counter has a sample that ends in `_total`", "a counter has no sample that ends in `_total`";
    CounterValue, "counter_value", Semantics, "a counter is neither negative nor NaN", "a counter is negative or NaN";
    DuplicateLabel, "duplicate_label", Syntax, "a label name occurs once in a label set", "a label occurs twice in a label set";
    DuplicateMetadata, "duplicate_metadata", Semantics, "a family has one TYPE, one HELP and one UNIT", "a family has a second TYPE, HELP or UNIT";
    DuplicateSeries, "duplicate_series", Semantics, "a combination of name and labels occurs once", "a series occurs twice";
    Escape, "escape", Syntax, r#"in a text, a quote is written `\"` and a backslash `\\`"#, "a quote in a help text is not escaped, or a backslash is its last character";
    Eof, "eof", Incomplete, "OpenMetrics ends in the line `# EOF`", "the line `# EOF` is missing";
    ExemplarLength, "exemplar_length", Semantics, "the labels of an exemplar have at most 128 characters", "the labels of an exemplar have more than 128 characters";
    ExemplarPlace, "exemplar_place", Semantics, "an exemplar belongs to a counter's total or to a bucket, in protobuf to one that holds it", "a sample that is neither a counter's total nor a bucket has an exemplar, or no bucket holds it";
    ExemplarSyntax, "exemplar_syntax", Syntax, "an exemplar is ` # {labels} value` and a timestamp, which is optional only in OpenMetrics 1.0", "an exemplar is malformed";
    FinalNewline, "final_newline", Incomplete, "the last line ends in a line feed", "the last line does not end in a line feed";
    HistogramCount, "histogram_count", Semantics, "the count of a histogram equals its bucket `+Inf`; in OpenMetrics it has a count if and only if it has a sum", "the count of a histogram is missing, has no sum beside it, or differs from the bucket `+Inf`";
    HistogramSum, "histogram_sum", Semantics, "a histogram with negative bounds has no sum, and a gauge histogram without them has no negative sum", "a histogram with negative bounds has a sum, or a gauge histogram without them has a negative sum";
    HistogramSuffix, "histogram_suffix", Semantics, "a histogram's samples end in `_bucket`, `_count`, `_sum` or `_created`", "a histogram's sample has none of the suffixes `_bucket`, `_count`, `_sum` and `_created`";
    HistogramValue, "histogram_value", Semantics, "the buckets, count and sum of a histogram are not negative and not NaN, buckets and count are whole; in OpenMetrics 2.0, buckets and count are not negative", "a bucket, count or sum of a histogram is negative, NaN or not whole";
    InfiniteBucket, "infinite_bucket", Semantics, "a histogram has a bucket whose `le` is exactly `+Inf`", "a histogram has no bucket whose `le` is exactly `+Inf`";
    InfoSuffix, "info_suffix", Semantics, "an info's samples end in `_info`, in OpenMetrics 2.0 as the family does", "an info's sample or family does not end in `_info`";
    InfoValue, "info_value", Semantics, "an info has the value 1", "an info has a value other than 1";
    InterleavedFamilies, "interleaved_families", Semantics, "no other families appear between the lines of a family", "a family is split: other families appear between its lines";
    InterleavedMetrics, "interleaved_metrics", Semantics, "no other metrics appear between the samples of a metric", "a metric is split: other metrics appear between its samples";
    LabelName, "label_name", Syntax, "a label name without quotes is `[a-zA-Z_][a-zA-Z0-9_]*`", "a label name without quotes is not of the form `[a-zA-Z_][a-zA-Z0-9_]*`";
    LabelSyntax, "label_syntax", Syntax, r#"labels are `{name="value",...}`"#, "labels are not written as `{name=\"value\",...}`";
    LabelValueNumber, "label_value_number", Semantics, "the labels `le` and `quantile` of a histogram or summary are numbers", "a label `le` or `quantile` is not a number";
    LateMetadata, "late_metadata", Semantics, "the metadata of a family come before its samples", "TYPE, HELP or UNIT of a family comes after its samples";
    LineBreak, "line_break", Syntax, "a line feed in a quoted text is written `\\n`", "a quoted text contains a line feed";
    MetadataSyntax, "metadata_syntax", Syntax, "metadata are `# TYPE name type`, `# HELP name text` or `# UNIT name unit`", "a line with TYPE, HELP or UNIT is malformed";
    MetricName, "metric_name", Syntax, "a metric name without quotes is `[a-zA-Z_:][a-zA-Z0-9_:]*`", "a metric name without quotes is not of the form `[a-zA-Z_:][a-zA-Z0-9_:]*`";
    NameClash, "name_clash", Semantics, "no name of a family or sample can belong to two families", "a name can belong to two families";
    NativeHistogram, "native_histogram", Semantics, "a native histogram has a schema from -4 to 8, a zero threshold that is not negative, as many buckets as its spans, and none that ends after infinity or lies within the zero bucket", "the schema, the zero threshold, the spans or the buckets of a native histogram are not what they can be";
    NativeCount, "native_count", Semantics, "the count of a native histogram is the sum of its buckets, to which events that are not a number may be added, and then so is its sum", "the count of a native histogram is not the sum of its buckets";
    Number, "number", Syntax, "a value is a decimal number, `NaN`, `+Inf` or `-Inf`", "a value is not a decimal number, `NaN`, `+Inf` or `-Inf`";
    NumberRange, "number_range", Syntax, "a value fits a 64-bit float", "a value does not fit a 64-bit float";
    ProtobufMessage, "protobuf_message", Syntax, "a protobuf exposition is messages `MetricFamily`, each after its length", "bytes are not a message `MetricFamily` after its length";
    ProtobufValue, "protobuf_value", Semantics, "a metric has a value of the type of its family", "a metric has no value of the type of its family";
    QuotedName, "quoted_name", Syntax, "names are not quoted, which is an extension of Prometheus 3 and a part of OpenMetrics 2.0", "a name is quoted";
    QuantileOrder, "quantile_order", Semantics, "the quantiles of a summary are sorted by increasing values of the label `quantile`", "a quantile is not greater than the one before";
    QuantileRange, "quantile_range", Semantics, "a quantile, and nothing else of a summary, has a label `quantile`, which is a number from 0 to 1", "the label `quantile` of a quantile is missing or not a number from 0 to 1, or another sample of a summary has that label";
    QuantileValue, "quantile_value", Semantics, "the value of a quantile is not negative", "a quantile is negative";
    ReservedLabel, "reserved_label", Syntax, "the label `__name__` is the metric's name, not a label; in OpenMetrics 2.0, labels that start with an underscore are reserved, except `__type__` and `__unit__`", "the label `__name__` is used, or in OpenMetrics 2.0 another reserved label";
    ReservedName, "reserved_name", Semantics, "in OpenMetrics 2.0, names that start with an underscore are reserved", "a name starts with an underscore";
    SampleSyntax, "sample_syntax", Syntax, "a sample is a name, optional labels, a value and an optional timestamp", "a sample is malformed";
    StartTimestamp, "start_timestamp", Semantics, "a counter, a histogram or a summary may have a start timestamp, and other types, except unknown, have none", "a sample has a start timestamp that its type does not have";
    StateSetLabel, "state_set_label", Semantics, "a state set's samples have a label named as the family and no suffix", "a state set's sample has no label named as the family, or has a suffix";
    StateSetValue, "state_set_value", Semantics, "a state has the value 0 or 1", "a state has a value other than 0 and 1";
    SummaryCount, "summary_count", Semantics, "the count and sum of a summary are not negative and not NaN, the count is whole", "the count or sum of a summary is negative, NaN or not whole";
    Timestamp, "timestamp", Syntax, "a timestamp is a finite number: seconds in OpenMetrics, whole milliseconds in Prometheus text", "a timestamp is not a number, or in Prometheus text not whole milliseconds of 64 bits";
    TimestampMix, "timestamp_mix", Semantics, "either all samples of a metric have a timestamp or none has", "some samples of a metric have a timestamp and some have none";
    TimestampOrder, "timestamp_order", Semantics, "the timestamps of a metric do not decrease; in OpenMetrics 2.0 they increase", "a timestamp is earlier than the one before, or in OpenMetrics 2.0 not later";
    TypeName, "type_name", Syntax, "the type is one of those that the format has", "the type is not one of those that the format has";
    UnitOnInfo, "unit_on_info", Semantics, "infos and state sets have no unit", "an info or a state set has a unit";
    UnitSuffix, "unit_suffix", Semantics, "in OpenMetrics 1.0, the name of a family ends in an underscore and its unit", "the name of a family does not end in an underscore and its unit";
    Utf8, "utf8", Encoding, "an exposition is UTF-8", "bytes are not UTF-8";
}

/// Writes what the rule says.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}
