//! The boards for Grafana and Perses: what each panel shows about two organizations with streams of the same names.

mod panels;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use scout_metrics_core::{Organization, Policy, PolicyResult, Snapshot, Stream};
use scout_metrics_examples::sample;

use crate::prometheus::{Prometheus, copy_configuration, hasten_and_complete};
use crate::support::{Running, Upstream, eventually, generations, start_exporter, write};

use self::panels::{
    Content, Panel, Query, grafana, grafana_variables, list, perses, perses_variables, read, text,
    without_formats,
};

const BOARDS: [&str; 2] = ["policies", "vulnerabilities"];

const SEVERITIES: [&str; 5] = ["Critical", "High", "Medium", "Low", "Unspecified"];

#[test]
fn both_tools_show_the_same_panels() {
    for board in BOARDS {
        let mut of_grafana = grafana(board);
        let mut of_perses = perses(board);
        assert!(of_grafana.len() >= 9, "{board}");
        for query in of_perses.iter_mut().flat_map(|panel| &mut panel.queries) {
            query.expression = without_formats(&query.expression);
        }
        // Each tool has its own names of colours; what counts is where they start.
        for panel in of_grafana.iter_mut().chain(&mut of_perses) {
            for (_, colour) in panel.colours.iter_mut().flatten() {
                colour.clear();
            }
        }
        assert_eq!(of_grafana, of_perses, "{board}");
    }
}

#[test]
fn counts_are_green_at_zero_and_have_the_colour_of_the_severity_from_one() {
    let of_grafana = ["dark-red", "red", "orange", "yellow", "gray"];
    let of_perses = ["#C4162A", "#F2495C", "#FF9830", "#FADE2A", "#808080"];
    for (panels, green, colours) in [
        (grafana("vulnerabilities"), "green", of_grafana),
        (perses("vulnerabilities"), "#73BF69", of_perses),
    ] {
        let expected =
            |colour: &str| vec![(None, green.to_owned()), (Some(1.0), colour.to_owned())];
        let expected: Vec<_> = colours.map(expected).into();
        let panel = |title: &str| panels.iter().find(|panel| panel.title == title).unwrap();
        assert_eq!(panel("Now").colours, expected);
        let of_stats = SEVERITIES.map(|severity| panel(severity).colours[0].clone());
        assert_eq!(of_stats.to_vec(), expected);
    }
}

/// Checks what the schemas of Perses require, except the options of its plugins.
#[test]
fn boards_of_perses_place_each_panel_once_and_are_in_their_project() {
    let project = read("perses/1-project.json");
    assert_eq!(project["kind"], "Project");
    let datasource = read("perses/2-datasource.json");
    assert_eq!(datasource["kind"], "Datasource");
    assert_eq!(datasource["spec"]["default"], true);
    assert_eq!(
        datasource["metadata"]["project"],
        project["metadata"]["name"]
    );
    for name in BOARDS {
        let board = read(&format!("perses/{name}.json"));
        assert_eq!(board["kind"], "Dashboard");
        assert_eq!(board["metadata"]["name"], name);
        assert_eq!(board["metadata"]["project"], project["metadata"]["name"]);
        let variables: Vec<String> = list(&board["spec"]["variables"])
            .map(|variable| text(&variable["spec"]["name"]))
            .collect();
        let mut placed = Vec::new();
        for layout in list(&board["spec"]["layouts"]) {
            assert_eq!(layout["kind"], "Grid");
            // A value for "All" would be a single one, and nothing would be repeated.
            if let Some(repeated) = layout["spec"]["repeatVariable"].as_str() {
                let index = variables.iter().position(|name| name == repeated);
                let variable = &board["spec"]["variables"][index.unwrap()]["spec"];
                assert_eq!(variable["allowMultiple"], true);
                assert_eq!(variable["customAllValue"], Value::Null);
            }
            for item in list(&layout["spec"]["items"]) {
                let end = item["x"].as_u64().unwrap() + item["width"].as_u64().unwrap();
                assert!(end <= 24, "{item}");
                let reference = text(&item["content"]["$ref"]);
                placed.push(reference.replace("#/spec/panels/", ""));
            }
        }
        placed.sort();
        let panels = board["spec"]["panels"].as_object().unwrap();
        let mut defined: Vec<&String> = panels.keys().collect();
        defined.sort();
        assert_eq!(placed.iter().collect::<Vec<_>>(), defined, "{name}");
        for panel in panels.values() {
            assert_eq!(panel["kind"], "Panel");
            let kind = text(&panel["spec"]["plugin"]["kind"]);
            assert!(["StatChart", "Table", "TimeSeriesChart"].contains(&kind.as_str()));
            for query in list(&panel["spec"]["queries"]) {
                assert_eq!(query["kind"], "TimeSeriesQuery");
                let plugin = &query["spec"]["plugin"];
                assert_eq!(plugin["kind"], "PrometheusTimeSeriesQuery");
            }
        }
    }
}

