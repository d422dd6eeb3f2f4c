//! The JSON form of a snapshot is stable, and nothing is lost in it.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::time::{Duration, SystemTime};

use proptest::{collection, option, prelude::*, sample};
use scout_metrics_core::{
    Anomaly, AnomalyKind, Change, Organization, Policy, PolicyResult, RawSample, Severity,
    Snapshot, Stream, VulnerabilityCounts,
};

/// Every character with a meaning in an exposition, in JSON or on a terminal.
const ODD_NAME: &str = ",={}\"\\\n\r\t\0é\u{1F600}<script>";

#[test]
fn the_form_is_stable() {
    let production = Stream::new("production")
        .with_vulnerabilities("5C 3H 6M 63L 6?".parse().unwrap())
        .with_policy(PolicyResult::new(Policy::new("p1", "No copyleft"), 3, 4).unwrap())
        .with_policy(PolicyResult::new(Policy::new("p2", ""), 0, 0).unwrap());
    let partly_reported = VulnerabilityCounts::new().with(Severity::High, 0).unwrap();
    let partly_reported = partly_reported.with_unrecognized("AWFUL", 7).unwrap();
    let streams = [
        production,
        Stream::new("latest-indexed").with_vulnerabilities(partly_reported),
        Stream::new(ODD_NAME),
    ];
    let labels = vec![("severity".to_owned(), "AWFUL".to_owned())];
    let sample = RawSample::new("scout_stream_vulnerabilities", labels, 7.0);
    let unplaced = RawSample::new("up", Vec::new(), f64::NAN);
    let anomalies = vec![
        Anomaly::new(AnomalyKind::UnknownSeverity, "unknown severity \"AWFUL\"")
            .with_line(7)
            .with_sample(sample),
        Anomaly::new(AnomalyKind::UnknownFamily, "unknown family").with_unplaced(unplaced),
        Anomaly::new(AnomalyKind::CompliantExceedsEvaluated, "3 of 2 comply"),
    ];
    let snapshot = Snapshot::new(Organization::new("acme").unwrap(), streams)
        .unwrap()
        .with_scraped_at(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250))
        .with_anomalies(anomalies);

    insta::assert_json_snapshot!(snapshot, @r#"
    {
      "organization": "acme",
      "scraped_at": "2023-11-14T22:13:20.25Z",
      "streams": [
        {
          "name": "production",
          "vulnerabilities": {
            "CRITICAL": 5,
            "HIGH": 3,
            "MEDIUM": 6,
            "LOW": 63,
            "UNSPECIFIED": 6
          },
          "policies": [
            {
              "id": "p1",
              "display_name": "No copyleft",
              "compliant": 3,
              "evaluated": 4
            },
            {
              "id": "p2",
              "display_name": "",
              "compliant": 0,
              "evaluated": 0
            }
          ]
        },
        {
          "name": "latest-indexed",
          "vulnerabilities": {
            "HIGH": 0,
            "AWFUL": 7
          },
          "policies": []
        },
        {
          "name": ",={}\"\\\n\r\t\u0000é😀<script>",
          "vulnerabilities": {},
          "policies": []
        }
      ],
      "anomalies": [
        {
          "kind": "unknown_severity",
          "message": "unknown severity \"AWFUL\"",
          "line": 7,
          "sample": {
            "name": "scout_stream_vulnerabilities",
            "labels": [
              [
                "severity",
                "AWFUL"
              ]
            ],
            "value": "7"
          }
        },
        {
          "kind": "unknown_family",
          "message": "unknown family",
          "sample": {
            "name": "up",
            "labels": [],
            "value": "NaN"
          },
          "unplaced": true
        },
        {
          "kind": "compliant_exceeds_evaluated",
          "message": "3 of 2 comply"
        }
      ]
    }
    "#);
}

