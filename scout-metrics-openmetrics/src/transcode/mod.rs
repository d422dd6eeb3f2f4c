//! Families of any format in any other, with a list of what that format cannot express.
//!
//! A family goes through these steps, each a file: it gets composite values or series (`form.rs`), its type, names and
//! suffixes become those of the format (`shape.rs`), what the format cannot express is left out (`draft.rs`), times of creation
//! join the family that they are about (`created.rs`), and names that two families claim are given to one (`clash.rs`).
//! `settle.rs` writes each family and reads it back; where a rule is broken, it arranges the samples (`arrange.rs`), and then
//! gives up the type. Names are escaped in the end (`escaped.rs`).

mod arrange;
mod clash;
mod created;
mod draft;
mod escaped;
mod form;
mod losses;
mod settle;
mod shape;

use std::borrow::Cow;

use self::{
    clash::resolve_clashes,
    created::{apart, fold},
    draft::{Draft, Source},
    escaped::escaped,
    form::{Formed, classic, is_composite, with_last_buckets},
    losses::Losses,
    settle::{encode, settle},
    shape::{plain, shaped},
};
use crate::{
    ContentType, EncodeError, Exposition, Format, LabelSet, Loss, Lost, MetricFamily, Sample,
    encode_families,
};

/// Writes families of any format in another one, or says everything that would be lost.
///
/// The families may be of either format, in strict or lenient mode, or made by hand. What is written is as good as what
/// [`encode_families`] writes: it is read back in strict mode and compared. The difference is the error, which does not end
/// at the first fault but lists the losses of all families.
///
/// ```
/// use scout_metrics_openmetrics::{Format, ParseOptions, parse_families, transcode};
///
/// let text = b"# TYPE http_requests_total counter\nhttp_requests_total 4\n";
/// let families = parse_families(text, &ParseOptions::new(Format::Prometheus))?;
/// let exposition = transcode(families.as_slice(), Format::OpenMetrics)?;
/// assert_eq!(exposition.body(), "# TYPE http_requests counter\nhttp_requests_total 4\n# EOF\n");
///
/// let text = b"# TYPE http_requests counter\nhttp_requests 4\n";
/// let families = parse_families(text, &ParseOptions::new(Format::Prometheus))?;
/// let error = transcode(families.as_slice(), Format::OpenMetrics).unwrap_err();
/// assert_eq!(error.losses()[0].family, "http_requests");
/// assert_eq!(
///     error.to_string(),
///     "openmetrics-1.0 cannot express everything: family `http_requests`: its samples `http_requests` are renamed to \
///      `http_requests_total`"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`NotExpressible`](crate::EncodeErrorKind::NotExpressible) with the [`losses`](EncodeError::losses) that [`transcode_lossy`]
/// would return, and everything that is an error there.
pub fn transcode(
    families: &[MetricFamily],
    content_type: impl Into<ContentType>,
) -> Result<Exposition, EncodeError> {
    let content_type = content_type.into();
    let (exposition, losses) = transcode_lossy(families, content_type)?;
    if losses.is_empty() {
        Ok(exposition)
    } else {
        Err(EncodeError::lossy(content_type.format(), losses))
    }
}

/// Writes families of any format in another one, without what that format cannot express, and returns what was lost.
///
/// The result read back in strict mode is equal to the families, except for the losses, each of which names the family and what
/// became different. The order of the losses is that of the families. No value, label or timestamp is ever changed, except
/// that a [`Lost::TimestampPrecision`] rounds timestamps. Nothing is added but the bucket `+Inf` of histograms that have none
/// in protobuf, which may leave it out because it holds the count.
///
/// A counter named `x_total` of Prometheus text is the counter `x` of OpenMetrics, whose samples have the same name in both;
/// this is no loss.
///
/// ```
/// use scout_metrics_openmetrics::{Format, ParseOptions, parse_families, transcode_lossy};
///
/// let text = b"# TYPE wait_seconds histogram
/// ## UNIT wait_seconds seconds
/// wait_seconds_bucket{le=\"+Inf\"} 1 # {trace_id=\"x\"} 0.5
/// wait_seconds_sum 0.5
/// wait_seconds_count 1
/// wait_seconds_created 1.5
/// ## EOF
/// ";
/// # let text = String::from_utf8_lossy(text).replace("##", "#");
/// # let text = text.as_bytes();
/// let families = parse_families(text, &ParseOptions::new(Format::OpenMetrics))?;
/// let (exposition, losses) = transcode_lossy(families.as_slice(), Format::Prometheus)?;
/// let lines = [
///     "# TYPE wait_seconds histogram",
///     "wait_seconds_bucket{le=\"+Inf\"} 1",
///     "wait_seconds_sum 0.5",
///     "wait_seconds_count 1",
///     "# TYPE wait_seconds_created gauge",
///     "wait_seconds_created 1.5\n",
/// ];
/// assert_eq!(exposition.body(), lines.join("\n").as_bytes());
/// let losses: Vec<_> = losses.iter().map(ToString::to_string).collect();
/// assert_eq!(losses, [
///     "family `wait_seconds`: its unit `seconds` is left out",
///     "family `wait_seconds`: 1 exemplar is left out",
///     "family `wait_seconds`: its times of creation are a family `wait_seconds_created` of their own",
/// ]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`EmptyName`](crate::EncodeErrorKind::EmptyName) if the name of a family or label is empty, which no exposition contains.
/// If the escaping scheme of a [`ContentType`] makes two names the same,
/// [`NameCollision`](crate::EncodeErrorKind::NameCollision), and if it does so to two series,
/// [`BrokenRule`](crate::EncodeErrorKind::BrokenRule). In OpenMetrics 2.0 it may also make a name one that is reserved, which is an
/// error of either kind or [`NotExpressible`](crate::EncodeErrorKind::NotExpressible). A [`Format`] keeps all names.
pub fn transcode_lossy(
    families: &[MetricFamily],
    content_type: impl Into<ContentType>,
) -> Result<(Exposition, Vec<Loss>), EncodeError> {
    let content_type = content_type.into();
    let format = content_type.format();
    check_names(families)?;
    let families = &*match format {
        Format::Protobuf => Cow::Borrowed(families),
        _ => with_last_buckets(families),
    };
    if let Ok(exposition) = encode_families(families, format) {
        let (exposition, renamed) = escaped(families, exposition, content_type)?;
        let named = |(place, lost): (usize, Lost)| Loss {
            family: families[place].name().to_owned(),
            lost,
        };
        return Ok((
            exposition,
            renamed.into_sorted().into_iter().map(named).collect(),
        ));
    }
    let sources = &Sources::new(families, format);
    let mut drafts = sources.drafts();
    if format == Format::OpenMetrics {
        fold(&mut drafts);
    }
    let mut settled = Vec::new();
    for draft in drafts {
        settled.extend(settle(draft, sources)?);
    }
    let mut settled = resolve_clashes(settled, sources)?;
    // Times of creation that joined a family and left it again are where they were.
    settled.sort_by_key(|draft| draft.sources[0].part);
    let (exposition, mut settled) = encode(settled, format)?;
    let converted: Vec<_> = settled.iter().map(|draft| draft.family.clone()).collect();
    let (exposition, renamed) = escaped(&converted, exposition, content_type)?;
    for (place, lost) in renamed {
        settled[place].lose(lost);
    }
    Ok((exposition, sources.named(settled)))
}

