//! Charts are well-formed, stay inside of their view box, and show what is missing.

#![cfg(feature = "chart")]
#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::{
    fmt::Display,
    time::{Duration, SystemTime},
};

use proptest::{collection::vec, option, prelude::*};
use roxmltree::{Document, Node};
use scout_metrics_core::{
    Policy, PolicyResult, Severity, Snapshot, VulnerabilityCounts,
    chart::{LineChart, Meter, Series, SeverityBar, Sparkline, is_invisible},
};

fn day(number: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs((20_000 + number) * 24 * 3600)
}

fn meter(compliant: u64, evaluated: u64) -> Meter {
    Meter::new(&PolicyResult::new(Policy::new("id", "Name"), compliant, evaluated).unwrap())
}

/// A parser of XML that has nothing in common with what writes it. In a page, the namespace is implied.
fn parsed(markup: &str) -> Document<'_> {
    Document::parse(markup).unwrap_or_else(|error| panic!("{error}: {markup}"))
}

/// Checks that every coordinate is a number inside of the view box.
fn stays_inside(markup: &str) {
    let document = parsed(markup);
    let svg = document.root_element();
    let view_box = svg.attribute("viewBox").unwrap();
    let [_, _, width, height] = numbers(view_box)[..] else {
        panic!("{view_box}")
    };
    let is_inside = |x: f64, y: f64| (0.0..=width).contains(&x) && (0.0..=height).contains(&y);
    for node in document.descendants().filter(Node::is_element) {
        let value = |name| {
            node.attribute(name)
                .map_or(0.0, |value| value.parse().unwrap())
        };
        match node.tag_name().name() {
            "rect" => {
                assert!(is_inside(value("x"), value("y")), "{markup}");
                assert!(
                    is_inside(value("x") + value("width"), value("y") + value("height")),
                    "{markup}"
                );
                assert!(value("width") > 0.0, "{markup}");
            }
            "path" => {
                for (x, y) in points(node.attribute("d").unwrap()) {
                    assert!(is_inside(x, y), "{x} {y} {markup}");
                }
            }
            "text" => {
                // The least width that a character of a common font has.
                let length = node.text().unwrap_or_default().chars().count() as f64 * 6.0;
                let start = match node.attribute("text-anchor").unwrap() {
                    "start" => value("x"),
                    "middle" => value("x") - length / 2.0,
                    _ => value("x") - length,
                };
                assert!(is_inside(start, value("y") - 10.0), "{markup}");
                assert!(is_inside(start + length, value("y")), "{markup}");
            }
            _ => {}
        }
    }
}

fn numbers(text: &str) -> Vec<f64> {
    let parts = text.split([' ', ',']).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().unwrap()).collect()
}

/// Returns the points of a path.
fn points(d: &str) -> Vec<(f64, f64)> {
    let mut found = Vec::new();
    let (mut x, mut y) = (0.0, 0.0);
    let mut rest = d;
    while let Some(command) = rest.chars().next() {
        let end = rest[1..]
            .find(char::is_alphabetic)
            .map_or(rest.len(), |end| end + 1);
        let values = numbers(&rest[1..end]);
        match (command, &values[..]) {
            ('M', [to_x, to_y]) => (x, y) = (*to_x, *to_y),
            ('l', [right, down]) => (x, y) = (x + right, y + down),
            ('h', [right]) => x += right,
            ('v', [down]) => y += down,
            _ => panic!("{d}"),
        }
        found.push((x, y));
        rest = &rest[end..];
    }
    found
}

/// Checks the forms of a chart.
fn check(page: &impl Display, standalone: impl Display, table: impl Display) {
    stays_inside(&page.to_string());
    stays_inside(&standalone.to_string());
    let table = table.to_string();
    parsed(&table);
    assert!(!table.contains("<td></td>"), "{table}");
}