#[test]
fn the_names_of_kinds_of_anomalies_are_stable() {
    insta::assert_json_snapshot!(AnomalyKind::ALL, @r#"
    [
      "compliant_exceeds_evaluated",
      "deviation",
      "display_name_conflict",
      "duplicate_sample",
      "empty",
      "missing_label",
      "other",
      "unexpected_detail",
      "unexpected_type",
      "unknown_family",
      "unknown_label",
      "unknown_severity",
      "unpaired_sample"
    ]
    "#);
    for kind in AnomalyKind::ALL {
        assert_eq!(Anomaly::new(*kind, "").kind_name(), kind.to_string());
        let json = serde_json::to_string(kind).unwrap();
        assert_eq!(serde_json::from_str::<AnomalyKind>(&json).unwrap(), *kind);
    }
}

#[test]
fn what_a_later_version_adds_is_kept() {
    let json = r#"{
        "organization": "acme",
        "scraped_at": "2023-11-14T22:13:20Z",
        "streams": [{"name": "a", "vulnerabilities": {"HIGH": 1, "AWFUL": 7, "high": 2}, "new": 1}],
        "anomalies": [{"kind": "solar_eclipse", "message": "dark"}],
        "new": true
    }"#;
    let snapshot: Snapshot = serde_json::from_str(json).unwrap();
    let counts = snapshot.streams()[0].vulnerabilities();
    let unrecognized: Vec<(&str, u64)> = counts.unrecognized().collect();
    assert_eq!(unrecognized, [("AWFUL", 7), ("high", 2)]);
    let anomaly = &snapshot.anomalies()[0];
    assert_eq!(anomaly.kind(), AnomalyKind::Other);
    assert_eq!(anomaly.kind_name(), "solar_eclipse");

    let written = serde_json::to_string(&snapshot).unwrap();
    assert!(written.contains(r#"{"HIGH":1,"AWFUL":7,"high":2}"#));
    assert!(written.contains(r#"{"kind":"solar_eclipse","message":"dark"}"#));
    assert_eq!(
        serde_json::from_str::<Snapshot>(&written).unwrap(),
        snapshot
    );
}

#[test]
fn an_anomaly_without_a_sample_is_not_unplaced() {
    let json = r#"{"kind":"unknown_family","message":"x","unplaced":true}"#;
    let anomaly: Anomaly = serde_json::from_str(json).unwrap();
    assert!(!anomaly.is_unplaced());
}

#[test]
fn floats_that_json_does_not_have_survive() {
    for value in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        f64::MIN_POSITIVE,
    ] {
        let sample = RawSample::new("m", Vec::new(), value);
        let json = serde_json::to_string(&sample).unwrap();
        let read: RawSample = serde_json::from_str(&json).unwrap();
        assert_eq!(read, sample, "{json}");
    }
    let sample = |value| RawSample::new("m", Vec::new(), value);
    assert_ne!(sample(0.0), sample(-0.0));
}

#[test]
fn invalid_values_are_rejected_in_json() {
    let message = |streams: &str| {
        let json = format!(
            r#"{{"organization":"acme","scraped_at":"2023-11-14T22:13:20Z","streams":[{streams}]}}"#
        );
        let error = serde_json::from_str::<Snapshot>(&json).unwrap_err();
        let message = error.to_string();
        match message.split_once(" at line ") {
            Some((message, _position)) => message.to_owned(),
            None => message,
        }
    };
    let cases = [
        (
            r#"{"name":"a"},{"name":"a"}"#,
            r#"organization `acme`: the stream name "a" occurs twice"#,
        ),
        (
            r#"{"name":"a","vulnerabilities":{"HIGH":-1}}"#,
            "invalid value: integer `-1`, expected u64",
        ),
        (
            r#"{"name":"a","vulnerabilities":{"HIGH":9007199254740993}}"#,
            "9007199254740993 HIGH vulnerabilities exceed the limit of 9007199254740992",
        ),
        (
            r#"{"name":"a","vulnerabilities":{"AWFUL":9007199254740993}}"#,
            r#"9007199254740993 "AWFUL" vulnerabilities exceed the limit of 9007199254740992"#,
        ),
        (
            r#"{"name":"a","vulnerabilities":{"HIGH":1,"HIGH":1}}"#,
            r#"the severity "HIGH" occurs twice"#,
        ),
        (
            r#"{"name":"a","vulnerabilities":{"AWFUL":1,"AWFUL":2}}"#,
            r#"the severity "AWFUL" occurs twice"#,
        ),
        (
            r#"{"name":"a","vulnerabilities":{"":1}}"#,
            "the name of a severity is empty",
        ),
        (
            r#"{"name":"a","policies":[{"id":"p","display_name":"P","compliant":1.5,"evaluated":2}]}"#,
            "invalid type: floating point `1.5`, expected u64",
        ),
    ];
    for (streams, expected) in cases {
        assert_eq!(message(streams), expected);
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_in_json(snapshot in snapshots()) {
        let json = serde_json::to_string(&snapshot).unwrap();
        let read: Snapshot = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(read, snapshot);
    }

    #[test]
    fn changes_survive_json(before in snapshots(), after in snapshots()) {
        for change in after.changes_since(&before) {
            let json = serde_json::to_string(&change).unwrap();
            prop_assert_eq!(serde_json::from_str::<Change>(&json).unwrap(), change);
        }
    }

    #[test]
    fn no_two_different_counts_are_without_a_change(before in counts(), after in counts()) {
        let snapshot = |counts: &VulnerabilityCounts| {
            let stream = Stream::new("a").with_vulnerabilities(counts.clone());
            Snapshot::new(Organization::new("acme").unwrap(), [stream]).unwrap()
        };
        let changes = snapshot(&after).changes_since(&snapshot(&before));
        prop_assert_eq!(changes.is_empty(), before == after);
        let is_worse = changes.iter().any(Change::is_worse);
        prop_assert!(is_worse || after.total() <= before.total());
    }

    /// The shorthand leaves out an unspecified count of zero, and parses a missing one as zero.
    #[test]
    fn the_shorthand_parses_what_it_writes(counts in known_counts()) {
        let text = counts.to_string();
        let read: VulnerabilityCounts = text.parse().unwrap();
        prop_assert_eq!(read.to_string(), text);
        for severity in Severity::ALL {
            prop_assert_eq!(read[severity], counts[severity]);
        }
        for severity in &Severity::ALL[..4] {
            prop_assert_eq!(read.get(*severity), counts.get(*severity));
        }
    }

    #[test]
    fn the_shorthand_writes_what_it_parses(text in "[0-9CHMLx?\\- +é]{0,24}") {
        if let Ok(counts) = text.parse::<VulnerabilityCounts>() {
            let read: VulnerabilityCounts = counts.to_string().parse().unwrap();
            prop_assert_eq!(read.total(), counts.total());
        }
    }
}

fn names() -> impl Strategy<Value = String> {
    let odd: Vec<char> = ODD_NAME.chars().collect();
    let characters = prop_oneof![sample::select(odd), any::<char>()];
    collection::vec(characters, 1..12).prop_map(String::from_iter)
}

fn known_counts() -> impl Strategy<Value = VulnerabilityCounts> {
    let count = option::of(prop_oneof![0..10_u64, 0..=Snapshot::MAX_COUNT]);
    proptest::array::uniform5(count).prop_map(|counts| {
        Severity::ALL
            .into_iter()
            .zip(counts)
            .filter_map(|(severity, count)| Some((severity, count?)))
            .fold(VulnerabilityCounts::new(), |counts, (severity, count)| {
                counts.with(severity, count).unwrap()
            })
    })
}

fn counts() -> impl Strategy<Value = VulnerabilityCounts> {
    let unrecognized = collection::btree_map(names(), 0..=Snapshot::MAX_COUNT, 0..3);
    (known_counts(), unrecognized).prop_map(|(counts, unrecognized)| {
        unrecognized
            .into_iter()
            .fold(counts, |counts, (name, count)| {
                counts.with_unrecognized(&name, count).unwrap()
            })
    })
}

fn policies() -> impl Strategy<Value = Vec<PolicyResult>> {
    let counts = 0..=Snapshot::MAX_COUNT;
    let result = (names(), counts.clone(), counts);
    collection::btree_map(names(), result, 0..4).prop_map(|policies| {
        policies
            .into_iter()
            .map(|(id, (name, compliant, evaluated))| {
                PolicyResult::new(Policy::new(id, name), compliant, evaluated).unwrap()
            })
            .collect()
    })
}

fn streams() -> impl Strategy<Value = Vec<Stream>> {
    collection::btree_map(names(), (counts(), policies()), 0..5).prop_map(|streams| {
        streams
            .into_iter()
            .map(|(name, (counts, policies))| {
                let stream = Stream::new(name).with_vulnerabilities(counts);
                policies.into_iter().fold(stream, Stream::with_policy)
            })
            .collect()
    })
}

fn samples() -> impl Strategy<Value = RawSample> {
    let labels = collection::vec((names(), names()), 0..3);
    let value = proptest::num::f64::ANY;
    (names(), labels, value).prop_map(|(name, labels, value)| RawSample::new(name, labels, value))
}

fn anomalies() -> impl Strategy<Value = Anomaly> {
    let kinds = prop_oneof![
        sample::select(AnomalyKind::ALL).prop_map(|kind| kind.to_string()),
        names()
    ];
    let lines = option::of(any::<u64>());
    let samples = option::of((samples(), any::<bool>()));
    (kinds, names(), lines, samples).prop_map(|(kind, message, line, sample)| {
        let mut anomaly = anomaly_of(&kind, &message);
        if let Some(line) = line {
            anomaly = anomaly.with_line(line);
        }
        match sample {
            None => anomaly,
            Some((sample, true)) => anomaly.with_unplaced(sample),
            Some((sample, false)) => anomaly.with_sample(sample),
        }
    })
}

/// Returns an anomaly of any kind: unknown ones exist only in JSON.
fn anomaly_of(kind: &str, message: &str) -> Anomaly {
    let json = serde_json::json!({"kind": kind, "message": message});
    let anomaly: Anomaly = serde_json::from_value(json).unwrap();
    assert_eq!(anomaly.kind_name(), kind);
    anomaly
}

fn snapshots() -> impl Strategy<Value = Snapshot> {
    // Up to the latest time of a snapshot.
    let times = (0..=253_402_207_200_u64, 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanos)| SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos));
    let anomalies = collection::vec(anomalies(), 0..3);
    (streams(), times, anomalies).prop_map(|(streams, time, anomalies)| {
        Snapshot::new(Organization::new("acme").unwrap(), streams)
            .unwrap()
            .with_scraped_at(time)
            .with_anomalies(anomalies)
    })
}
