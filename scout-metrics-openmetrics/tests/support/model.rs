//! Families with anything in them that a format allows, for property tests.

use std::{collections::HashSet, ops::Range};

use proptest::{collection::vec, option, prelude::*, sample::select};
use scout_metrics_openmetrics::{
    Exemplar, Format, LabelSet, MetricFamily, MetricType, Sample, Suffix, Timestamp,
};

/// Labels that mean something to the formats.
const RESERVED: [&str; 4] = ["__name__", "le", "quantile", METRIC];

/// The label that tells the metrics of a family apart.
const METRIC: &str = "metric";

/// How hard families are to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    Any,
    /// Without what the reference implementations are known to read wrongly, or not to read yet: quoted names, texts that
    /// are escaped in exemplars, negative times.
    Plain,
}

/// Texts that a careless parser or encoder breaks.
pub(crate) fn text() -> BoxedStrategy<String> {
    let piece = prop_oneof![
        3 => select(&[
            ",", "=", "{", "}", "\"", "\\", "\n", "\\n", "\\\"", "\r", "\r\n", "\0", "\t", " ", "#", " # {} 1", "# EOF",
            "é", "🦀", "日本", "👩\u{200D}🚀", "\u{FEFF}", "\u{2028}", "\u{202E}", "a", "1", "NaN", "} 1", "\",b=\"",
        ][..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop_oneof![
        20 => vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        1 => "[a\"\\\\\n]".prop_map(|piece| piece.repeat(10 << 10)),
    ]
    .boxed()
}

/// Values, with those that compare in an unusual way.
pub(crate) fn value() -> BoxedStrategy<f64> {
    prop_oneof![
        any::<f64>(),
        any::<i64>().prop_map(|value| value as f64),
        (0i32..1000).prop_map(f64::from),
        select(
            &[
                0.0,
                -0.0,
                f64::NAN,
                f64::INFINITY,
                f64::NEG_INFINITY,
                f64::MAX,
                f64::MIN_POSITIVE,
                5e-324,
                0.1,
                1e15,
                1e16,
                9_007_199_254_740_993.0,
            ][..]
        ),
    ]
    .boxed()
}

/// Values that are not negative and not NaN.
fn natural() -> BoxedStrategy<f64> {
    let natural = |value: f64| if value.is_nan() { 0.0 } else { value.abs() };
    value().prop_map(natural).boxed()
}

fn count() -> BoxedStrategy<f64> {
    (0u64..1 << 53).prop_map(|count| count as f64).boxed()
}

/// Families that a format can express, and that break none of its rules.
pub(crate) fn families(
    format: Format,
    style: Style,
    count: Range<usize>,
) -> BoxedStrategy<Vec<MetricFamily>> {
    let kinds: &[MetricType] = match format {
        Format::OpenMetrics => MetricType::ALL,
        _ => &[
            MetricType::Counter,
            MetricType::Gauge,
            MetricType::Histogram,
            MetricType::Summary,
            MetricType::Unknown,
        ],
    };
    let family = select(kinds).prop_flat_map(move |kind| family(format, style, kind));
    let numbered = |(number, family): (usize, Draft)| family.into_family(number);
    vec(family, count)
        .prop_map(move |drafts| drafts.into_iter().enumerate().map(numbered).collect())
        .boxed()
}

/// A family before its name, of which the number is a part, so that no two families have the same names.
#[derive(Clone, Debug)]
struct Draft {
    name: String,
    unit: String,
    kind: MetricType,
    help: String,
    metrics: Vec<Metric>,
}

/// The labels of a metric, and its points.
type Metric = (Vec<(String, String)>, Vec<Point>);

/// When a point is, and its samples, each with the labels that tell it from the others.
type Point = (Option<Timestamp>, Vec<PointSample>);

#[derive(Clone, Debug)]
struct PointSample {
    suffix: Suffix,
    /// The value of the label `le` or `quantile`, or of the one with the name of the family.
    label: Option<String>,
    value: f64,
    exemplar: Option<Exemplar>,
}

impl Draft {
    fn into_family(self, number: usize) -> MetricFamily {
        let mut name = format!("{}_n{number}", self.name);
        if !self.unit.is_empty() {
            name = format!("{name}_{}", self.unit);
        }
        let mut family = MetricFamily::new(name, self.kind)
            .with_help(self.help)
            .with_unit(self.unit);
        for (number, (labels, points)) in self.metrics.into_iter().enumerate() {
            let labels = own_labels(labels, family.name(), number);
            for (timestamp, samples) in points {
                for sample in samples {
                    family.push(sample.into_sample(&family, &labels, timestamp));
                }
            }
        }
        family
    }
}

/// Returns labels without those that mean something, and with one that tells the metric from the others.
fn own_labels(labels: Vec<(String, String)>, family: &str, number: usize) -> Vec<(String, String)> {
    let mut seen: HashSet<String> = RESERVED.map(str::to_owned).into();
    seen.insert(family.to_owned());
    let mut own: Vec<_> = labels
        .into_iter()
        .filter(|(name, _)| seen.insert(name.clone()))
        .collect();
    if number > 0 {
        own.push((METRIC.to_owned(), number.to_string()));
    }
    own
}

impl PointSample {
    fn new(suffix: Suffix, value: f64) -> Self {
        Self {
            suffix,
            label: None,
            value,
            exemplar: None,
        }
    }

    fn into_sample(
        self,
        family: &MetricFamily,
        labels: &[(String, String)],
        timestamp: Option<Timestamp>,
    ) -> Sample {
        let name = match family.kind() {
            MetricType::StateSet => family.name(),
            MetricType::Summary => "quantile",
            _ => "le",
        };
        let labels = labels.iter().map(|(name, value)| (&**name, &**value));
        let labels: LabelSet = labels
            .chain(self.label.as_deref().map(|value| (name, value)))
            .collect();
        let mut sample = Sample::new(self.suffix, labels, self.value);
        if let Some(timestamp) = timestamp {
            sample = sample.with_timestamp(timestamp);
        }
        match self.exemplar {
            Some(exemplar) => sample.with_exemplar(exemplar),
            None => sample,
        }
    }
}

fn family(format: Format, style: Style, kind: MetricType) -> BoxedStrategy<Draft> {
    let has_unit =
        format == Format::OpenMetrics && !matches!(kind, MetricType::Info | MetricType::StateSet);
    let unit = match has_unit {
        true => prop_oneof![Just(String::new()), "[a-z0-9_:]{1,8}".prop_map(|unit| unit)].boxed(),
        false => Just(String::new()).boxed(),
    };
    (
        name(style),
        unit,
        help(format),
        vec(metric(format, style, kind), 0..4),
    )
        .prop_map(move |(name, unit, help, metrics)| Draft {
            name,
            unit,
            kind,
            help,
            metrics,
        })
        .boxed()
}

fn name(style: Style) -> BoxedStrategy<String> {
    plain_or(
        "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}",
        style,
        text().prop_map(short).boxed(),
    )
}

/// A text of a pattern, or where any style is fine also another one.
fn plain_or(
    pattern: &'static str,
    style: Style,
    other: BoxedStrategy<String>,
) -> BoxedStrategy<String> {
    match style {
        Style::Any => prop_oneof![pattern, other].boxed(),
        Style::Plain => pattern.boxed(),
    }
}

fn short(text: String) -> String {
    cut(&text, 100)
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

fn short_name(chars: usize) -> BoxedStrategy<String> {
    text()
        .prop_map(move |text| cut(&text, chars))
        .prop_filter("not empty", |name| !name.is_empty())
        .boxed()
}

/// A help that does not end as a line may, and in Prometheus text does not begin with a blank, because there is no way
/// to write that.
fn help(format: Format) -> BoxedStrategy<String> {
    text()
        .prop_map(move |text| {
            let text = text.trim_end_matches('\r');
            match format {
                Format::Prometheus => text.trim_start_matches([' ', '\t']).to_owned(),
                _ => text.to_owned(),
            }
        })
        .boxed()
}

fn metric(format: Format, style: Style, kind: MetricType) -> BoxedStrategy<Metric> {
    let label_name = plain_or("[a-zA-Z][a-zA-Z0-9_]{0,8}", style, short_name(100));
    let labels = vec((label_name, text()), 0..4);
    (labels, points(format, style, kind)).boxed()
}

fn points(format: Format, style: Style, kind: MetricType) -> BoxedStrategy<Vec<Point>> {
    if format == Format::Prometheus {
        // The Python parser keeps them in a float.
        let millis = match style {
            Style::Any => any::<i64>().boxed(),
            Style::Plain => (-(1i64 << 50)..1 << 50).boxed(),
        };
        let timestamp = option::of(millis.prop_map(Timestamp::from_millis));
        let point = (timestamp, prometheus_point(kind)).prop_map(|point| vec![point]);
        return point.boxed();
    }
    let timestamps = vec(timestamp(style), 1..4).prop_map(|mut timestamps| {
        timestamps.sort();
        timestamps.dedup();
        timestamps.into_iter().map(Some).collect::<Vec<_>>()
    });
    // The Python parser takes all infos of a family for points of one metric, and loses samples of second points.
    let timestamps = match style {
        Style::Any => prop_oneof![Just(vec![None]), timestamps].boxed(),
        Style::Plain if kind == MetricType::Info => Just(vec![None]).boxed(),
        Style::Plain => option::of(timestamp(style))
            .prop_map(|time| vec![time])
            .boxed(),
    };
    timestamps
        .prop_flat_map(move |timestamps| {
            let points: Vec<_> = timestamps
                .into_iter()
                .map(|timestamp| (Just(timestamp), openmetrics_point(style, kind)))
                .collect();
            points
        })
        .boxed()
}

fn timestamp(style: Style) -> BoxedStrategy<Timestamp> {
    let from_nanos = |nanos: i64| Timestamp::from_nanos(nanos.into()).unwrap();
    let from_parts = |(seconds, nanos)| Timestamp::new(seconds, nanos).unwrap();
    let nanos_of_second = 0..1_000_000_000u32;
    match style {
        Style::Any => prop_oneof![
            any::<i64>().prop_map(from_nanos),
            any::<i64>().prop_map(Timestamp::from_millis),
            (any::<i64>(), nanos_of_second).prop_map(from_parts),
            (-2_000_000_000i64..2_000_000_000).prop_map(from_nanos),
        ]
        .boxed(),
        Style::Plain => (0..i64::from(u32::MAX), nanos_of_second)
            .prop_map(from_parts)
            .boxed(),
    }
}

fn prometheus_point(kind: MetricType) -> BoxedStrategy<Vec<PointSample>> {
    match kind {
        MetricType::Histogram => (bounds(), vec(count(), 12), value(), option::of(value()))
            .prop_map(|(bounds, mut counts, sum, fraction)| {
                counts.truncate(bounds.len());
                counts.sort_by(f64::total_cmp);
                let mut count = counts[counts.len() - 1];
                let fraction = fraction.filter(|value| value.fract() != 0.0);
                if let Some(fraction) = fraction {
                    // Numbers that count no events are not cumulative.
                    counts[0] = fraction;
                    count = -1.0;
                }
                let mut samples = buckets(&bounds, counts);
                samples.push(PointSample::new(Suffix::Sum, sum));
                samples.push(PointSample::new(Suffix::Count, count));
                samples
            })
            .boxed(),
        MetricType::Summary => (quantiles(value()), value(), value())
            .prop_map(|(mut samples, sum, count)| {
                let quantile = |sample: &PointSample| -> f64 {
                    let label = sample.label.as_deref();
                    label.and_then(|text| text.parse().ok()).unwrap_or_default()
                };
                samples.sort_by(|one, two| quantile(one).total_cmp(&quantile(two)));
                samples.push(PointSample::new(Suffix::Sum, sum));
                samples.push(PointSample::new(Suffix::Count, count));
                samples
            })
            .boxed(),
        _ => value()
            .prop_map(|value| vec![PointSample::new(Suffix::None, value)])
            .boxed(),
    }
}

fn openmetrics_point(style: Style, kind: MetricType) -> BoxedStrategy<Vec<PointSample>> {
    match kind {
        MetricType::Counter => counter(style),
        MetricType::GaugeHistogram | MetricType::Histogram => histogram(style, kind),
        MetricType::Info => Just(vec![PointSample::new(Suffix::Info, 1.0)]).boxed(),
        MetricType::StateSet => states(),
        MetricType::Summary => summary(),
        _ => value()
            .prop_map(|value| vec![PointSample::new(Suffix::None, value)])
            .boxed(),
    }
}

fn counter(style: Style) -> BoxedStrategy<Vec<PointSample>> {
    (natural(), option::of(exemplar(style)), option::of(value()))
        .prop_map(|(value, exemplar, created)| {
            let total = PointSample {
                exemplar,
                ..PointSample::new(Suffix::Total, value)
            };
            let created = created.map(|value| PointSample::new(Suffix::Created, value));
            [total].into_iter().chain(created).collect()
        })
        .boxed()
}

fn histogram(style: Style, kind: MetricType) -> BoxedStrategy<Vec<PointSample>> {
    let is_gauge = kind == MetricType::GaugeHistogram;
    let (sum_suffix, count_suffix) = match is_gauge {
        true => (Suffix::GSum, Suffix::GCount),
        false => (Suffix::Sum, Suffix::Count),
    };
    let exemplars = vec(option::of(exemplar(style)), 12);
    (
        bounds(),
        vec(count(), 12),
        exemplars,
        any::<bool>(),
        natural(),
        option::of(value()),
    )
        .prop_map(
            move |(bounds, mut counts, exemplars, has_sum, sum, created)| {
                counts.truncate(bounds.len());
                counts.sort_by(f64::total_cmp);
                let total = counts[counts.len() - 1];
                let mut samples = buckets(&bounds, counts);
                for (sample, exemplar) in samples.iter_mut().zip(exemplars) {
                    sample.exemplar = exemplar;
                }
                let has_negative = bounds[0] < 0.0;
                if has_sum && (is_gauge || !has_negative) {
                    let sum = if has_negative { -sum } else { sum };
                    samples.push(PointSample::new(sum_suffix, sum));
                    samples.push(PointSample::new(count_suffix, total));
                }
                if !is_gauge {
                    let created = created.map(|value| PointSample::new(Suffix::Created, value));
                    samples.extend(created);
                }
                samples
            },
        )
        .boxed()
}

/// Rising bounds, of which the last is infinite.
fn bounds() -> BoxedStrategy<Vec<f64>> {
    vec(value(), 0..10)
        .prop_map(|mut bounds| {
            bounds.retain(|bound| bound.is_finite());
            bounds.push(f64::INFINITY);
            bounds.sort_by(f64::total_cmp);
            bounds.dedup();
            bounds
        })
        .boxed()
}

fn buckets(bounds: &[f64], values: Vec<f64>) -> Vec<PointSample> {
    let buckets = bounds.iter().zip(values);
    buckets
        .map(|(bound, value)| PointSample {
            label: Some(number_text(*bound)),
            ..PointSample::new(Suffix::Bucket, value)
        })
        .collect()
}

fn number_text(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        value => format!("{value:?}"),
    }
}

fn summary() -> BoxedStrategy<Vec<PointSample>> {
    let value = prop_oneof![natural(), Just(f64::NAN)].boxed();
    let parts = (
        option::of(natural()),
        option::of(count()),
        option::of(self::value()),
    );
    (quantiles(value), parts)
        .prop_map(|(mut samples, (sum, count, created))| {
            let parts = [
                (Suffix::Sum, sum),
                (Suffix::Count, count),
                (Suffix::Created, created),
            ];
            let parts = parts.into_iter();
            samples
                .extend(parts.filter_map(|(suffix, value)| Some(PointSample::new(suffix, value?))));
            samples
        })
        .boxed()
}

fn quantiles(value: BoxedStrategy<f64>) -> BoxedStrategy<Vec<PointSample>> {
    vec((0u32..=1000, value), 0..5)
        .prop_map(|quantiles| {
            let mut seen = HashSet::new();
            let unique = quantiles
                .into_iter()
                .filter(|(quantile, _)| seen.insert(*quantile));
            unique
                .map(|(quantile, value)| PointSample {
                    label: Some(number_text(f64::from(quantile) / 1000.0)),
                    ..PointSample::new(Suffix::None, value)
                })
                .collect()
        })
        .boxed()
}

fn states() -> BoxedStrategy<Vec<PointSample>> {
    vec((text(), any::<bool>()), 1..4)
        .prop_map(|states| {
            let mut seen = HashSet::new();
            let unique = states
                .into_iter()
                .filter(|(state, _)| seen.insert(state.clone()));
            unique
                .map(|(state, is_on)| PointSample {
                    label: Some(state),
                    ..PointSample::new(Suffix::None, f64::from(u8::from(is_on)))
                })
                .collect()
        })
        .boxed()
}

/// Exemplars with no more characters than are allowed.
fn exemplar(style: Style) -> BoxedStrategy<Exemplar> {
    let name = plain_or("[a-z][a-z_]{0,9}", style, short_name(30));
    let text = plain_or(
        "[a-z0-9 ]{0,30}",
        style,
        text().prop_map(|text| cut(&text, 30)).boxed(),
    );
    let labels = vec((name, text), 0..2);
    (labels, value(), option::of(timestamp(style)))
        .prop_map(|(labels, value, timestamp)| {
            let exemplar = Exemplar::new(labels.into_iter().collect(), value);
            match timestamp {
                Some(timestamp) => exemplar.with_timestamp(timestamp),
                None => exemplar,
            }
        })
        .boxed()
}