#[test]
fn a_bar_has_a_part_for_each_severity() {
    let counts: VulnerabilityCounts = "1C 0H 99M 900L".parse().unwrap();
    insta::assert_snapshot!(SeverityBar::new(&counts), @r##"<svg class="chart-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"><title>1 critical, 0 high, 99 medium, 900 low, 0 unspecified</title><rect fill="var(--critical,#8f1230)" width="12" height="10"/><rect fill="var(--medium,#e5a532)" x="15" width="106" height="10"/><rect fill="var(--low,#8aa4b8)" x="124" width="876" height="10"/></svg>"##);
    insta::assert_snapshot!(SeverityBar::new(&counts).table(), @r##"<table><caption>Vulnerabilities by severity</caption><thead><tr><th scope="col">Severity</th><th scope="col">Vulnerabilities</th></tr></thead><tbody><tr><th scope="row">CRITICAL</th><td>1</td></tr><tr><th scope="row">HIGH</th><td>0</td></tr><tr><th scope="row">MEDIUM</th><td>99</td></tr><tr><th scope="row">LOW</th><td>900</td></tr><tr><th scope="row">UNSPECIFIED</th><td>0</td></tr></tbody></table>"##);
    insta::assert_snapshot!(SeverityBar::new(&counts).decorative(), @r##"<svg class="chart-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect fill="var(--critical,#8f1230)" width="12" height="10"/><rect fill="var(--medium,#e5a532)" x="15" width="106" height="10"/><rect fill="var(--low,#8aa4b8)" x="124" width="876" height="10"/></svg>"##);
    insta::assert_snapshot!(SeverityBar::new(&"0C 0H".parse().unwrap()), @r##"<svg class="chart-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"><title>0 critical, 0 high, 0 unspecified</title><rect fill="var(--line,#dde2e8)" width="1000" height="10"/></svg>"##);
    insta::assert_snapshot!(SeverityBar::new(&VulnerabilityCounts::new()), @r##"<svg class="chart-bar" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"><title>no counts by severity</title><path stroke="var(--dim,#5b6774)" stroke-width="1" stroke-dasharray="4" vector-effect="non-scaling-stroke" d="M10 5h980"/></svg>"##);
}

#[test]
fn a_meter_is_full_only_if_all_images_comply() {
    insta::assert_snapshot!(meter(12, 12), @r##"<svg class="chart-meter" viewBox="0 0 100 10" preserveAspectRatio="none" role="img"><title>12 of 12 images comply</title><rect fill="var(--fine,#1f7a4d)" width="100" height="10"/></svg>"##);
    insta::assert_snapshot!(meter(9999, 10_000), @r##"<svg class="chart-meter" viewBox="0 0 100 10" preserveAspectRatio="none" role="img"><title>9999 of 10000 images comply</title><rect fill="var(--line,#dde2e8)" width="100" height="10"/><rect fill="var(--high,#c2410c)" width="98" height="10"/></svg>"##);
    insta::assert_snapshot!(meter(1, 10_000), @r##"<svg class="chart-meter" viewBox="0 0 100 10" preserveAspectRatio="none" role="img"><title>1 of 10000 images comply</title><rect fill="var(--line,#dde2e8)" width="100" height="10"/><rect fill="var(--high,#c2410c)" width="2" height="10"/></svg>"##);
    insta::assert_snapshot!(meter(0, 9), @r##"<svg class="chart-meter" viewBox="0 0 100 10" preserveAspectRatio="none" role="img"><title>0 of 9 images comply</title><rect fill="var(--line,#dde2e8)" width="100" height="10"/></svg>"##);
    insta::assert_snapshot!(meter(0, 0), @r##"<svg class="chart-meter" viewBox="0 0 100 10" preserveAspectRatio="none" role="img"><title>0 of 0 images comply</title><path stroke="var(--dim,#5b6774)" stroke-width="1" stroke-dasharray="4" vector-effect="non-scaling-stroke" d="M1 5h98"/></svg>"##);
}

#[test]
fn a_sparkline_has_gaps_and_dots() {
    let values = [Some(3), Some(3), Some(7), None, Some(5), None];
    insta::assert_snapshot!(Sparkline::new("critical", values), @r##"<svg class="chart-spark" viewBox="0 0 24 28" preserveAspectRatio="none" fill="none" stroke-linecap="round" stroke-linejoin="round" role="img"><title>critical</title><desc>from 3 to 5, at most 7; 2 of 6 values are missing</desc><path fill="var(--line,#dde2e8)" d="M2 16h4l4 -14v26l-8 0"/><path stroke="var(--dim,#5b6774)" stroke-width="1.5" vector-effect="non-scaling-stroke" d="M2 16h4l4 -14M18 9h0"/><path stroke="var(--ink,#16202c)" stroke-width="4" vector-effect="non-scaling-stroke" d="M18 9h0"/></svg>"##);
    insta::assert_snapshot!(Sparkline::new("critical", []), @r##"<svg class="chart-spark" viewBox="0 0 4 28" preserveAspectRatio="none" fill="none" stroke-linecap="round" stroke-linejoin="round" role="img"><title>critical</title><desc>no values</desc></svg>"##);
}

#[test]
fn a_line_chart_has_dates_and_a_legend() {
    let chart = LineChart::new("production", (0..4).map(day))
        .with_series(Series::of_severity(
            Severity::Critical,
            [Some(3), Some(5), None, Some(1)],
        ))
        .with_series(Series::new("<all>", [Some(1200), Some(900)]))
        .with_size(300, 120);
    insta::assert_snapshot!(chart.standalone().to_string().replace("><", ">\n<"), @r##"
<svg class="chart-lines" viewBox="0 0 300 156" xmlns="http://www.w3.org/2000/svg" width="300" height="156" fill="none" stroke-linecap="round" stroke-linejoin="round" font-family="system-ui,sans-serif" font-size="13" role="img">
<title>production</title>
<desc>critical: from 3 to 1, at most 5; 1 of 4 values is missing. &lt;all&gt;: from 1200 to 900, at most 1200; 2 of 4 values are missing</desc>
<style>@media(prefers-color-scheme:dark){.fill-critical{fill:#ff4d70}.stroke-critical{stroke:#ff4d70}.fill-high{fill:#ffa75e}.stroke-high{stroke:#ffa75e}.fill-medium{fill:#f5d667}.stroke-medium{stroke:#f5d667}.fill-low{fill:#7f9bb3}.stroke-low{stroke:#7f9bb3}.fill-unspecified{fill:#53606d}.stroke-unspecified{stroke:#53606d}.fill-fine{fill:#4fc48a}.stroke-fine{stroke:#4fc48a}.fill-ink{fill:#e8edf2}.stroke-ink{stroke:#e8edf2}.fill-dim{fill:#9aa7b4}.stroke-dim{stroke:#9aa7b4}.fill-line{fill:#263340}.stroke-line{stroke:#263340}}</style>
<text x="4" y="14" text-anchor="start" class="fill-ink" fill="#16202c">production</text>
<path class="stroke-critical" stroke="#8f1230" stroke-width="3" d="M4 28h24"/>
<text x="34" y="32" text-anchor="start" class="fill-ink" fill="#16202c">critical</text>
<path class="stroke-fine" stroke="#1f7a4d" stroke-width="3" stroke-dasharray="7 4" d="M112 28h24"/>
<text x="142" y="32" text-anchor="start" class="fill-ink" fill="#16202c">&lt;all&gt;</text>
<path class="stroke-line" stroke="#dde2e8" stroke-width="1" d="M40 134h254M40 104h254M40 74h254M40 44h254"/>
<text x="34" y="138" text-anchor="end" class="fill-dim" fill="#5b6774">0</text>
<text x="34" y="108" text-anchor="end" class="fill-dim" fill="#5b6774">500</text>
<text x="34" y="78" text-anchor="end" class="fill-dim" fill="#5b6774">1k</text>
<text x="34" y="48" text-anchor="end" class="fill-dim" fill="#5b6774">1.5k</text>
<text x="40" y="152" text-anchor="middle" class="fill-dim" fill="#5b6774">Oct 4</text>
<text x="124" y="152" text-anchor="middle" class="fill-dim" fill="#5b6774">Oct 5</text>
<text x="209" y="152" text-anchor="middle" class="fill-dim" fill="#5b6774">Oct 6</text>
<path class="stroke-dim" stroke="#5b6774" stroke-width="1" d="M40 134v4M124 134v4M209 134v4"/>
<path class="stroke-critical" stroke="#8f1230" stroke-width="2" d="M40 134h84M294 134h0"/>
<path class="stroke-critical" stroke="#8f1230" stroke-width="5" d="M294 134h0"/>
<path class="stroke-fine" stroke="#1f7a4d" stroke-width="2" stroke-dasharray="7 4" d="M40 62l84 18"/>
<path class="stroke-fine" stroke="#1f7a4d" stroke-width="5" d="M124 80h0"/>
</svg>
"##);
    insta::assert_snapshot!(chart.table(2), @r##"<table><caption>production</caption><thead><tr><th scope="col">Time (UTC)</th><th scope="col">critical</th><th scope="col">&lt;all&gt;</th></tr></thead><tbody><tr><th scope="row">2024-10-07 00:00</th><td>1</td><td>–</td></tr><tr><th scope="row">2024-10-05 00:00</th><td>5</td><td>900</td></tr></tbody></table>"##);
}

#[test]
fn a_page_gives_the_colours_and_a_file_has_its_own() {
    let chart = meter(1, 2);
    assert!(chart.to_string().contains(r#"fill="var(--high,#c2410c)""#));
    let file = chart.standalone().to_string();
    assert!(
        file.contains(r##"class="fill-high" fill="#c2410c""##),
        "{file}"
    );
    assert!(
        file.contains(r#"xmlns="http://www.w3.org/2000/svg""#),
        "{file}"
    );
    assert!(!file.contains("var("), "{file}");
}

fn counts() -> impl Strategy<Value = VulnerabilityCounts> {
    let known = vec(option::of(0..=Snapshot::MAX_COUNT), 5);
    (known, vec(("[a-z<&]{1,9}", 0..=Snapshot::MAX_COUNT), 0..3)).prop_map(|(known, others)| {
        let mut counts = VulnerabilityCounts::new();
        for (severity, count) in Severity::ALL.into_iter().zip(known) {
            if let Some(count) = count {
                counts.set(severity, count).unwrap();
            }
        }
        others.into_iter().fold(counts, |counts, (name, count)| {
            counts.with_unrecognized(&name, count).unwrap()
        })
    })
}

fn values() -> impl Strategy<Value = Vec<Option<u64>>> {
    let value = prop_oneof![0..9_u64, any::<u64>()];
    vec(option::weighted(0.8, value), 0..40)
}

proptest! {
    #[test]
    fn bars_are_well_formed(counts in counts()) {
        let bar = SeverityBar::new(&counts);
        check(&bar, bar.standalone(), bar.table());
    }

    #[test]
    fn the_part_of_a_larger_count_is_not_smaller(counts in vec(1..=Snapshot::MAX_COUNT, 5)) {
        let all = Severity::ALL.into_iter().zip(&counts);
        let all = all.fold(VulnerabilityCounts::new(), |all, (severity, count)| all.with(severity, *count).unwrap());
        let markup = SeverityBar::new(&all).to_string();
        let document = parsed(&markup);
        let parts = document.descendants().filter(|node| node.has_tag_name("rect"));
        let widths: Vec<u32> = parts.map(|part| part.attribute("width").unwrap().parse().unwrap()).collect();
        // The last part has no gap after it, and what rounding leaves over.
        const TOLERANCE: u32 = 8;
        for (count, width) in counts.iter().zip(&widths) {
            for (other, other_width) in counts.iter().zip(&widths) {
                prop_assert!(count < other || width + TOLERANCE >= *other_width, "{markup}");
            }
        }
    }

    #[test]
    fn meters_are_well_formed(compliant in 0..=Snapshot::MAX_COUNT, evaluated in 0..=Snapshot::MAX_COUNT) {
        let meter = meter(compliant, evaluated);
        check(&meter, meter.standalone(), meter.table());
    }

    #[test]
    fn sparklines_are_well_formed(title in any::<String>(), values in values()) {
        let line = Sparkline::new(title, values);
        check(&line, line.standalone(), line.table());
    }

    #[test]
    fn line_charts_are_well_formed(
        title in any::<String>(),
        names in vec(any::<String>(), 0..9),
        values in values(),
        seconds in vec(0..1_u64 << 40, 0..40),
        size in (0..900_u32, 0..500_u32),
    ) {
        let times = seconds.into_iter().map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let chart = LineChart::new(title, times).with_size(size.0, size.1);
        let series = names.into_iter().map(|name| Series::new(name, values.clone()));
        let chart = series.fold(chart, LineChart::with_series);
        check(&chart, chart.standalone(), chart.table(7));
    }

    #[test]
    fn nothing_in_a_name_is_hidden(name in "[a<\u{202e}\u{200b}\0\u{feff}\u{fffe}]{0,20}") {
        let line = Sparkline::new(&name, [Some(1)]).to_string();
        prop_assert!(!line.contains(is_invisible), "{line:?}");
    }
}
