//! Expositions to measure with, the same at every run: each is generated from a seed.

use std::fmt::Write;

use fastrand::Rng;

const SEED: u64 = 0x5C0D7;

/// Docker Scout's three families with exactly this many samples.
///
/// Shaped like an organization's: `latest-indexed` and environments, five severities each, and seven policies of which
/// names are as long as Docker's own.
pub fn scout(samples: usize) -> String {
    const POLICIES: [(&str, &str); 7] = [
        ("default-non-root-user", "Default non-root user"),
        (
            "fixable-critical-high",
            "No fixable critical or high vulnerabilities",
        ),
        (
            "high-profile-vulnerabilities",
            "No high-profile vulnerabilities",
        ),
        ("no-copyleft", "No AGPL v3 licenses"),
        ("outdated-base-images", "No outdated base images"),
        ("supply-chain-attestations", "Supply chain attestations"),
        ("unapproved-base-images", "No unapproved base images"),
    ];
    const SEVERITIES: [&str; 5] = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNSPECIFIED"];
    let mut rng = Rng::with_seed(SEED);
    let per_stream = SEVERITIES.len() + 2 * POLICIES.len();
    let streams: Vec<String> = (0..samples.div_ceil(per_stream)).map(stream_name).collect();
    let mut lines = Lines {
        out: String::new(),
        left: samples,
    };

    lines.family(
        "scout_stream_vulnerabilities",
        "Vulnerabilities in a stream.",
    );
    for stream in &streams {
        for severity in SEVERITIES {
            let count = rng.u32(0..2000);
            lines.sample(format_args!(
                "scout_stream_vulnerabilities{{streamName=\"{stream}\",severity=\"{severity}\"}} {count}"
            ));
        }
    }
    for family in [
        "scout_policy_compliant_images",
        "scout_policy_evaluated_images",
    ] {
        lines.family(family, "Images of a stream.");
        for stream in &streams {
            for (id, display_name) in POLICIES {
                let count = rng.u32(0..500);
                lines.sample(format_args!(
                    "{family}{{id=\"{id}\",displayName=\"{display_name}\",streamName=\"{stream}\"}} {count}"
                ));
            }
        }
    }
    lines.out
}

/// A string takes everything that is written to it.
fn written(result: std::fmt::Result) {
    debug_assert!(result.is_ok(), "a string takes everything");
}

fn stream_name(index: usize) -> String {
    const ENVIRONMENTS: [&str; 4] = ["production", "staging", "development", "integration-tests"];
    match index {
        0 => "latest-indexed".to_owned(),
        index => format!("{}-{index}", ENVIRONMENTS[index % ENVIRONMENTS.len()]),
    }
}

struct Lines {
    out: String,
    left: usize,
}

impl Lines {
    fn family(&mut self, name: &str, help: &str) {
        let written = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} gauge");
        written.expect("a string takes everything");
    }

    fn sample(&mut self, line: std::fmt::Arguments<'_>) {
        if self.left > 0 {
            self.left -= 1;
            writeln!(self.out, "{line}").expect("a string takes everything");
        }
    }
}

/// Prometheus text of all types, like what a machine's and a Go program's exporters write, of about so many bytes.
pub fn all_types(bytes: usize) -> String {
    let mut rng = Rng::with_seed(SEED);
    let mut out = String::new();
    let mut number = 0;
    while out.len() < bytes {
        number += 1;
        written(push_machine(&mut out, number, &mut rng));
    }
    out
}

