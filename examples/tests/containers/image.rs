//! The files and the metadata of the image.

use std::{fs, io::Read, path::PathBuf, process::Command};

use flate2::read::ZlibDecoder;
use serde_json::{Value, json};

use crate::{
    checkout::{checkout, image, run},
    docker::{HARDENED, Temporary, docker, eventually, inspect, is_there, say},
};

#[test]
fn describes_itself() {
    if !is_there() {
        return;
    }
    let inspected = inspect(image());
    let config = &inspected["Config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(config["Volumes"], Value::Null);
    assert_eq!(config["Entrypoint"], json!(["/usr/local/bin/exporter"]));
    assert_eq!(config["Cmd"], Value::Null);
    assert_eq!(config["ExposedPorts"], json!({"10990/tcp": {}}));
    assert_eq!(config["StopSignal"], "SIGTERM");
    let check = json!(["CMD", "/usr/local/bin/exporter", "healthcheck"]);
    assert_eq!(config["Healthcheck"]["Test"], check);
    for name in [
        "created",
        "description",
        "licenses",
        "revision",
        "source",
        "title",
        "version",
    ] {
        let label = &config["Labels"][format!("org.opencontainers.image.{name}")];
        assert!(
            label.as_str().is_some_and(|text| !text.is_empty()),
            "{name}"
        );
    }
    let bytes = inspected["Size"].as_u64().unwrap();
    assert!(bytes < 13_000_000, "the image has {bytes} bytes");
}

/// Unpacks the layers of the image, and returns the directory with a line for each file in them.
fn layers() -> (tempfile::TempDir, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("image.tar");
    docker(&["save", "--output", archive.to_str().unwrap(), image()]);
    unpack(directory.path(), &archive);
    let manifest = fs::read_to_string(directory.path().join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let layers = manifest[0]["Layers"].as_array().unwrap();
    let mut files = Vec::new();
    for layer in layers {
        let layer = directory.path().join(layer.as_str().unwrap());
        let mut command = Command::new("tar");
        command.args(["--numeric-owner", "--list", "--verbose", "--file"]);
        files.extend(run(command.arg(&layer)).lines().map(describe));
        unpack(directory.path(), &layer);
    }
    (directory, files)
}

fn unpack(directory: &std::path::Path, archive: &PathBuf) {
    let mut command = Command::new("tar");
    command.args(["--extract", "--directory"]).arg(directory);
    run(command.arg("--file").arg(archive));
}

/// Returns the mode, the owner and the name in a line of `tar --list --verbose`.
fn describe(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    [words[0], words[1], words[words.len() - 1]].join(" ")
}

#[test]
fn holds_the_program_and_its_directory_and_nothing_else() {
    if !is_there() {
        return;
    }
    let (_, mut files) = layers();
    files.sort();
    files.dedup();
    let expected = [
        "-rwxr-xr-x 0/0 usr/local/bin/exporter",
        "drwx------ 65532/65532 var/lib/scout-metrics/",
        "drwxr-xr-x 0/0 usr/",
        "drwxr-xr-x 0/0 usr/local/",
        "drwxr-xr-x 0/0 usr/local/bin/",
        "drwxr-xr-x 0/0 var/",
        "drwxr-xr-x 0/0 var/lib/",
    ];
    assert_eq!(files, expected);
}

#[test]
fn lists_its_crates_for_scanners() {
    if !is_there() {
        return;
    }
    let (directory, _) = layers();
    let section = directory.path().join("crates");
    let mut command = Command::new("objcopy");
    command.arg(format!("--dump-section=.dep-v0={}", section.display()));
    command.arg(directory.path().join("usr/local/bin/exporter"));
    run(command.arg("/dev/null"));
    let mut text = String::new();
    let compressed = fs::File::open(&section).unwrap();
    ZlibDecoder::new(compressed)
        .read_to_string(&mut text)
        .unwrap();
    let listed: Value = serde_json::from_str(&text).unwrap();
    let packages = listed["packages"].as_array().unwrap();
    for name in ["rustls", "scout-metrics-http", "tokio"] {
        assert!(
            packages.iter().any(|package| package["name"] == name),
            "{name}"
        );
    }
}

/// It must not need a file that the image does not have, such as a list of certificate authorities.
#[test]
fn has_certificate_authorities_compiled_in() {
    if !is_there() {
        return;
    }
    let (directory, _) = layers();
    let program = fs::read(directory.path().join("usr/local/bin/exporter")).unwrap();
    // A name in the certificate of a well-known authority.
    let name = b"ISRG Root X1";
    assert!(program.windows(name.len()).any(|window| window == name));
}

#[test]
fn runs_without_privileges_and_starts_at_once() {
    if !is_there() {
        return;
    }
    let name = image();
    let demo = [name, "--demo", "--org=acme"];
    let begin = jiff::Timestamp::now();
    let container = Temporary::container(&[&HARDENED[..], &demo].concat());
    let line = eventually("it listens", || {
        let log = container.log();
        let line = log.lines().find(|line| line.contains("listening"));
        line.map(str::to_owned)
    });
    let listening: jiff::Timestamp = line.split(' ').next().unwrap().parse().unwrap();
    let milliseconds = listening.duration_since(begin).as_millis();
    say(&format!(
        "the exporter listens {milliseconds} ms after `docker run`"
    ));
    assert!(milliseconds < 10_000);
    docker(&[
        "exec",
        &container.id,
        "/usr/local/bin/exporter",
        "healthcheck",
    ]);
}

fn bake(options: &[&str]) -> String {
    image();
    let mut command = Command::new("docker");
    command.current_dir(checkout());
    command.args(["buildx", "bake", "--file", "examples/docker-bake.hcl"]);
    for (name, value) in RELEASE {
        command.env(name.to_uppercase(), value);
    }
    run(command.args(options))
}

/// The build arguments of a release, which become labels of the image.
const RELEASE: [(&str, &str); 4] = [
    ("created", "2026-11-26T00:00:00Z"),
    ("revision", "0123456789abcdef"),
    ("source", "https://source.example"),
    ("version", "1.2.3"),
];

#[test]
fn is_baked_with_its_origin() {
    if !is_there() {
        return;
    }
    let printed: Value = serde_json::from_str(&bake(&["--print"])).unwrap();
    let attestations = printed["target"]["exporter"]["attest"].as_array().unwrap();
    let types: Vec<_> = attestations
        .iter()
        .map(|attestation| &attestation["type"])
        .collect();
    assert_eq!(types, ["provenance", "sbom"]);

    // Not every engine can keep attestations, and the base is a stand-in that is in no registry.
    bake(&[
        "--load",
        "--provenance=false",
        "--sbom=false",
        "--set=exporter.pull=false",
        "--set=exporter.tags=scout-metrics-exporter:baked",
    ]);
    let baked = inspect("scout-metrics-exporter:baked");
    for (name, value) in RELEASE {
        let label = &baked["Config"]["Labels"][format!("org.opencontainers.image.{name}")];
        assert_eq!(label, value, "{name}");
    }
    assert_eq!(baked["RootFS"], inspect(image())["RootFS"]);
}
