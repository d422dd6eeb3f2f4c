//! Series with their values.

use std::collections::BTreeMap;

use scout_metrics_core::{Organization, Policy, PolicyResult, Snapshot, Stream};
use scout_metrics_openmetrics::{
    Encoder, Format, Mode, ParseOptions, parse_families, scout::encode_into,
};

/// Values by name and labels.
pub(crate) type Values = BTreeMap<(String, BTreeMap<String, String>), f64>;

/// Returns a snapshot with names that have to be escaped, and with the largest count.
pub(crate) fn nasty(organization: &str) -> Snapshot {
    let names = [
        "say \"hi\"",
        r"C:\new",
        "two\nlines",
        "日本 🚢",
        "a,b=\"{}\" # 1",
    ];
    let streams = names.into_iter().map(|name| {
        let counts = "5C 3H 6M 63L 6?".parse().unwrap();
        let policy = Policy::new(name, name);
        let result = PolicyResult::new(policy, 1, Snapshot::MAX_COUNT).unwrap();
        Stream::new(name)
            .with_vulnerabilities(counts)
            .with_policy(result)
    });
    let streams = streams.chain([Stream::new("empty")]);
    Snapshot::new(Organization::new(organization).unwrap(), streams).unwrap()
}

/// Returns what the encoder writes, with a label for the organization.
pub(crate) fn encoded(snapshots: &[Snapshot]) -> Values {
    let label = |snapshot: &Snapshot| snapshot.organization().as_str().to_owned();
    let organizations: Vec<String> = snapshots.iter().map(label).collect();
    let labels: Vec<_> = organizations.iter().map(|org| [("org", &**org)]).collect();
    let parts = snapshots.iter().zip(labels.iter().map(|label| &label[..]));
    let mut encoder = Encoder::new(String::new(), Format::Prometheus);
    encode_into(&mut encoder, parts).unwrap();
    parsed(&encoder.finish().unwrap(), Format::Prometheus)
}

/// Returns the samples of a text that a strict parser accepts.
pub(crate) fn parsed(text: &str, format: Format) -> Values {
    let strict = ParseOptions::new(format).with_mode(Mode::Strict);
    let families = parse_families(text.as_bytes(), &strict);
    let families = families.unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut values = Values::new();
    for family in families.as_slice() {
        for sample in family.samples() {
            let labels = sample.labels().iter();
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let series = (family.sample_name(sample), labels.collect());
            values.insert(series, sample.value());
        }
    }
    values
}

/// Returns Docker Scout's metrics alone, without the label that OpenTelemetry adds for Prometheus.
pub(crate) fn of_scout(values: Values) -> Values {
    let of_scout = values.into_iter().filter(|((name, _), _)| {
        name.starts_with("scout_") && !name.starts_with("scout_exporter_")
    });
    let without_scope = |((name, mut labels), value): ((String, BTreeMap<_, _>), f64)| {
        labels.remove("otel_scope_name");
        ((name, labels), value)
    };
    of_scout.map(without_scope).collect()
}
