//! The JSON form of a snapshot is pinned, and nothing is lost on the way through it.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not see that a helper belongs to a test"
)]

use std::time::{Duration, SystemTime};

use proptest::{collection, option, prelude::*, sample};
use scout_metrics_core::{
    Anomaly, AnomalyKind, Organization, Policy, PolicyResult, RawSample, Severity, Snapshot,
    Stream, VulnerabilityCounts,
};

/// Every character that has a meaning in an exposition, in JSON or on a terminal.
const ODD_NAME: &str = ",={}\"\\\n\r\t\0é\u{1F600}<script>";

#[test]
fn the_form_is_stable() {
    let production = Stream::new("production")
        .with_vulnerabilities("5C 3H 6M 63L 6?".parse().unwrap())
        .with_policy(PolicyResult::new(Policy::new("p1", "No copyleft"), 3, 4).unwrap())
        .with_policy(PolicyResult::new(Policy::new("p2", ""), 0, 0).unwrap());
    let partly_reported = VulnerabilityCounts::new().with(Severity::High, 0).unwrap();
    let streams = [
        production,
        Stream::new("latest-indexed").with_vulnerabilities(partly_reported),
        Stream::new(ODD_NAME),
    ];
    let labels = vec![("severity".to_owned(), "AWFUL".to_owned())];
    let sample = RawSample::new("scout_stream_vulnerabilities", labels, f64::NAN);
    let anomalies = vec![
        Anomaly::new(AnomalyKind::UnknownSeverity, "unknown severity \"AWFUL\"")
            .with_line(7)
            .with_sample(sample),
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
            "HIGH": 0
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
            "value": "NaN"
          }
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
fn every_kind_of_anomaly_has_its_word() {
    let kinds = [
        AnomalyKind::CompliantExceedsEvaluated,
        AnomalyKind::Deviation,
        AnomalyKind::DisplayNameConflict,
        AnomalyKind::DuplicateSample,
        AnomalyKind::Empty,
        AnomalyKind::MissingLabel,
        AnomalyKind::UnexpectedDetail,
        AnomalyKind::UnexpectedType,
        AnomalyKind::UnknownFamily,
        AnomalyKind::UnknownLabel,
        AnomalyKind::UnknownSeverity,
        AnomalyKind::UnpairedSample,
    ];
    insta::assert_json_snapshot!(kinds, @r#"
    [
      "compliant_exceeds_evaluated",
      "deviation",
      "display_name_conflict",
      "duplicate_sample",
      "empty",
      "missing_label",
      "unexpected_detail",
      "unexpected_type",
      "unknown_family",
      "unknown_label",
      "unknown_severity",
      "unpaired_sample"
    ]
    "#);
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
fn what_the_models_refuse_is_refused_in_json() {
    let refusal = |streams: &str| {
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
            "9007199254740993 HIGH vulnerabilities are more than the largest count, 9007199254740992",
        ),
        (
            r#"{"name":"a","vulnerabilities":{"AWFUL":1}}"#,
            "unknown field `AWFUL`, expected one of `CRITICAL`, `HIGH`, `MEDIUM`, `LOW`, `UNSPECIFIED`",
        ),
        (
            r#"{"name":"a","policies":[{"id":"p","display_name":"P","compliant":1.5,"evaluated":2}]}"#,
            "invalid type: floating point `1.5`, expected u64",
        ),
    ];
    for (streams, message) in cases {
        assert_eq!(refusal(streams), message);
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_in_json(snapshot in snapshots()) {
        let json = serde_json::to_string(&snapshot).unwrap();
        let read: Snapshot = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(read, snapshot);
    }

    /// The shorthand leaves out an unspecified count of zero, and reads a missing one as zero.
    #[test]
    fn the_shorthand_reads_what_it_writes(counts in counts()) {
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
    fn whatever_the_shorthand_reads_it_can_write(text in "[0-9CHMLx?\\- +é]{0,24}") {
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

fn counts() -> impl Strategy<Value = VulnerabilityCounts> {
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

fn policies() -> impl Strategy<Value = Vec<PolicyResult>> {
    let counts = 0..=Snapshot::MAX_COUNT;
    let rest = (names(), counts.clone(), counts);
    collection::btree_map(names(), rest, 0..4).prop_map(|policies| {
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
    (names(), option::of(any::<u64>()), option::of(samples())).prop_map(
        |(message, line, sample)| {
            let mut anomaly = Anomaly::new(AnomalyKind::UnknownFamily, message);
            if let Some(line) = line {
                anomaly = anomaly.with_line(line);
            }
            if let Some(sample) = sample {
                anomaly = anomaly.with_sample(sample);
            }
            anomaly
        },
    )
}

fn snapshots() -> impl Strategy<Value = Snapshot> {
    // Up to the end of the year 9999, beyond which RFC 3339 has no text.
    let times = (0..253_402_300_800_u64, 0..1_000_000_000_u32)
        .prop_map(|(seconds, nanos)| SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos));
    let anomalies = collection::vec(anomalies(), 0..3);
    (streams(), times, anomalies).prop_map(|(streams, time, anomalies)| {
        Snapshot::new(Organization::new("acme").unwrap(), streams)
            .unwrap()
            .with_scraped_at(time)
            .with_anomalies(anomalies)
    })
}
