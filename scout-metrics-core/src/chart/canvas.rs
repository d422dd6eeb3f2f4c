//! The element `<svg>` and what is drawn in it.

use std::fmt::{self, Write};

use super::{escape::Escaped, path::Path};
use crate::Severity;

/// The picture fills any shape. Pictures with text must not be stretched.
pub(super) const STRETCHED: &str = r#"preserveAspectRatio="none""#;

/// Lines have round ends, so that a line of length 0 is a dot.
pub(super) const ROUND: &str = r#"fill="none" stroke-linecap="round" stroke-linejoin="round""#;

/// The font of all text.
pub(super) const FONT: &str = r#"font-family="system-ui,sans-serif" font-size="13""#;

/// A drawing that can be written as an SVG.
pub(super) trait Draw {
    /// Returns the size of the view box. Nothing is drawn outside.
    fn size(&self, medium: Medium) -> (u32, u32);

    /// The class, by which a style sheet finds the picture.
    const CLASS: &str;

    /// Attributes of the element.
    const ATTRIBUTES: &[&str];

    /// Returns the accessible name, or `None` if the text beside the picture says it all.
    fn title(&self) -> Option<String>;

    /// Returns what a person who does not see the picture should know beyond its name.
    fn description(&self) -> Option<String>;

    fn draw(&self, canvas: &mut Canvas<'_>) -> fmt::Result;
}

/// Where an SVG is used.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Medium {
    /// In a page, whose style sheet may set the colours.
    Page,
    /// As a file of its own. Many programs that draw such files know no CSS variables.
    File,
}

/// The meaning of a colour.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Colour {
    Severity(Severity),
    /// Everything complies.
    Fine,
    /// Text and the newest values.
    Ink,
    /// The color of less important text.
    Dim,
    /// Grids and backgrounds.
    Line,
}

impl Colour {
    const ALL: [Self; 9] = [
        Self::Severity(Severity::Critical),
        Self::Severity(Severity::High),
        Self::Severity(Severity::Medium),
        Self::Severity(Severity::Low),
        Self::Severity(Severity::Unspecified),
        Self::Fine,
        Self::Ink,
        Self::Dim,
        Self::Line,
    ];

    /// Returns the name, and the values on a light and on a dark background.
    ///
    /// The severities differ in lightness, and only medium and low are alike in it: they are yellow and blue, which
    /// people who are blind to red or green distinguish.
    const fn values(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Severity(Severity::Critical) => ("critical", "#8f1230", "#ff4d70"),
            Self::Severity(Severity::High) => ("high", "#c2410c", "#ffa75e"),
            Self::Severity(Severity::Medium) => ("medium", "#e5a532", "#f5d667"),
            Self::Severity(Severity::Low) => ("low", "#8aa4b8", "#7f9bb3"),
            Self::Severity(Severity::Unspecified) => ("unspecified", "#c3cad2", "#53606d"),
            Self::Fine => ("fine", "#1f7a4d", "#4fc48a"),
            Self::Ink => ("ink", "#16202c", "#e8edf2"),
            Self::Dim => ("dim", "#5b6774", "#9aa7b4"),
            Self::Line => ("line", "#dde2e8", "#263340"),
        }
    }
}

/// Writes shapes with whole coordinates.
pub(super) struct Canvas<'a> {
    out: &'a mut dyn Write,
    is_stretched: bool,
    pub(super) medium: Medium,
}

impl Canvas<'_> {
    pub(super) fn rect(
        &mut self,
        colour: Colour,
        (x, y): (u32, u32),
        (width, height): (u32, u32),
    ) -> fmt::Result {
        write!(self.out, "<rect")?;
        self.paint("fill", colour)?;
        // 0 is the default of both.
        for (name, value) in [("x", x), ("y", y)]
            .into_iter()
            .filter(|(_, value)| *value > 0)
        {
            write!(self.out, r#" {name}="{value}""#)?;
        }
        write!(self.out, r#" width="{width}" height="{height}"/>"#)
    }

    pub(super) fn area(&mut self, colour: Colour, path: &Path) -> fmt::Result {
        if path.is_empty() {
            return Ok(());
        }
        write!(self.out, "<path")?;
        self.paint("fill", colour)?;
        write!(self.out, r#" d="{path}"/>"#)
    }

    /// Draws a line that is as wide as it would be if the picture were not stretched.
    pub(super) fn line(
        &mut self,
        colour: Colour,
        width: &str,
        dashes: &str,
        path: &Path,
    ) -> fmt::Result {
        if path.is_empty() {
            return Ok(());
        }
        write!(self.out, "<path")?;
        self.paint("stroke", colour)?;
        write!(self.out, r#" stroke-width="{width}""#)?;
        if !dashes.is_empty() {
            write!(self.out, r#" stroke-dasharray="{dashes}""#)?;
        }
        if self.is_stretched {
            write!(self.out, r#" vector-effect="non-scaling-stroke""#)?;
        }
        write!(self.out, r#" d="{path}"/>"#)
    }

    /// Writes text whose baseline starts, has its middle or ends at a point, as `anchor` says.
    pub(super) fn text(
        &mut self,
        colour: Colour,
        (x, y): (u32, u32),
        anchor: &str,
        text: &str,
    ) -> fmt::Result {
        write!(self.out, r#"<text x="{x}" y="{y}" text-anchor="{anchor}""#)?;
        self.paint("fill", colour)?;
        write!(self.out, ">{}</text>", Escaped::new(text))
    }

    fn paint(&mut self, attribute: &str, colour: Colour) -> fmt::Result {
        let (name, light, _) = colour.values();
        match self.medium {
            Medium::Page => write!(self.out, r#" {attribute}="var(--{name},{light})""#),
            Medium::File => write!(
                self.out,
                r#" class="{attribute}-{name}" {attribute}="{light}""#
            ),
        }
    }
}

/// Displays a picture as SVG.
pub(super) struct Svg<'a, D>(pub(super) &'a D, pub(super) Medium);

impl<D: Draw> fmt::Display for Svg<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(picture, medium) = *self;
        let (width, height) = picture.size(medium);
        write!(
            f,
            r#"<svg class="{}" viewBox="0 0 {width} {height}""#,
            D::CLASS
        )?;
        if medium == Medium::File {
            let namespace = "http://www.w3.org/2000/svg";
            write!(
                f,
                r#" xmlns="{namespace}" width="{width}" height="{height}""#
            )?;
        }
        for attributes in D::ATTRIBUTES {
            write!(f, " {attributes}")?;
        }
        match picture.title() {
            Some(title) => write!(f, r#" role="img"><title>{}</title>"#, Escaped::new(&title))?,
            None => f.write_str(r#" aria-hidden="true">"#)?,
        }
        if let Some(description) = picture.description() {
            write!(f, "<desc>{}</desc>", Escaped::new(&description))?;
        }
        if medium == Medium::File {
            write_dark_style(f)?;
        }
        picture.draw(&mut Canvas {
            out: f,
            is_stretched: D::ATTRIBUTES.contains(&STRETCHED),
            medium,
        })?;
        f.write_str("</svg>")
    }
}

fn write_dark_style(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("<style>@media(prefers-color-scheme:dark){")?;
    for (name, _, dark) in Colour::ALL.map(Colour::values) {
        write!(
            f,
            ".fill-{name}{{fill:{dark}}}.stroke-{name}{{stroke:{dark}}}"
        )?;
    }
    f.write_str("}</style>")
}
