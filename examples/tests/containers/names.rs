//! Name resolution and TLS in an image that has no files of a C library and no certificates.

use std::fs;

use rcgen::{CertificateParams, KeyPair};

use crate::{
    checkout::image,
    docker::{HARDENED, Temporary, inspect, is_there, try_docker},
};

/// The names and addresses in the certificate of the upstream.
const NAMES: [&str; 5] = ["upstream", "in-hosts", "in-hosts-6", "short", "fd5c:a7::2"];

/// An exporter that serves demo data over TLS in a network of its own, in place of Docker Scout.
struct Upstream {
    directory: tempfile::TempDir,
    container: Temporary,
    network: Temporary,
}

impl Upstream {
    /// Starts one. Networks of tests that run at the same time have different names and addresses.
    fn start(network: &str, subnet: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
        let certificate = certificate.self_signed(&key).unwrap().pem();
        let other = KeyPair::generate().unwrap();
        let other = CertificateParams::new(["other".to_owned()])
            .unwrap()
            .self_signed(&other)
            .unwrap()
            .pem();
        let files = [
            ("token", "dckr_pat_0123456789".to_owned()),
            ("tls.crt", certificate),
            ("tls.key", key.serialize_pem()),
            ("other.crt", other),
        ];
        for (name, content) in files {
            fs::write(directory.path().join(name), content).unwrap();
        }
        let ipv6 = format!("--subnet={subnet}");
        let network = Temporary::network(&["--internal", "--ipv6", &ipv6, network]);
        let in_network = format!("--network={}", network.id);
        let files = mount(&directory);
        let options = [
            &in_network,
            "--network-alias=upstream",
            "--network-alias=short.scout.test",
            &files,
            image(),
            "--demo",
            "--org=acme",
            "--web.tls-cert-file=/files/tls.crt",
            "--web.tls-key-file=/files/tls.key",
        ];
        let container = Temporary::container(&[&HARDENED[..], &options].concat());
        Self {
            directory,
            container,
            network,
        }
    }

    fn address(&self, field: &str) -> String {
        let inspected = inspect(&self.container.id);
        let networks = inspected["NetworkSettings"]["Networks"]
            .as_object()
            .unwrap();
        let address = networks.values().next().unwrap()[field].as_str().unwrap();
        assert!(!address.is_empty(), "{field}");
        address.to_owned()
    }

    /// Fetches once from the upstream by a name, trusting the authority in a file.
    fn fetch(&self, host: &str, authority: &str, options: &[&str]) -> Result<String, String> {
        let network = format!("--network={}", self.network.id);
        let files = mount(&self.directory);
        let url = format!("--url=https://{host}:10990");
        let authority = format!("--ca-file=/files/{authority}");
        let arguments = [
            &["run", "--rm", &network, &files],
            &HARDENED[..],
            options,
            &[image(), "--org=acme", "--token-file=/files/token", "--once"],
            &[&url, &authority],
        ];
        let output = try_docker(&arguments.concat());
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() {
            Ok(text(output.stdout))
        } else {
            Err(text(output.stderr))
        }
    }
}

fn mount(directory: &tempfile::TempDir) -> String {
    // The user of the image has no other way into a directory that only its owner can enter.
    format!("--volume={}:/files:ro", directory.path().display())
}

#[test]
fn finds_hosts_by_every_kind_of_name() {
    if !is_there() {
        return;
    }
    let upstream = Upstream::start("names", "fd5c:a7::/64");
    let ipv4 = format!("--add-host=in-hosts:{}", upstream.address("IPAddress"));
    let ipv6_address = upstream.address("GlobalIPv6Address");
    let ipv6 = format!("--add-host=in-hosts-6:{ipv6_address}");
    assert_eq!(ipv6_address, "fd5c:a7::2");
    let cases: [(&str, &[&str]); 5] = [
        ("upstream", &[]),
        ("in-hosts", &[&ipv4]),
        ("in-hosts-6", &[&ipv6]),
        (
            "short",
            &["--dns-search=scout.test", "--dns-option=ndots:1"],
        ),
        ("[fd5c:a7::2]", &[]),
    ];
    for (host, options) in cases {
        let fetched = upstream.fetch(host, "tls.crt", options);
        let fetched = fetched.unwrap_or_else(|error| panic!("{host}: {error}"));
        assert!(
            fetched.contains("\nscout_stream_vulnerabilities{"),
            "{host}: {fetched}"
        );
    }
}

#[test]
fn trusts_only_the_authorities_that_it_should() {
    if !is_there() {
        return;
    }
    let upstream = Upstream::start("authorities", "fd5c:a8::/64");
    // Its own authorities are there too, and none of them signed this certificate.
    let error = upstream.fetch("upstream", "other.crt", &[]).unwrap_err();
    assert!(error.contains("certificate"), "{error}");
    // The certificate is not for this name.
    let address = format!("--add-host=wrong-name:{}", upstream.address("IPAddress"));
    let error = upstream
        .fetch("wrong-name", "tls.crt", &[&address])
        .unwrap_err();
    assert!(error.contains("certificate"), "{error}");
}
