//! The file.

use std::fmt;

use askama::Template;

use super::{
    Report,
    advice::{self, Advice},
    section::{self, SectionView, Times, minute},
    verdict::Verdict,
};
use crate::html::{STYLE, hash, plain};

#[derive(Template)]
#[template(path = "html/report.html")]
struct View<'a> {
    title: String,
    created: String,
    policy: String,
    style: String,
    verdict: Verdict,
    advice: Vec<Advice<'a>>,
    sections: Vec<SectionView<'a>>,
    version: &'static str,
}

/// Writes a report as HTML.
pub(super) fn write(report: &Report, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let times = Times::new(report.created);
    let changes: Vec<_> = report.sections.iter().map(section::changes).collect();
    let sections = (1..).zip(&report.sections).zip(&changes);
    let sections = sections
        .map(|((place, section), changes)| SectionView::new(place, section, changes, &times));
    let sections: Vec<_> = sections.collect();
    let style = format!("{STYLE}{}", include_str!("report.css"));
    let view = View {
        title: plain(&report.title),
        created: minute(report.created),
        policy: format!(
            "default-src 'none'; style-src {}; base-uri 'none'; form-action 'none'",
            hash(&style)
        ),
        style,
        verdict: Verdict::new(&sections),
        advice: advice::of(&report.sections, &times),
        sections,
        version: env!("CARGO_PKG_VERSION"),
    };
    view.render_into(out).map_err(|_| fmt::Error)
}
