//! How long large answers take in a user's own program that does not set `TCP_NODELAY`.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use scout_metrics_core::{Organization, Snapshot, Stream};

use crate::support::{UPSTREAM_TOKEN, Upstream};

/// Requests all metrics on one connection, and returns the size and the shortest time of ten answers.
fn shortest(streams: usize) -> (usize, Duration) {
    let streams = (0..streams).map(|number| {
        Stream::new(format!("stream{number}")).with_vulnerabilities("5C 3H 6M 63L".parse().unwrap())
    });
    let organization = Organization::new("acme").unwrap();
    let upstream = Upstream::start(Snapshot::new(organization, streams).unwrap());
    let address = upstream.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {UPSTREAM_TOKEN}\r\n\r\n"
    );
    let mut size = 0;
    let times = (0..10).map(|_| {
        let begin = Instant::now();
        stream.write_all(request.as_bytes()).unwrap();
        size = read_answer(&mut stream);
        begin.elapsed()
    });
    let shortest = times.min().unwrap();
    (size, shortest)
}

/// Reads an answer and returns the length of its body.
fn read_answer(stream: &mut TcpStream) -> usize {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).unwrap();
    length
}

/// A client delays its acknowledgements by 40 ms. A small write after a large one would wait for them.
#[test]
fn no_part_of_a_large_answer_waits_for_an_acknowledgement() {
    for streams in [1000, 2000, 4000] {
        let (size, time) = shortest(streams);
        println!("{size} bytes, {time:?}");
        assert!(
            time < Duration::from_millis(30),
            "{size} bytes took {time:?}"
        );
    }
}
