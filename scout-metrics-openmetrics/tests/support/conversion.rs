//! Checks of conversions from one format to another.

use std::error::Error;

use scout_metrics_openmetrics::{
    ContentType, EncodeError, EncodeErrorKind, EscapingScheme, Exemplar, Exposition, Format,
    LabelSet, Limits, Loss, Lost, MetricFamily, Mode, ParseOptions, parse_families, transcode,
    transcode_lossy,
};

use super::losses;

/// Converts families, and checks that they come through or that losses say what does not. Returns what is read back.
///
/// The escaping scheme of the content type has to keep all names.
pub(crate) fn check(
    families: &[MetricFamily],
    content_type: impl Into<ContentType>,
) -> Result<Vec<MetricFamily>, String> {
    let content_type = content_type.into();
    let (exposition, losses) =
        transcode_lossy(families, content_type).map_err(|error| format!("{error:?}"))?;
    let read = read(&exposition).map_err(|error| error.to_string())?;
    losses::check(families, &read, &losses, content_type.format()).map_err(|error| {
        let body = String::from_utf8_lossy(exposition.body());
        format!("{error}\n{losses:#?}\n{body}")
    })?;
    match transcode(families, content_type) {
        Ok(exact) if losses.is_empty() && exact == exposition => Ok(read),
        Err(error) if !losses.is_empty() && error.losses() == losses => Ok(read),
        other => Err(format!("{other:?} but {losses:?}")),
    }
}

/// Reads an exposition in strict mode, with the names before they were escaped.
fn read(exposition: &Exposition) -> Result<Vec<MetricFamily>, Box<dyn Error>> {
    let content_type = exposition.content_type();
    let options = ParseOptions::new(content_type)
        .with_limits(Limits::unlimited())
        .with_mode(Mode::Strict);
    let read = parse_families(exposition.body(), &options)?;
    Ok(read.unescaped(content_type.escaping())?.into_vec())
}

/// Longer expositions take time with all escaping schemes, and find nothing more.
const LONG: usize = 4000;

/// Checks each version and escaping scheme: names apart, all is as in the format, and each name that differs is a loss.
pub(crate) fn check_content_types(families: &[MetricFamily]) -> Result<(), String> {
    for content_type in ContentType::ALL {
        let (plain, plain_losses) = transcode_lossy(families, content_type.format()).unwrap();
        if plain.body().len() > LONG {
            continue;
        }
        for scheme in EscapingScheme::ALL {
            let content_type = content_type.with_escaping(*scheme);
            let (exposition, losses) = match transcode_lossy(families, content_type) {
                Ok(written) => written,
                // Names or series that become the same are an error.
                Err(error)
                    if matches!(scheme, EscapingScheme::Dots | EscapingScheme::Underscores)
                        && matches!(
                            error.kind(),
                            EncodeErrorKind::BrokenRule | EncodeErrorKind::NameCollision
                        )
                        || makes_reserved_names(content_type, &error) =>
                {
                    continue;
                }
                Err(error) => return Err(format!("{error:?}")),
            };
            if exposition.content_type() != content_type {
                return Err(format!(
                    "{:?} is not {content_type:?}",
                    exposition.content_type()
                ));
            }
            if exemplars_in(&losses) > exemplars_in(&plain_losses) {
                // Names became longer, and exemplars too long for OpenMetrics 1.0.
                continue;
            }
            let is_name = |loss: &&Loss| matches!(loss.lost, Lost::Escaped { .. });
            let (names, others): (Vec<_>, Vec<_>) = losses.iter().partition(is_name);
            if others != plain_losses.iter().collect::<Vec<_>>() {
                return Err(format!("{others:?} are not {plain_losses:?}"));
            }
            let [expected, found] =
                [&plain, &exposition].map(|exposition| read(exposition).unwrap());
            let is_lost = |before: &str, after: &str| {
                let (before, after) = (before.to_owned(), after.to_owned());
                let lost = Lost::Escaped { before, after };
                names.iter().any(|loss| loss.lost == lost)
            };
            check_names(&expected, &found, is_lost)?;
        }
    }
    Ok(())
}

/// Returns the number of exemplars that are left out.
fn exemplars_in(losses: &[Loss]) -> usize {
    let counts = losses.iter().map(|loss| match loss.lost {
        Lost::Exemplars { count } => count,
        _ => 0,
    });
    counts.sum()
}

/// Returns whether underscores in place of other characters reserve the name of an exemplar's label.
fn makes_reserved_names(content_type: ContentType, error: &EncodeError) -> bool {
    content_type.format() == Format::OpenMetrics2
        && matches!(
            content_type.escaping(),
            EscapingScheme::Dots | EscapingScheme::Underscores
        )
        && error.kind() == EncodeErrorKind::NotExpressible
}

/// Checks that families are equal, except for names that are lost.
fn check_names(
    expected: &[MetricFamily],
    read: &[MetricFamily],
    is_lost: impl Fn(&str, &str) -> bool,
) -> Result<(), String> {
    let is_same = |before: &str, after: &str| before == after || is_lost(before, after);
    let restored = |labels: &LabelSet, original: &LabelSet| -> Option<LabelSet> {
        let pairs = original.iter().zip(labels.iter());
        let restore =
            |((before, _), (after, value))| is_same(before, after).then_some((before, value));
        pairs.map(restore).collect()
    };
    assert_eq!(expected.len(), read.len());
    for (expected, read) in expected.iter().zip(read) {
        let mut samples = Vec::new();
        for (sample, original) in read.samples().iter().zip(expected.samples()) {
            let mut sample = sample.clone();
            let labels = restored(sample.labels(), original.labels());
            sample = sample.with_labels(labels.ok_or("the name of a label changed")?);
            let mut exemplars = Vec::new();
            for (found, original) in sample.exemplars().iter().zip(original.exemplars()) {
                let labels = restored(found.labels(), original.labels());
                let labels = labels.ok_or("the name of a label of an exemplar changed")?;
                let exemplar = Exemplar::new(labels, found.value());
                exemplars.push(match found.timestamp() {
                    Some(timestamp) => exemplar.with_timestamp(timestamp),
                    None => exemplar,
                });
            }
            sample = sample.with_exemplars(exemplars);
            samples.push(sample);
        }
        if !is_same(expected.name(), read.name()) {
            return Err(format!("`{}` became `{}`", expected.name(), read.name()));
        }
        let is_equal = samples == expected.samples()
            && is_same(expected.unit(), read.unit())
            && (read.kind(), read.help()) == (expected.kind(), expected.help());
        if !is_equal {
            return Err(format!("{read:?}\nis not\n{expected:?}"));
        }
    }
    Ok(())
}