fn push_machine(out: &mut String, number: usize, rng: &mut Rng) -> std::fmt::Result {
    writeln!(
        out,
        "# HELP node_cpu_seconds_{number}_total Seconds the CPUs spent in each mode."
    )?;
    writeln!(out, "# TYPE node_cpu_seconds_{number}_total counter")?;
    for cpu in 0..8 {
        for mode in [
            "idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user",
        ] {
            let value = rng.f64() * 1e6;
            writeln!(
                out,
                "node_cpu_seconds_{number}_total{{cpu=\"{cpu}\",mode=\"{mode}\"}} {value:.2}"
            )?;
        }
    }
    for gauge in [
        "memory_Active_bytes",
        "memory_Buffers_bytes",
        "load1",
        "time_seconds",
        "procs_running",
    ] {
        writeln!(
            out,
            "# HELP node_{number}_{gauge} Machine information field {gauge}."
        )?;
        writeln!(out, "# TYPE node_{number}_{gauge} gauge")?;
        writeln!(out, "node_{number}_{gauge} {:e}", rng.f64() * 1e10)?;
    }
    writeln!(
        out,
        "# HELP go_gc_duration_{number}_seconds A summary of pauses."
    )?;
    writeln!(out, "# TYPE go_gc_duration_{number}_seconds summary")?;
    for quantile in ["0", "0.25", "0.5", "0.75", "1"] {
        let value = rng.f64() / 1e3;
        writeln!(
            out,
            "go_gc_duration_{number}_seconds{{quantile=\"{quantile}\"}} {value:e}"
        )?;
    }
    writeln!(out, "go_gc_duration_{number}_seconds_sum {}", rng.f64())?;
    writeln!(
        out,
        "go_gc_duration_{number}_seconds_count {}",
        rng.u32(0..10_000)
    )?;
    writeln!(
        out,
        "# HELP http_request_duration_{number}_seconds Latencies."
    )?;
    writeln!(
        out,
        "# TYPE http_request_duration_{number}_seconds histogram"
    )?;
    let mut count = 0;
    for bound in [
        "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf",
    ] {
        count += rng.u32(0..100);
        let name = format_args!("http_request_duration_{number}_seconds_bucket");
        writeln!(
            out,
            "{name}{{handler=\"/api/v1/query\",le=\"{bound}\"}} {count}"
        )?;
    }
    writeln!(
        out,
        "http_request_duration_{number}_seconds_sum{{handler=\"/api/v1/query\"}} {}",
        rng.f64() * 1e4
    )?;
    writeln!(
        out,
        "http_request_duration_{number}_seconds_count{{handler=\"/api/v1/query\"}} {count}"
    )
}

/// OpenMetrics with histograms of which every bucket has an exemplar, of about so many bytes.
pub fn histograms(bytes: usize) -> String {
    let mut rng = Rng::with_seed(SEED);
    let mut out = String::from(
        "# TYPE rpc_duration_seconds histogram\n# UNIT rpc_duration_seconds seconds\n# HELP rpc_duration_seconds Latencies.\n",
    );
    let mut path = 0;
    while out.len() < bytes {
        path += 1;
        written(push_histogram(&mut out, path, &mut rng));
    }
    out.push_str("# EOF\n");
    out
}

fn push_histogram(out: &mut String, path: usize, rng: &mut Rng) -> std::fmt::Result {
    let mut count = 0;
    for bound in [
        "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf",
    ] {
        count += rng.u32(0..100);
        let (trace, value, time) = (rng.u128(..), rng.f64() * 0.005, 1.6e9 + rng.f64() * 1e8);
        writeln!(
            out,
            "rpc_duration_seconds_bucket{{path=\"/v1/item/{path}\",le=\"{bound}\"}} {count} \
             # {{trace_id=\"{trace:032x}\"}} {value} {time:.3}"
        )?;
    }
    writeln!(
        out,
        "rpc_duration_seconds_count{{path=\"/v1/item/{path}\"}} {count}"
    )?;
    writeln!(
        out,
        "rpc_duration_seconds_sum{{path=\"/v1/item/{path}\"}} {}",
        rng.f64() * 1e4
    )
}

/// Samples with this many labels each, of about so many bytes.
pub fn many_labels(labels: usize, bytes: usize) -> String {
    let mut rng = Rng::with_seed(SEED);
    let mut out = String::from("# TYPE wide gauge\n");
    while out.len() < bytes {
        out.push_str("wide{");
        for label in 0..labels {
            let comma = if label > 0 { "," } else { "" };
            write!(out, "{comma}label_{label}=\"value-{}\"", rng.u32(..))
                .expect("a string takes everything");
        }
        out.push_str("} 1\n");
    }
    out
}

/// Samples of which the label values are full of escapes, of about so many bytes.
pub fn many_escapes(bytes: usize) -> String {
    let mut rng = Rng::with_seed(SEED);
    let mut out = String::from("# TYPE escaped gauge\n");
    while out.len() < bytes {
        let drive = rng.alphabetic();
        let line = format_args!(
            r#"escaped{{path="{drive}:\\Program Files\\a \"quoted\" name\\{}",note="one\ntwo\nthree"}} 1"#,
            rng.u16(..)
        );
        writeln!(out, "{line}").expect("a string takes everything");
    }
    out
}
