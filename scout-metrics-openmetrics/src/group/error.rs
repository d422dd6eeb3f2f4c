//! Why samples are not a histogram or a summary.

use std::fmt;

use crate::{LabelSet, MetricFamily, error::shown};

/// Why something is not a histogram or a summary.
///
/// ```
/// use scout_metrics_openmetrics::{ParseOptions, parse_families};
///
/// let text = b"# TYPE wait histogram\nwait_bucket{job=\"a\",le=\"1\"} 4\nwait_count{job=\"a\"} 4\n";
/// let families = parse_families(text, &ParseOptions::default())?;
/// let error = families.as_slice()[0].histograms().unwrap_err();
/// assert_eq!(error.to_string(), r#"the histogram `wait` with {job="a"} has no bucket `+Inf`"#);
/// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct GroupError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    kind: &'static str,
    family: Option<String>,
    labels: LabelSet,
    fault: String,
}

impl GroupError {
    /// Creates an error without a family. The fault reads as the rest of a sentence, such as "has no bucket `+Inf`".
    pub(super) fn new(kind: &'static str, labels: &LabelSet, fault: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            family: None,
            labels: labels.clone(),
            fault: fault.into(),
        }))
    }

    pub(super) fn with_family(mut self, family: &MetricFamily) -> Self {
        self.0.family = Some(family.name().to_owned());
        self
    }

    /// Returns the name of the family, if it is known.
    pub fn family(&self) -> Option<&str> {
        self.0.family.as_deref()
    }

    /// Returns the labels of the histogram or summary.
    pub fn labels(&self) -> &LabelSet {
        &self.0.labels
    }
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            family,
            labels,
            fault,
        } = &*self.0;
        match family {
            Some(family) => write!(f, "the {kind} `{}`", shown(family))?,
            None => write!(f, "a {kind}")?,
        }
        for (place, (name, value)) in labels.iter().enumerate() {
            let separator = if place == 0 { " with {" } else { "," };
            write!(f, "{separator}{}={:?}", shown(name), shown(value))?;
        }
        let end = if labels.is_empty() { "" } else { "}" };
        write!(f, "{end} {fault}")
    }
}

impl std::error::Error for GroupError {}