/// Two organizations. Each has the streams `latest-indexed` and `production`, and one that the other does not have.
fn organizations() -> [Snapshot; 2] {
    let result = |id: &str, name: &str, compliant, evaluated| {
        PolicyResult::new(Policy::new(id, name), compliant, evaluated).unwrap()
    };
    let stream = |name: &str, counts: &str, [user, licenses]: [(u64, u64); 2]| {
        let user = result(
            "default-non-root-user",
            "Default non-root user",
            user.0,
            user.1,
        );
        let licenses = result("no-agpl-v3", "No AGPL v3 licenses", licenses.0, licenses.1);
        let stream = Stream::new(name).with_vulnerabilities(counts.parse().unwrap());
        stream.with_policy(user).with_policy(licenses)
    };
    let streams = [
        stream("latest-indexed", "7C 8H 9M 10L 11?", [(3, 4), (4, 4)]),
        stream("production", "2C 1H 0M 4L 3?", [(1, 2), (0, 0)]),
        stream("web", "0C 0H 0M 1L", [(1, 1), (0, 0)]),
    ];
    let globex = Snapshot::new(Organization::new("globex").unwrap(), streams).unwrap();
    [sample::snapshot().unwrap(), globex]
}

/// Yesterday, `production` of one organization had two fewer and that of the other seven more.
const YESTERDAY: [(&str, u64, u64); 2] = [("acme", 0, 1), ("globex", 9, 1)];

/// Writes what Prometheus would have stored a day ago.
fn store_yesterday(directory: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let yesterday = now.as_secs() - 24 * 60 * 60;
    let mut stored = "# TYPE scout_stream_vulnerabilities gauge\n".to_owned();
    for (organization, critical, high) in YESTERDAY {
        for (severity, count) in [("CRITICAL", critical), ("HIGH", high)] {
            for time in (yesterday - 120..yesterday + 600).step_by(60) {
                writeln!(
                    stored,
                    "scout_stream_vulnerabilities{{org=\"{organization}\",streamName=\"production\",severity=\"{severity}\"}} {count} {time}"
                )
                .unwrap();
            }
        }
    }
    stored.push_str("# EOF\n");
    let file = write(directory, "yesterday.om", &stored);
    let mut command = Command::new("promtool");
    command.args(["tsdb", "create-blocks-from", "openmetrics", &file, "data"]);
    let output = command.current_dir(directory).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// The exporter and a Prometheus that has scraped it, in all the ways of the committed configuration at once.
struct Scraped {
    exporter: Running,
    prometheus: Prometheus,
    _upstream: Upstream,
    _directory: tempfile::TempDir,
}

fn scrape(program: &Path) -> Scraped {
    let upstream = Upstream::start_all(organizations());
    let token = upstream.write("scrape-token", "s3cr3t\n");
    let mut command = upstream.exporter();
    command.args([
        "--org",
        "acme",
        "--org",
        "globex",
        "--web.bearer-token-file",
        &token,
    ]);
    let (exporter, address) = start_exporter(&mut command);
    let directory = tempfile::tempdir().unwrap();
    copy_configuration(directory.path(), &address);
    hasten_and_complete(directory.path());
    let rules = directory.path().join("rules/alerting.yml");
    let alerts = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, without_delay(&alerts)).unwrap();
    store_yesterday(directory.path());
    let prometheus = Prometheus::start(program, directory.path(), &[]);
    for (job, organizations) in [("scout", 2), ("scout-acme", 1), ("scout-discovered", 2)] {
        let query = format!("count by (org) (scout_policy_evaluated_images{{job=\"{job}\"}})");
        eventually(&query, || {
            (prometheus.query(&query).len() == organizations).then_some(())
        });
    }
    Scraped {
        exporter,
        prometheus,
        _upstream: upstream,
        _directory: directory,
    }
}

fn without_delay(rules: &str) -> String {
    let lines = rules.lines().map(|line| match line.split_once("for: ") {
        Some((indentation, _)) if indentation.trim().is_empty() => {
            format!("{indentation}for: 0s\n")
        }
        _ => format!("{line}\n"),
    });
    lines.collect()
}

/// The selected values of the variables `org`, `stream` and `policy`.
type Selection<'a> = [&'a str; 3];

