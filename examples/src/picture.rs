//! Charts as files: SVG, and PNG with the feature `png`.

use std::{
    error::Error,
    path::{Path, PathBuf},
    str::FromStr,
};

use scout_metrics_core::{
    Severity, Trend,
    chart::{LineChart, Series},
};

use crate::terminal::printable;

/// A file to write a chart to, in the format that its name says.
#[derive(Clone, Debug)]
pub struct Picture {
    path: PathBuf,
    format: Format,
}

#[derive(Clone, Copy, Debug)]
enum Format {
    #[cfg(feature = "png")]
    Png,
    Svg,
}

impl FromStr for Picture {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let path = PathBuf::from(name);
        let extension = path.extension().and_then(|extension| extension.to_str());
        let format = match extension {
            #[cfg(feature = "png")]
            Some("png") => Format::Png,
            #[cfg(not(feature = "png"))]
            Some("png") => return Err("a PNG requires a build with `--features png`"),
            Some("svg") => Format::Svg,
            _ => return Err("expected a name that ends in .svg or .png"),
        };
        Ok(Self { path, format })
    }
}

impl Picture {
    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the content of the file.
    ///
    /// # Errors
    ///
    /// A PNG requires a font on this machine.
    pub fn render(&self, chart: &LineChart) -> Result<Vec<u8>, Box<dyn Error>> {
        let svg = chart.standalone().to_string();
        match self.format {
            #[cfg(feature = "png")]
            Format::Png => png(&without_style(&svg)),
            Format::Svg => Ok(svg.into_bytes()),
        }
    }
}

/// Returns the chart of the counts of a stream by severity.
pub fn chart(trend: &Trend, stream: &str) -> LineChart {
    let times = trend.points().map(|(time, _)| time);
    let chart = LineChart::new(printable(stream), times).with_size(720, 260);
    let severities = [Severity::Critical, Severity::High, Severity::Medium];
    let series = severities.map(|severity| {
        let counts = trend.vulnerabilities(stream, severity);
        Series::of_severity(severity, counts.map(|(_, count)| count))
    });
    series.into_iter().fold(chart, LineChart::with_series)
}

/// Removes the colours for a dark background, for which resvg has no use and warns.
#[cfg(feature = "png")]
fn without_style(svg: &str) -> String {
    let parts = svg.split_once("<style>");
    let parts = parts.and_then(|(before, rest)| Some((before, rest.split_once("</style>")?.1)));
    parts.map_or_else(
        || svg.to_owned(),
        |(before, after)| format!("{before}{after}"),
    )
}

/// Draws an SVG on white, twice as large for sharp text.
#[cfg(feature = "png")]
fn png(svg: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    use resvg::{
        tiny_skia::{Color, Pixmap, Transform},
        usvg::{Options, Tree},
    };

    const SCALE: f32 = 2.0;
    let mut options = Options::default();
    options.fontdb_mut().load_system_fonts();
    let family = any_sans_serif(options.fontdb_mut()).ok_or(
        "no font is installed here, so the picture would have no text: install one, such as the package fonts-dejavu-core, or write an SVG",
    )?;
    options.font_family = family;
    let tree = Tree::from_str(svg, &options)?;
    let size = tree
        .size()
        .to_int_size()
        .scale_by(SCALE)
        .ok_or("the chart is too large")?;
    let mut pixels = Pixmap::new(size.width(), size.height()).ok_or("the chart is too large")?;
    pixels.fill(Color::WHITE);
    resvg::render(
        &tree,
        Transform::from_scale(SCALE, SCALE),
        &mut pixels.as_mut(),
    );
    Ok(pixels.encode_png()?)
}

/// Makes a font that is installed the one for `sans-serif`, and returns its name.
#[cfg(feature = "png")]
fn any_sans_serif(fonts: &mut resvg::usvg::fontdb::Database) -> Option<String> {
    const PREFERRED: [&str; 4] = ["DejaVu Sans", "Liberation Sans", "Arial", "Helvetica"];
    let families: Vec<String> = fonts
        .faces()
        .filter_map(|face| Some(face.families.first()?.0.clone()))
        .collect();
    let preferred = PREFERRED
        .into_iter()
        .find(|name| families.iter().any(|family| family == name));
    let family = preferred
        .map(str::to_owned)
        .or_else(|| families.first().cloned())?;
    fonts.set_sans_serif_family(&family);
    Some(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_picture_says_its_format() {
        assert!("a/chart.svg".parse::<Picture>().is_ok());
        assert_eq!(
            "a/chart.png".parse::<Picture>().is_ok(),
            cfg!(feature = "png")
        );
        for name in ["chart", "chart.jpg", ".svg", ""] {
            assert!(name.parse::<Picture>().is_err(), "{name}");
        }
    }
}
