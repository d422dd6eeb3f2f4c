//! A screen as an SVG picture.

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

/// The size of a character.
const WIDTH: f64 = 8.0;
const HEIGHT: f64 = 17.0;

/// The space around the screen.
const MARGIN: f64 = 12.0;

const BACKGROUND: &str = "#15191f";
const FOREGROUND: &str = "#d7dde5";
const DIMMED: &str = "#8b95a3";

/// Returns a picture of the screen. It has no scripts, no fonts and no links.
pub(crate) fn svg(buffer: &Buffer) -> String {
    let [width, height] = [
        f64::from(buffer.area.width) * WIDTH + 2.0 * MARGIN,
        f64::from(buffer.area.height) * HEIGHT + 2.0 * MARGIN,
    ];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         font-family=\"ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"13\">\n\
         <title>The dashboard in a terminal</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for y in 0..buffer.area.height {
        for run in runs(buffer, y) {
            write_run(&mut svg, &run, y);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Neighbouring characters of the same style.
struct Run<'a> {
    column: u16,
    columns: u16,
    text: String,
    style: &'a Cell,
}

impl Run<'_> {
    fn is_narrow(&self) -> bool {
        usize::from(self.columns) == self.text.chars().count()
    }
}

fn runs(buffer: &Buffer, y: u16) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut column = 0;
    while column < buffer.area.width {
        let cell = &buffer[(column, y)];
        let columns = u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        match runs.last_mut() {
            // Fonts disagree about the width of wide characters, so each of them gets a place of its own.
            Some(run) if run.is_narrow() && columns == 1 && is_same_style(run.style, cell) => {
                run.columns += columns;
                run.text.push_str(cell.symbol());
            }
            _ => runs.push(Run {
                column,
                columns,
                text: cell.symbol().to_owned(),
                style: cell,
            }),
        }
        column += columns;
    }
    runs
}

fn is_same_style(one: &Cell, other: &Cell) -> bool {
    (one.fg, one.bg, one.modifier) == (other.fg, other.bg, other.modifier)
}

fn write_run(svg: &mut String, run: &Run<'_>, y: u16) {
    let is_reversed = run.style.modifier.contains(Modifier::REVERSED);
    let [x, top] = [
        MARGIN + f64::from(run.column) * WIDTH,
        MARGIN + f64::from(y) * HEIGHT,
    ];
    let width = f64::from(run.columns) * WIDTH;
    let foreground = color(run.style);
    let fill = if is_reversed { BACKGROUND } else { foreground };
    // Nothing can fail to be written to a string.
    if is_reversed {
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{HEIGHT}\" fill=\"{foreground}\"/>"
        );
    }
    let text = run.text.trim_end();
    if text.is_empty() {
        return;
    }
    let lead = text.len() - text.trim_start().len();
    // Blanks are one column and one byte each.
    let x = x + lead as f64 * WIDTH;
    let text = text.trim_start();
    let width = text.width() as f64 * WIDTH;
    let weight = match run.style.modifier.contains(Modifier::BOLD) {
        true => " font-weight=\"bold\"",
        false => "",
    };
    let baseline = top + 13.0;
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{baseline}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" \
         xml:space=\"preserve\" fill=\"{fill}\"{weight}>{}</text>",
        escaped(text)
    );
}

fn color(cell: &Cell) -> &'static str {
    match cell.fg {
        Color::Red => "#ff7b72",
        Color::Yellow => "#e3b341",
        Color::Green => "#56d364",
        Color::Cyan => "#76c7e0",
        _ if cell.modifier.contains(Modifier::DIM) => DIMMED,
        _ => FOREGROUND,
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn a_picture_has_the_text_in_its_place_and_style() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        buffer.set_string(1, 0, "<5C>", Style::new().fg(Color::Red));
        buffer.set_string(6, 0, "日本", Style::new().add_modifier(Modifier::REVERSED));
        insta::assert_snapshot!(svg(&buffer));
    }
}