/// "All" as Grafana fills it in, and as Perses does.
const ALL: [Selection<'_>; 2] = [
    [".*"; 3],
    [
        "(acme|globex)",
        "(production|staging|web)",
        "(Default non-root user|No AGPL v3 licenses|No fixable critical or high vulnerabilities|Supply chain attestations)",
    ],
];

fn filled_in(expression: &str, selection: Selection<'_>) -> String {
    let expression = without_formats(expression);
    let filled = ["$org", "$stream", "$policy"]
        .iter()
        .zip(selection)
        .fold(expression, |expression, (name, value)| {
            expression.replace(name, value)
        });
    assert!(!filled.contains('$'), "{filled}");
    filled
}

fn value(series: &Value) -> f64 {
    text(&series["value"][1]).parse().unwrap()
}

/// Returns a number as people read it.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Returns what a panel shows: for each series its name and value, for each row of a table its cells.
fn shown(prometheus: &Prometheus, panel: &Panel, selection: Selection<'_>) -> Vec<String> {
    if panel.columns.is_empty() {
        let queries = panel.queries.iter();
        return queries
            .flat_map(|query| named_series(prometheus, query, selection))
            .collect();
    }
    let mut rows: BTreeMap<BTreeMap<String, String>, Vec<Option<f64>>> = BTreeMap::new();
    for (index, query) in panel.queries.iter().enumerate() {
        for series in prometheus.query(&filled_in(&query.expression, selection)) {
            let row = rows.entry(labels(&series)).or_default();
            row.resize(panel.queries.len(), None);
            row[index] = Some(value(&series));
        }
    }
    let rows = rows.iter().map(|(labels, values)| {
        let cells = panel.columns.iter().map(|column| match &column.content {
            Content::Label(name) => labels.get(name).cloned().unwrap_or_default(),
            Content::Value(index) => values[*index].map_or(String::new(), number),
        });
        cells.collect::<Vec<_>>().join(" | ")
    });
    rows.collect()
}

