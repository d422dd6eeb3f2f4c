//! From a snapshot to an exposition.

use std::collections::HashMap;

use scout_metrics_core::{Anomaly, PolicyResult, RawSample, Snapshot, Stream};

use super::{
    POLICY_COMPLIANT_IMAGES, POLICY_DISPLAY_NAME, POLICY_EVALUATED_IMAGES, POLICY_ID, SEVERITY,
    STREAM_NAME, STREAM_VULNERABILITIES,
};
use crate::{
    Exposition, Format, MetricType,
    encode::{push_eof, push_help, push_series, push_type, push_value_line},
    escape::push_quoted,
};

/// Writes a snapshot in the shape of Docker Scout's own endpoint.
///
/// Reading it gives back the same streams. Samples that stand in no stream, which anomalies keep, are written as they
/// came. Streams keep their order, but those without vulnerability counts are read back after the others, because an
/// exposition lists one family after another. Organization and time are not part of an exposition.
pub fn encode(snapshot: &Snapshot, format: Format) -> Exposition {
    let mut out = String::with_capacity(capacity(snapshot));
    let mut unplaced = Unplaced::new(snapshot.anomalies());

    push_metadata(
        &mut out,
        STREAM_VULNERABILITIES,
        "Vulnerabilities in a stream.",
        format,
    );
    push_vulnerabilities(&mut out, snapshot.streams());
    unplaced.push_named(&mut out, STREAM_VULNERABILITIES);

    let help = "Images of a stream that comply with a policy.";
    push_metadata(&mut out, POLICY_COMPLIANT_IMAGES, help, format);
    push_policies(
        &mut out,
        snapshot.streams(),
        POLICY_COMPLIANT_IMAGES,
        PolicyResult::compliant,
    );
    unplaced.push_named(&mut out, POLICY_COMPLIANT_IMAGES);

    let help = "Images of a stream that were evaluated against a policy.";
    push_metadata(&mut out, POLICY_EVALUATED_IMAGES, help, format);
    push_policies(
        &mut out,
        snapshot.streams(),
        POLICY_EVALUATED_IMAGES,
        PolicyResult::evaluated,
    );
    unplaced.push_named(&mut out, POLICY_EVALUATED_IMAGES);

    unplaced.push_rest(&mut out);
    if format == Format::OpenMetrics {
        push_eof(&mut out);
    }
    Exposition::new(format, out)
}

/// Returns about as many bytes as the exposition will have.
fn capacity(snapshot: &Snapshot) -> usize {
    const LINE: usize = 128;
    let lines = |stream: &Stream| 5 + 2 * stream.policies().len();
    let streams: usize = snapshot.streams().iter().map(lines).sum();
    LINE * (6 + streams + snapshot.anomalies().len())
}

fn push_metadata(out: &mut String, name: &str, help: &str, format: Format) {
    push_help(out, name, help, format);
    push_type(out, name, MetricType::Gauge, format);
}

fn push_vulnerabilities(out: &mut String, streams: &[Stream]) {
    let mut start = String::new();
    for stream in streams {
        start.clear();
        for part in [STREAM_VULNERABILITIES, "{", STREAM_NAME, "=\""] {
            start.push_str(part);
        }
        push_quoted(&mut start, stream.name().as_str());
        for part in ["\",", SEVERITY, "=\""] {
            start.push_str(part);
        }
        for (severity, count) in stream.vulnerabilities().iter() {
            out.push_str(&start);
            out.push_str(severity.as_str());
            push_end(out, count);
        }
    }
}

fn push_policies(
    out: &mut String,
    streams: &[Stream],
    family: &str,
    count: impl Fn(&PolicyResult) -> u64,
) {
    let mut stream_name = String::new();
    for stream in streams {
        stream_name.clear();
        push_quoted(&mut stream_name, stream.name().as_str());
        for result in stream.policies() {
            out.push_str(family);
            for part in ["{", POLICY_ID, "=\""] {
                out.push_str(part);
            }
            push_quoted(out, result.policy().id().as_str());
            for part in ["\",", POLICY_DISPLAY_NAME, "=\""] {
                out.push_str(part);
            }
            push_quoted(out, result.policy().display_name());
            for part in ["\",", STREAM_NAME, "=\"", &stream_name] {
                out.push_str(part);
            }
            push_end(out, count(result));
        }
    }
}

fn push_end(out: &mut String, count: u64) {
    out.push_str("\"} ");
    out.push_str(itoa::Buffer::new().format(count));
    out.push('\n');
}

/// The samples that stand in no stream, by name, because the samples of one name have to stand together.
struct Unplaced<'a> {
    names: Vec<&'a str>,
    samples: HashMap<&'a str, Vec<&'a RawSample>>,
}

impl<'a> Unplaced<'a> {
    fn new(anomalies: &'a [Anomaly]) -> Self {
        let mut unplaced = Self {
            names: Vec::new(),
            samples: HashMap::new(),
        };
        for sample in anomalies
            .iter()
            .filter(|anomaly| anomaly.is_unplaced())
            .filter_map(Anomaly::sample)
        {
            let samples = unplaced.samples.entry(sample.name()).or_default();
            if samples.is_empty() {
                unplaced.names.push(sample.name());
            }
            samples.push(sample);
        }
        unplaced
    }

    fn push_named(&mut self, out: &mut String, name: &str) {
        for sample in self.samples.remove(name).into_iter().flatten() {
            let labels = sample.labels().iter();
            push_series(
                out,
                sample.name(),
                labels.map(|(name, value)| (name.as_str(), value.as_str())),
            );
            push_value_line(out, sample.value());
        }
    }

    fn push_rest(mut self, out: &mut String) {
        for name in std::mem::take(&mut self.names) {
            self.push_named(out, name);
        }
    }
}
