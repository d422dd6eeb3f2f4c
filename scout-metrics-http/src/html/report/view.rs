//! The file.

use std::fmt;

use askama::Template;

use super::{
    Report,
    advice::{self, Advice},
    facts::Facts,
    section::{SectionView, changes},
    time::minute,
    verdict::Verdict,
};
use crate::html::{Name, STYLE, hash, plain, sentence};

#[derive(Template)]
#[template(path = "html/report.html")]
struct View<'a> {
    title: String,
    created: String,
    policy: String,
    style: String,
    verdict: Verdict,
    advice: Vec<Advice<'a>>,
    organizations: Vec<OrganizationView<'a>>,
    version: &'static str,
}

/// An organization, or why there is nothing about it.
pub(super) struct OrganizationView<'a> {
    name: Name<'a>,
    /// The fragment of links to it.
    id: String,
    pub(super) section: Result<SectionView<'a>, String>,
}

/// Writes a report as HTML.
pub(super) fn write(report: &Report, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    let contents = || {
        report
            .sections
            .iter()
            .map(|section| section.content.as_ref())
    };
    let facts: Vec<_> = contents()
        .map(|content| content.map(|content| Facts::new(content, report.created)))
        .collect();
    let changes: Vec<_> = contents()
        .map(|content| content.map(changes).unwrap_or_default())
        .collect();
    let organizations = (1..).zip(&report.sections).zip(facts.iter().zip(&changes));
    let organizations =
        organizations.map(|((place, section), (facts, changes))| OrganizationView {
            name: Name(section.organization.as_str()),
            id: format!("o{place}"),
            section: match facts {
                Ok(facts) => Ok(SectionView::new(facts, changes)),
                Err(reason) => Err(sentence(reason)),
            },
        });
    let organizations: Vec<_> = organizations.collect();
    let names = report
        .sections
        .iter()
        .map(|section| Name(section.organization.as_str()));
    let style = format!("{STYLE}{}", include_str!("report.css"));
    let view = View {
        title: plain(&report.title),
        created: minute(report.created),
        policy: format!(
            "default-src 'none'; style-src {}; base-uri 'none'; form-action 'none'",
            hash(&style)
        ),
        style,
        verdict: Verdict::new(&organizations),
        advice: advice::of(names.zip(&facts)),
        organizations,
        version: env!("CARGO_PKG_VERSION"),
    };
    view.render_into(out).map_err(|_| fmt::Error)?;
    // Askama removes the line feed at the end of a template.
    out.write_str("\n")
}