fn labels(series: &Value) -> BTreeMap<String, String> {
    let labels = series["metric"].as_object().unwrap().iter();
    labels
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn named_series(prometheus: &Prometheus, query: &Query, selection: Selection<'_>) -> Vec<String> {
    let series = prometheus.query(&filled_in(&query.expression, selection));
    let mut named: Vec<String> = series
        .iter()
        .map(|series| {
            let name = labels(series)
                .iter()
                .fold(query.legend.clone(), |legend, (name, value)| {
                    legend.replace(&format!("{{{{{name}}}}}"), value)
                });
            format!("{name} {}", number(value(series)))
        })
        .collect();
    named.sort();
    named
}

/// Checks all panels of a board with one value of its repeated variable, or those that are not repeated.
fn check(
    prometheus: &Prometheus,
    board: &str,
    repeated: Option<(&str, &str)>,
    expected: &[(&str, &[&str])],
) {
    for (panels, all) in [grafana(board), perses(board)].iter().zip(ALL) {
        let mut selection = all;
        if let Some((name, value)) = repeated {
            let index = ["org", "stream", "policy"]
                .iter()
                .position(|other| *other == name);
            selection[index.unwrap()] = value;
        }
        let repeat = repeated.map(|(name, _)| name);
        let panels = panels
            .iter()
            .filter(|panel| panel.repeat.as_deref() == repeat && panel.title != "Firing alerts");
        let found: Vec<(&str, Vec<String>)> = panels
            .map(|panel| (panel.title.as_str(), shown(prometheus, panel, selection)))
            .collect();
        let expected: Vec<(&str, Vec<String>)> = expected
            .iter()
            .map(|(title, shown)| (*title, shown.iter().map(|line| line.to_string()).collect()))
            .collect();
        assert_eq!(found, expected, "{board} with {selection:?}");
    }
}

#[test]
fn each_panel_keeps_organizations_and_streams_apart() {
    for prometheus in generations("prometheus") {
        check_panels(scrape(&prometheus));
    }
}

fn check_panels(scraped: Scraped) {
    let prometheus = &scraped.prometheus;
    check_vulnerabilities(prometheus);
    check_policies(prometheus);
    check_variables(prometheus);
    check_alerts(scraped);
}

fn check_vulnerabilities(prometheus: &Prometheus) {
    let board = "vulnerabilities";
    let columns = |panels: Vec<Panel>| -> Vec<String> {
        let columns = panels.into_iter().next().unwrap().columns.into_iter();
        columns.map(|column| column.header).collect()
    };
    let expected = [&["Organization", "Stream"][..], &SEVERITIES].concat();
    assert_eq!(columns(grafana(board)), expected);
    check(
        prometheus,
        board,
        None,
        &[(
            "Now",
            &[
                "acme | latest-indexed | 12 | 40 | 131 | 310 | 6",
                "acme | production | 0 | 3 | 6 | 63 | 0",
                "acme | staging | 5 | 17 | 44 | 98 | 1",
                "globex | latest-indexed | 7 | 8 | 9 | 10 | 11",
                "globex | production | 2 | 1 | 0 | 4 | 3",
                "globex | web | 0 | 0 | 0 | 1 | 0",
            ],
        )],
    );
    check(
        prometheus,
        board,
        Some(("org", "acme")),
        &[
            ("Critical", &["environments 5", "latest-indexed 12"]),
            ("High", &["environments 20", "latest-indexed 40"]),
            ("Medium", &["environments 50", "latest-indexed 131"]),
            ("Low", &["environments 161", "latest-indexed 310"]),
            ("Unspecified", &["environments 1", "latest-indexed 6"]),
            (
                "Environments by severity",
                &[
                    "Critical 5",
                    "High 20",
                    "Medium 50",
                    "Low 161",
                    "Unspecified 1",
                ],
            ),
            (
                "latest-indexed by severity",
                &[
                    "Critical 12",
                    "High 40",
                    "Medium 131",
                    "Low 310",
                    "Unspecified 6",
                ],
            ),
            (
                "Critical and high by stream",
                &["latest-indexed 52", "production 3", "staging 22"],
            ),
            ("Change within a day", &["production 2"]),
        ],
    );
    check(
        prometheus,
        board,
        Some(("org", "globex")),
        &[
            ("Critical", &["environments 2", "latest-indexed 7"]),
            ("High", &["environments 1", "latest-indexed 8"]),
            ("Medium", &["environments 0", "latest-indexed 9"]),
            ("Low", &["environments 5", "latest-indexed 10"]),
            ("Unspecified", &["environments 3", "latest-indexed 11"]),
            (
                "Environments by severity",
                &["Critical 2", "High 1", "Medium 0", "Low 5", "Unspecified 3"],
            ),
            (
                "latest-indexed by severity",
                &[
                    "Critical 7",
                    "High 8",
                    "Medium 9",
                    "Low 10",
                    "Unspecified 11",
                ],
            ),
            (
                "Critical and high by stream",
                &["latest-indexed 15", "production 3", "web 0"],
            ),
            ("Change within a day", &["production -7"]),
        ],
    );
}

fn check_policies(prometheus: &Prometheus) {
    let board = "policies";
    check(
        prometheus,
        board,
        None,
        &[
            (
                "Compliance of environments",
                &["acme 0.857", "globex 0.667"],
            ),
            (
                "Compliance of latest-indexed",
                &["acme 0.878", "globex 0.875"],
            ),
            ("Policies met", &["acme 1", "globex 0"]),
            ("Policies violated", &["acme 3", "globex 1"]),
            ("Policies not evaluated", &["acme 0", "globex 1"]),
            (
                "Now",
                &[
                    "acme | latest-indexed | Default non-root user | 38 | 41 | 92.6",
                    "acme | production | Default non-root user | 12 | 12 | 100",
                    "acme | staging | Default non-root user | 7 | 9 | 77.7",
                    "globex | latest-indexed | Default non-root user | 3 | 4 | 75",
                    "globex | production | Default non-root user | 1 | 2 | 50",
                    "globex | web | Default non-root user | 1 | 1 | 100",
                    "acme | latest-indexed | No AGPL v3 licenses | 41 | 41 | 100",
                    "acme | production | No AGPL v3 licenses | 12 | 12 | 100",
                    "acme | staging | No AGPL v3 licenses | 9 | 9 | 100",
                    "globex | latest-indexed | No AGPL v3 licenses | 4 | 4 | 100",
                    "globex | production | No AGPL v3 licenses | 0 | 0 | ",
                    "globex | web | No AGPL v3 licenses | 0 | 0 | ",
                    "acme | latest-indexed | No fixable critical or high vulnerabilities | 29 | 41 | 70.7",
                    "acme | production | No fixable critical or high vulnerabilities | 12 | 12 | 100",
                    "acme | staging | No fixable critical or high vulnerabilities | 8 | 9 | 88.8",
                    "acme | latest-indexed | Supply chain attestations | 0 | 0 | ",
                    "acme | production | Supply chain attestations | 12 | 12 | 100",
                    "acme | staging | Supply chain attestations | 0 | 9 | 0",
                ],
            ),
            (
                "Compliance by stream",
                &[
                    "acme latest-indexed 0.878",
                    "acme production 1",
                    "acme staging 0.667",
                    "globex latest-indexed 0.875",
                    "globex production 0.5",
                    "globex web 1",
                ],
            ),
            (
                "Violations by stream",
                &[
                    "acme latest-indexed 15",
                    "acme production 0",
                    "acme staging 12",
                    "globex latest-indexed 1",
                    "globex production 1",
                    "globex web 0",
                ],
            ),
        ],
    );
    check(
        prometheus,
        board,
        Some(("policy", "Default non-root user")),
        &[(
            "$policy",
            &[
                "acme latest-indexed 0.927",
                "acme production 1",
                "acme staging 0.778",
                "globex latest-indexed 0.75",
                "globex production 0.5",
                "globex web 1",
            ],
        )],
    );
    check(
        prometheus,
        board,
        Some(("policy", "No AGPL v3 licenses")),
        &[(
            "$policy",
            &[
                "acme latest-indexed 1",
                "acme production 1",
                "acme staging 1",
                "globex latest-indexed 1",
            ],
        )],
    );
}

fn check_variables(prometheus: &Prometheus) {
    let organizations = vec!["acme", "globex"];
    let environments = vec!["production", "staging", "web"];
    let policies = vec![
        "Default non-root user",
        "No AGPL v3 licenses",
        "No fixable critical or high vulnerabilities",
        "Supply chain attestations",
    ];
    let values = |variables: Vec<(String, String)>, all| -> Vec<Vec<String>> {
        let variables = variables.into_iter();
        variables
            .map(|(series, label)| prometheus.label_values(&filled_in(&series, all), &label))
            .collect()
    };
    for (board, expected) in [
        ("exporter", vec![organizations.clone()]),
        (
            "vulnerabilities",
            vec![organizations.clone(), environments.clone()],
        ),
        ("policies", vec![organizations, environments, policies]),
    ] {
        assert_eq!(
            values(grafana_variables(board), ALL[0]),
            expected,
            "{board}"
        );
        if BOARDS.contains(&board) {
            assert_eq!(values(perses_variables(board), ALL[1]), expected, "{board}");
        }
    }
}

/// Checks the alerts that fire, and that those without an organization are listed whatever is selected.
fn check_alerts(scraped: Scraped) {
    let Scraped {
        exporter,
        prometheus,
        ..
    } = scraped;
    let listed = |board: fn(&str) -> Vec<Panel>, organization| {
        let panels = board("vulnerabilities");
        let panel = panels.iter().find(|panel| panel.title == "Firing alerts");
        let rows = shown(&prometheus, panel.unwrap(), [organization, ".*", ".*"]);
        let rows = rows.iter().map(|row| {
            let cells: Vec<&str> = row.splitn(3, " | ").collect();
            let [alert, since, rest] = cells[..] else {
                panic!("{row}");
            };
            let since = Duration::from_millis(since.parse().unwrap());
            let age = SystemTime::now().duration_since(UNIX_EPOCH + since);
            assert!(age.unwrap() < Duration::from_secs(600), "{row}");
            format!("{alert} | {rest}")
        });
        rows.collect::<Vec<_>>()
    };
    let expected = [
        "ScoutCriticalVulnerabilities | high | acme | staging | ",
        "ScoutCriticalVulnerabilities | high | globex | production | ",
        "ScoutPolicyCompliance | low | acme | staging | Default non-root user",
    ];
    for board in [grafana, perses] {
        eventually("vulnerabilities and policies are reported", || {
            let rows = listed(board, "(acme|globex)");
            let is_listed = |row: &&str| rows.iter().any(|listed| listed == row);
            expected.iter().all(is_listed).then_some(())
        });
        let rows = listed(board, "acme");
        // An alert about the exporter is of no organization, and a scrape can fail on a busy machine.
        assert!(rows.iter().any(|row| row.contains("| acme |")), "{rows:?}");
        assert!(
            !rows.iter().any(|row| row.contains("| globex |")),
            "{rows:?}"
        );
    }
    drop(exporter);
    for board in [grafana, perses] {
        eventually("the exporter is reported to be down", || {
            let rows = listed(board, "acme");
            rows.iter()
                .any(|row| row.starts_with("ScoutExporterDown | high |"))
                .then_some(())
        });
    }
}

/// Returns the queries of the exporter's own board, about all organizations.
pub(crate) fn queries_about_the_exporter() -> Vec<String> {
    let panels = grafana("exporter");
    let queries = panels.iter().flat_map(|panel| &panel.queries);
    let queries: Vec<String> = queries
        .map(|query| {
            let query = query.expression.replace("$__rate_interval", "10s");
            filled_in(&query, ALL[0])
        })
        .collect();
    assert!(queries.len() >= 10);
    queries
}
