//! Names that older servers do not know, on the way from the upstream through the exporter to Prometheus.

use std::path::Path;

use scout_metrics_core::{Organization, Snapshot};
use scout_metrics_openmetrics::scout::SnapshotReader;

use crate::prometheus::Prometheus;
use crate::support::{Upstream, generations, start_exporter};

/// A metric and a label that this version does not know, with dots in their names.
const LATER: &str = "{\"scout.later\",\"image.digest\"=\"é\"} 7\n";

fn snapshot() -> Snapshot {
    let reader = SnapshotReader::new(Organization::new("acme").unwrap());
    reader.read(LATER.as_bytes()).unwrap()
}

#[test]
fn each_prometheus_stores_names_in_the_way_that_it_knows() {
    for prometheus in generations("prometheus") {
        // Debian's own is 2.42, the newer one is 3.5.
        let jobs: &[_] = match prometheus.is_absolute() {
            true => &[
                ("default", "{\"scout.later\",\"image.digest\"=\"é\""),
                ("values", "{\"U__scout_2e_later\",U__image_2e_digest=\"é\""),
                ("text", "{\"scout_dot_later\",image_dot_digest=\"é\""),
                // Prometheus names no scheme when it asks for protobuf.
                ("protobuf", "{\"scout_later\",image_digest=\"é\""),
            ],
            false => &[("default", "{__name__=\"scout_later\",image_digest=\"é\"")],
        };
        check_jobs(&prometheus, jobs);
    }
}

fn check_jobs(program: &Path, jobs: &[(&str, &str)]) {
    let upstream = Upstream::start(snapshot());
    let (_exporter, address) = start_exporter(upstream.exporter().args(["--org", "acme"]));
    let jobs_of = jobs.iter().map(|(job, _)| scrape_job(job, &address));
    let configuration = format!("scrape_configs:\n{}", jobs_of.collect::<String>());
    upstream.write("prometheus.yml", &configuration);
    let prometheus = Prometheus::start(program, upstream.directory.path(), &[]);
    for (job, series) in jobs {
        let query = format!("{series},job=\"{job}\",org=\"acme\"}}");
        let found = prometheus.found(&query);
        assert_eq!(found.len(), 1, "{query}");
        assert_eq!(found[0]["value"][1], "7", "{query}");
    }
}

/// Returns a scrape configuration. Those that are not the default are of Prometheus 3.
fn scrape_job(job: &str, address: &str) -> String {
    let options = match job {
        "values" => "    metric_name_escaping_scheme: values\n",
        "text" => {
            "    metric_name_escaping_scheme: dots\n    scrape_protocols: [PrometheusText1.0.0]\n"
        }
        "protobuf" => "    scrape_protocols: [PrometheusProto]\n",
        _ => "",
    };
    format!(
        "  - job_name: {job}
    scrape_interval: 1s
{options}    static_configs:
      - targets: ['{address}']
"
    )
}