fn check_names(families: &[MetricFamily]) -> Result<(), EncodeError> {
    let is_empty = |labels: &LabelSet| labels.iter().any(|(name, _)| name.is_empty());
    let has_empty = |sample: &Sample| {
        let mut exemplars = sample.exemplars().iter();
        is_empty(sample.labels()) || exemplars.any(|exemplar| is_empty(exemplar.labels()))
    };
    for family in families {
        if family.name().is_empty() {
            return Err(EncodeError::empty_name("a family"));
        }
        if family.samples().iter().any(has_empty) {
            return Err(EncodeError::empty_name("a label"));
        }
    }
    Ok(())
}

/// The families as the caller gave them, and the format that they are to be in.
struct Sources<'f> {
    families: &'f [MetricFamily],
    parts: Vec<Part<'f>>,
    format: Format,
    /// Those of the families, whatever becomes of their parts.
    losses: Losses,
}

/// A family, or in Prometheus text what is left of it without its times of creation, or these.
struct Part<'f> {
    /// The place among the families.
    source: usize,
    family: Cow<'f, MetricFamily>,
    is_created: bool,
}

impl<'f> Sources<'f> {
    fn new(families: &'f [MetricFamily], format: Format) -> Self {
        let mut sources = Self {
            families,
            parts: Vec::new(),
            format,
            losses: Losses::default(),
        };
        for (source, family) in families.iter().enumerate() {
            sources.add(source, family);
        }
        sources
    }

    fn add(&mut self, source: usize, family: &'f MetricFamily) {
        if self.format == Format::OpenMetrics2 && family.name().starts_with('_') {
            self.losses.add(source, Lost::ReservedName);
            return;
        }
        if is_composite(self.format) {
            self.push(source, Cow::Borrowed(family), false);
            return;
        }
        let Formed { family, losses } = classic(family, self.format);
        for lost in losses {
            self.losses.add(source, lost);
        }
        match apart(&family).filter(|_| self.format == Format::Prometheus) {
            None => self.push(source, Cow::Owned(family), false),
            Some((own, created)) => {
                self.push(source, Cow::Owned(own), false);
                self.push(source, Cow::Owned(created), true);
            }
        }
    }

    fn push(&mut self, source: usize, family: Cow<'f, MetricFamily>, is_created: bool) {
        self.parts.push(Part {
            source,
            family,
            is_created,
        });
    }

    fn drafts(&self) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for (place, part) in self.parts.iter().enumerate() {
            match shaped(place, &part.family, self.format) {
                Some(draft) => drafts.push(draft),
                None => drafts.extend(self.plain_source(Source {
                    part: place,
                    suffix: None,
                })),
            }
        }
        drafts
    }

    /// Returns what a draft is made of, as families of types that say nothing about names.
    fn plain(&self, draft: &Draft) -> Vec<Draft> {
        let sources = draft.sources.iter();
        sources
            .flat_map(|source| self.plain_source(*source))
            .collect()
    }

    fn plain_source(&self, source: Source) -> Vec<Draft> {
        plain(source, &self.parts[source.part].family, self.format)
    }

    /// Returns the losses of all drafts in the order of the families.
    fn named(&self, drafts: Vec<Draft>) -> Vec<Loss> {
        let mut losses = self.losses.clone();
        for draft in drafts {
            for (place, lost) in draft.losses {
                let part = &self.parts[place];
                // The gauge of times of creation is an addition, whose type the family never had.
                let is_own = !part.is_created || !matches!(lost, Lost::Type { .. });
                if is_own {
                    losses.add(part.source, lost);
                }
            }
        }
        for part in self.parts.iter().filter(|part| part.is_created) {
            let family = part.family.name().to_owned();
            losses.add(part.source, Lost::Created { family });
        }
        let named = |(source, lost): (usize, Lost)| Loss {
            family: self.families[source].name().to_owned(),
            lost,
        };
        losses.into_sorted().into_iter().map(named).collect()
    }
}
