//! The panels in the files of the boards, in one form for Grafana and Perses.

use std::fs;

use serde_json::Value;

use crate::support::examples;

/// A panel of a board, the same for both tools.
#[derive(Debug, PartialEq)]
pub(super) struct Panel {
    pub(super) title: String,
    /// The variable for each of whose values the panel is shown once.
    pub(super) repeat: Option<String>,
    pub(super) queries: Vec<Query>,
    /// The columns, if the panel is a table.
    pub(super) columns: Vec<Column>,
    /// The colours and the values that they start from, of the panel or of each column; the first has no value.
    pub(super) colours: Vec<Vec<(Option<f64>, String)>>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Query {
    pub(super) expression: String,
    pub(super) legend: String,
}

#[derive(Debug, PartialEq)]
pub(super) struct Column {
    pub(super) header: String,
    pub(super) content: Content,
}

#[derive(Debug, PartialEq)]
pub(super) enum Content {
    Label(String),
    /// The value of a query, by its index.
    Value(usize),
}

pub(super) fn read(path: &str) -> Value {
    serde_json::from_slice(&fs::read(examples().join("prometheus").join(path)).unwrap()).unwrap()
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Reads a board of Grafana. Panels after a row that is repeated are repeated with it.
pub(super) fn grafana(name: &str) -> Vec<Panel> {
    let board = read(&format!("grafana/dashboards/{name}.json"));
    let mut of_row = None;
    let mut panels = Vec::new();
    for panel in list(&board["panels"]) {
        let repeat = panel["repeat"].as_str().map(str::to_owned);
        if panel["type"] == "row" {
            of_row = repeat;
        } else {
            panels.push(grafana_panel(panel, repeat.or_else(|| of_row.clone())));
        }
    }
    panels
}

fn grafana_panel(panel: &Value, repeat: Option<String>) -> Panel {
    let queries = list(&panel["targets"]).map(|target| Query {
        expression: text(&target["expr"]),
        legend: text(&target["legendFormat"]),
    });
    let names: Vec<String> = list(&panel["targets"])
        .map(|target| text(&target["refId"]))
        .collect();
    let columns = list(&panel["transformations"])
        .filter(|transformation| transformation["id"] == "organize")
        .flat_map(|organize| grafana_columns(&organize["options"], &names));
    let overrides = list(&panel["fieldConfig"]["overrides"]);
    let properties = overrides.flat_map(|of_field| list(&of_field["properties"]));
    let thresholds = properties
        .filter(|property| property["id"] == "thresholds")
        .map(|property| &property["value"])
        .chain([&panel["fieldConfig"]["defaults"]["thresholds"]]);
    Panel {
        title: text(&panel["title"]),
        repeat,
        queries: queries.collect(),
        columns: columns.collect(),
        colours: thresholds.filter_map(grafana_colours).collect(),
    }
}

/// Returns the columns in the order that they are shown. Grafana calls a value `Value #` and the name of the query.
fn grafana_columns(options: &Value, names: &[String]) -> Vec<Column> {
    let mut columns: Vec<_> = options["indexByName"].as_object().unwrap().iter().collect();
    columns.sort_by_key(|(_, index)| index.as_u64());
    let columns = columns.into_iter().map(|(source, _)| Column {
        header: text(&options["renameByName"][source]),
        content: match source.strip_prefix("Value") {
            Some("") => Content::Value(0),
            Some(query) => {
                let name = query.strip_prefix(" #").unwrap();
                Content::Value(names.iter().position(|other| other == name).unwrap())
            }
            None => Content::Label(source.clone()),
        },
    });
    columns.collect()
}

fn grafana_colours(thresholds: &Value) -> Option<Vec<(Option<f64>, String)>> {
    let steps = thresholds["steps"].as_array()?.iter();
    let colours = steps.map(|step| (step["value"].as_f64(), text(&step["color"])));
    Some(colours.collect())
}

/// Reads a board of Perses, in the order of its layouts.
pub(super) fn perses(name: &str) -> Vec<Panel> {
    let board = read(&format!("perses/{name}.json"));
    let layouts = list(&board["spec"]["layouts"]);
    let items = layouts.flat_map(|layout| {
        let repeat = layout["spec"]["repeatVariable"].as_str();
        list(&layout["spec"]["items"]).map(move |item| (item, repeat.map(str::to_owned)))
    });
    let panels = items.map(|(item, repeat)| {
        let reference = text(&item["content"]["$ref"]);
        let panel = board.pointer(reference.strip_prefix('#').unwrap());
        perses_panel(panel.unwrap(), repeat)
    });
    panels.collect()
}

fn perses_panel(panel: &Value, repeat: Option<String>) -> Panel {
    let spec = &panel["spec"];
    let queries = list(&spec["queries"]).map(|query| {
        let query = &query["spec"]["plugin"]["spec"];
        Query {
            expression: text(&query["query"]),
            legend: text(&query["seriesNameFormat"]),
        }
    });
    let options = &spec["plugin"]["spec"];
    let columns = list(&options["columnSettings"]).map(|column| Column {
        header: text(&column["header"]),
        content: perses_content(&text(&column["name"])),
    });
    let of_columns = list(&options["columnSettings"])
        .filter_map(|column| perses_colours(&column["cellSettings"]));
    let of_panel = perses_thresholds(&options["thresholds"]);
    Panel {
        title: text(&spec["display"]["name"]),
        repeat,
        queries: queries.collect(),
        columns: columns.collect(),
        colours: of_columns.chain(of_panel).collect(),
    }
}

/// Perses calls a value `value`, with `#` and a number from one if there are several queries.
fn perses_content(name: &str) -> Content {
    match name.strip_prefix("value") {
        Some("") => Content::Value(0),
        Some(number) => {
            let number: usize = number.strip_prefix(" #").unwrap().parse().unwrap();
            Content::Value(number - 1)
        }
        None => Content::Label(name.to_owned()),
    }
}

fn perses_thresholds(thresholds: &Value) -> Option<Vec<(Option<f64>, String)>> {
    let steps = thresholds["steps"].as_array()?.iter();
    let steps = steps.map(|step| (step["value"].as_f64(), text(&step["color"])));
    let first = (None, text(&thresholds["defaultColor"]));
    Some([first].into_iter().chain(steps).collect())
}

/// Reads conditions, of which the first that is met counts, so that they start with the highest value.
fn perses_colours(settings: &Value) -> Option<Vec<(Option<f64>, String)>> {
    let settings = settings.as_array()?.iter().rev();
    let mut colours: Vec<_> = settings
        .map(|setting| {
            let least = setting["condition"]["spec"]["min"].as_f64();
            (least, text(&setting["textColor"]))
        })
        .collect();
    assert_eq!(colours[0].0, Some(0.0));
    colours[0].0 = None;
    Some(colours)
}

/// Removes what only Perses needs: its variables escape their values on request, those of Grafana always do.
pub(super) fn without_formats(expression: &str) -> String {
    ["stream", "policy"]
        .iter()
        .fold(expression.to_owned(), |expression, name| {
            expression.replace(&format!("${{{name}:regexliteral}}"), &format!("${name}"))
        })
}

/// Returns the series and the label that the variables of a board are read from.
pub(super) fn grafana_variables(name: &str) -> Vec<(String, String)> {
    let board = read(&format!("grafana/dashboards/{name}.json"));
    let variables = list(&board["templating"]["list"]);
    let queries = variables.filter_map(|variable| variable["query"]["query"].as_str());
    let variables = queries.map(|query| {
        let inner = query.strip_prefix("label_values(").unwrap();
        let (series, label) = inner.strip_suffix(')').unwrap().rsplit_once(", ").unwrap();
        (series.to_owned(), label.to_owned())
    });
    variables.collect()
}

pub(super) fn perses_variables(name: &str) -> Vec<(String, String)> {
    let board = read(&format!("perses/{name}.json"));
    let variables = list(&board["spec"]["variables"]).map(|variable| {
        let plugin = &variable["spec"]["plugin"];
        assert_eq!(plugin["kind"], "PrometheusLabelValuesVariable");
        (
            text(&plugin["spec"]["matchers"][0]),
            text(&plugin["spec"]["labelName"]),
        )
    });
    variables.collect()
}
