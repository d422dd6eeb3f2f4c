//! Gates in a TOML file.

use scout_metrics_core::{
    AnomalyKind, ErrorKind, Severity,
    gate::{Baseline, Gate, Rule},
};

use crate::{DAY, HOUR};

#[test]
fn the_documented_file_can_be_read() {
    let gate = Gate::from_toml(include_str!("../../src/gate/rules.toml")).unwrap();
    let baseline = Baseline::ago(7 * DAY).with_tolerance(2 * DAY);
    let expected = Gate::new([
        Rule::max_age(25 * HOUR),
        Rule::max(Severity::Critical, 0)
            .with_name("no criticals in production")
            .with_stream("production"),
        Rule::max_at_least(Severity::High, 10)
            .with_streams(["staging", "latest-indexed"])
            .with_anomaly_allowed(AnomalyKind::UnknownFamily)
            .with_deviation_allowed("late_metadata"),
        Rule::min_compliance(0.9)
            .with_policy("default-non-root-user")
            .with_unevaluated_allowed(),
        Rule::all_policies_pass().with_stream("production"),
        Rule::no_worse_than(baseline)
            .with_at_least(Severity::Low)
            .with_missing_allowed(),
    ]);
    assert_eq!(gate, expected.unwrap());
}

/// Returns the message of the error in a file.
fn message(text: &str) -> String {
    let error = Gate::from_toml(text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

#[test]
fn an_error_names_the_line_and_the_key() {
    let rule = |lines: &str| {
        let text = format!("\n[[vulnerabilities]]\nseverity = 'HIGH'\nmax = 0\n{lines}");
        message(&text)
    };
    for (error, expected) in [
        (message(""), "line 1: a gate needs at least one rule"),
        (
            message("max_age '1h'"),
            "line 1: key with no value, expected `=`",
        ),
        (
            message("max_age = '1h'\nmax_age = '2h'"),
            "line 2: duplicate key",
        ),
        (
            message("max_ages = '1h'"),
            "line 1: unknown field `max_ages`, expected one of `max_age`, `vulnerabilities`, `compliance`, `no_worse`",
        ),
        (
            message("max_age = 3600"),
            "line 1, `max_age`: invalid type: integer `3600`, expected a string",
        ),
        (
            message("max_age = '1 month'"),
            r#"line 1, `max_age`: expected a time above zero such as 25h, 7d or 2w, found "1 month""#,
        ),
        (
            message("max_age = '0s'"),
            r#"line 1, `max_age`: expected a time above zero such as 25h, 7d or 2w, found "0s""#,
        ),
        (
            message("[[vulnerabilities]]\nmax = 0"),
            "line 1, `vulnerabilities`: expected one of `severity` and `at_least`",
        ),
        (
            rule("at_least = 'HIGH'"),
            "line 2, `vulnerabilities`: expected one of `severity` and `at_least`",
        ),
        (
            rule("min = 0"),
            "line 5, `vulnerabilities`: unknown field `min`, expected one of `name`, `stream`, `severity`, `at_least`, `max`, `allow_missing`, `allow_anomalies`",
        ),
        (
            rule("stream = []"),
            "line 5, `vulnerabilities.stream`: the array is empty",
        ),
        (
            rule("stream = ''"),
            "line 5, `vulnerabilities.stream`: the name is empty",
        ),
        (
            rule("stream = ['a', 1]"),
            "line 5, `vulnerabilities.stream`: invalid type: integer `1`, expected a string",
        ),
        (
            rule("stream = 1"),
            "line 5, `vulnerabilities.stream`: invalid type: integer `1`, expected a name or an array of names",
        ),
        (
            rule("allow_anomalies = ['new']"),
            "line 5, `vulnerabilities.allow_anomalies`: unknown kind of anomaly \"new\", expected one of compliant_exceeds_evaluated, deviation, display_name_conflict, duplicate_sample, empty, missing_label, other, unexpected_detail, unexpected_type, unknown_family, unknown_label, unknown_severity, unpaired_sample",
        ),
        (
            message("[[vulnerabilities]]\nseverity = 'high'\nmax = 0"),
            r#"line 2, `vulnerabilities.severity`: unknown severity "high", expected CRITICAL, HIGH, MEDIUM, LOW or UNSPECIFIED"#,
        ),
        (
            message("[[vulnerabilities]]\nseverity = 'HIGH'\nmax = -1"),
            "line 3, `vulnerabilities.max`: expected a whole number from 0, found -1",
        ),
        (
            message("[[compliance]]\nmin = 90"),
            "line 2, `compliance.min`: expected a number from 0 to 1, found 90",
        ),
        (
            message("[[compliance]]\nmin = nan"),
            "line 2, `compliance.min`: expected a number from 0 to 1, found NaN",
        ),
        (
            message("max_age = '1h'\n[compliance]\nmin = 0.9"),
            "line 2, `compliance`: invalid type: map, expected an array of tables, with the name in double brackets",
        ),
        (
            message("[[no_worse]]\nat_least = 'LOW'"),
            "line 1, `no_worse`: missing field `than`",
        ),
        (
            message("[[no_worse]]\nthan = 'yesterday'"),
            r#"line 2, `no_worse.than`: expected a time above zero such as 25h, 7d or 2w, found "yesterday""#,
        ),
    ] {
        assert_eq!(error, expected);
    }
}
