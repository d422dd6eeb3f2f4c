//! The chunked parser on what depends on where the chunks end.

#![expect(
    clippy::unwrap_used,
    reason = "clippy does not know helpers of tests as tests"
)]

#[expect(dead_code, reason = "no test uses all of it")]
mod support;

use scout_metrics_openmetrics::{
    ChunkedParser, Event, Format, Limits, Mode, ParseError, ParseErrorKind, ParseOptions, Parser,
    Position, Rule,
};
use support::paths::assert_all_paths_agree;

fn lenient() -> ParseOptions {
    ParseOptions::new(Format::Prometheus)
}

fn short_lines(bytes: usize) -> Limits {
    Limits::default().with_line_length(bytes)
}

/// Returns the names of the samples that chunks hold, or the first error.
fn names(chunks: &[&str], options: &ParseOptions) -> Result<Vec<String>, ParseError> {
    let mut parser = ChunkedParser::new(options);
    let mut names = Vec::new();
    for chunk in chunks {
        parser.feed(chunk.as_bytes())?;
        pull(&mut parser, &mut names)?;
    }
    parser.finish()?;
    pull(&mut parser, &mut names)?;
    Ok(names)
}

fn pull(parser: &mut ChunkedParser, names: &mut Vec<String>) -> Result<(), ParseError> {
    while let Some(event) = parser.next_event()? {
        if let Event::Sample(sample) = event {
            names.push(sample.name().decode().into_owned());
        }
    }
    Ok(())
}

#[test]
fn a_sample_is_there_as_soon_as_its_line_is() {
    let mut parser = ChunkedParser::new(&lenient());
    parser.feed(b"a 1").unwrap();
    assert!(parser.next_event().unwrap().is_none());
    parser.feed(b"\nb").unwrap();
    assert!(parser.next_event().unwrap().is_some());
    assert!(parser.next_event().unwrap().is_none());
    parser.feed(b" 2").unwrap();
    assert!(parser.next_event().unwrap().is_none());
    parser.finish().unwrap();
    assert!(parser.next_event().unwrap().is_some());
    assert!(parser.next_event().unwrap().is_none());
}

#[test]
fn a_line_after_a_quote_that_went_over_lines_is_not_counted_to_it() {
    let options = lenient().with_limits(short_lines(20));
    let chunks = ["a{b=\"\n", "\"} 1\n", "c_long_name 12345678"];
    assert_eq!(names(&chunks, &options).unwrap(), ["a", "c_long_name"]);
    assert_all_paths_agree(chunks.concat().as_bytes(), &options);
}

#[test]
fn a_long_chunk_before_an_open_quote_does_not_delay_what_follows() {
    let options = lenient().with_limits(short_lines(100));
    let before = "first 1\n".repeat(50) + "a{b=\"\n";
    let rest = "c\"} 1\n".to_owned() + &"last 1\n".repeat(20);
    let names = names(&[&before, &rest], &options).unwrap();
    assert_eq!(names.len(), 71);
}

#[test]
fn a_line_feed_in_quotes_is_refused_at_once_where_it_is_not_forgiven() {
    for options in [
        lenient().with_mode(Mode::Strict),
        ParseOptions::new(Format::OpenMetrics),
        ParseOptions::new(Format::OpenMetrics).with_mode(Mode::Strict),
    ] {
        let mut parser = ChunkedParser::new(&options);
        parser.feed(b"a{b=\"c\n").unwrap();
        let error = parser.next_event().unwrap_err();
        assert_eq!(error.rule(), Some(Rule::LineBreak));
        assert_eq!(error.kind(), ParseErrorKind::Syntax);
        assert_eq!(
            error.to_string(),
            "expected a closing quote, found the end of the line (line 1, column 5)"
        );
        let long = "a{b=\"\n".to_owned() + &"c".repeat(50);
        assert_all_paths_agree(long.as_bytes(), &options.with_limits(short_lines(40)));
    }
}

#[test]
fn limits_are_exact_and_the_same_for_whole_and_chunks() {
    for text in [
        "a12345678 1\n",
        "a12345678 1",
        "\u{feff}a12345678 1\n",
        "\u{feff}a12345678 1",
        "a12345678 1\r\n",
        "a{b=\"\n12\"} 1\n",
        "a{b=\"\n12\"} 1",
        "# 123456789\n",
    ] {
        for length in 5..17 {
            let options = lenient().with_limits(short_lines(length));
            let read = assert_all_paths_agree(text.as_bytes(), &options);
            let bytes = text.trim_start_matches('\u{feff}').trim_end_matches('\n');
            let limit = read.failure.map(|failure| failure.kind);
            let is_too_long = bytes.len() > length;
            assert_eq!(
                limit,
                is_too_long.then_some(ParseErrorKind::Limit),
                "{text:?} with lines of {length} bytes"
            );
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_refused_before_it_has_arrived() {
    let options = lenient().with_limits(short_lines(1000));
    let mut parser = ChunkedParser::new(&options);
    parser.feed(b"a 1\nb{c=\"").unwrap();
    assert!(parser.next_event().unwrap().is_some());
    let mut fed = 0;
    let error = loop {
        parser.feed(&[b'x'; 100]).unwrap();
        fed += 100;
        match parser.next_event() {
            Ok(event) => assert!(event.is_none()),
            Err(error) => break error,
        }
    };
    assert!(fed <= 1100, "{fed}");
    assert_eq!(error.kind(), ParseErrorKind::Limit);
    let mut position = Position::default();
    (position.line, position.column, position.offset) = (2, 1, 4);
    assert_eq!(error.position(), position);
    assert_eq!(
        error.to_string(),
        "the line is longer than the limit of 1000 bytes, which `Limits::with_line_length` sets (line 2, column 1)"
    );
}

#[test]
fn the_end_of_a_line_is_no_part_of_it() {
    for text in [
        "a{b=\"\r\"} 1\r\na{b=\"\r\"} 1\n",
        "a{b=\"\r\"} 1",
        "a{b=\"\r\"} 1\r",
        "a{b=\"\r\"} 1\r\r\n",
    ] {
        let mut parser = Parser::new(text.as_bytes(), &lenient()).unwrap();
        while let Some(event) = parser.next_event().unwrap() {
            let Event::Sample(sample) = event else {
                panic!("{event:?} is no sample");
            };
            assert_eq!(sample.line(), "a{b=\"\r\"} 1");
        }
    }
}

#[test]
fn characters_may_be_cut_anywhere() {
    let text = "a{b=\"é€🦀\"} 1\nc{d=\"🦀🦀🦀🦀🦀🦀🦀\"} 2\n";
    let read = assert_all_paths_agree(text.as_bytes(), &lenient());
    assert_eq!(read.lines.len(), 2);
}

#[test]
fn bytes_that_are_not_utf8_are_found_in_every_chunking() {
    for bad in [
        &b"\xFF"[..],
        b"\xC3",
        b"\xC3(",
        b"\xE2\x82",
        b"\xE2(\xA1",
        b"\xF0\x9F\xA6",
        b"\xF0\x9F(\x80",
        b"\xED\xA0\x80",
        b"\xC0\x80",
        b"\xF8\x88\x80\x80\x80",
        b"\x80",
    ] {
        for after in ["", "\"} 1\n", "é"] {
            let text = [b"a 1\nb{c=\"", bad, after.as_bytes()].concat();
            let read = assert_all_paths_agree(&text, &lenient());
            let failure = read.failure.unwrap();
            assert_eq!(failure.rule, Some(Rule::Utf8));
            assert_eq!(failure.position.offset, 9);
        }
    }
}

#[test]
fn the_chunk_with_a_byte_that_is_not_utf8_is_refused_and_not_the_next_one() {
    for chunk in [
        &b"a 1\nb \xff"[..],
        b"a 1\nb \xe2 ",
        b"a 1\nb \xf0\x80",
        b"a 1\nb \xc0",
    ] {
        let mut parser = ChunkedParser::new(&ParseOptions::new(Format::Prometheus));
        let refused = parser.feed(chunk).unwrap_err().to_string();
        assert!(refused.ends_with("(line 2, column 3)"), "{refused}");
        assert!(parser.next_event().unwrap().is_some());
    }
}

#[test]
fn a_refused_chunk_is_refused_for_good() {
    let mut parser = ChunkedParser::new(&ParseOptions::new(Format::Prometheus));
    parser.feed(b"a 1\nb ").unwrap();
    let refused = parser.feed(b"\xffabcd\n").unwrap_err().to_string();
    assert_eq!(
        refused,
        "expected UTF-8, found the byte 0xFF (line 2, column 3)"
    );
    assert!(parser.next_event().unwrap().is_some());
    for _ in 0..2 {
        assert_eq!(parser.next_event().unwrap_err().to_string(), refused);
        assert_eq!(parser.feed(b"2\n").unwrap_err().to_string(), refused);
        assert_eq!(parser.finish().unwrap_err().to_string(), refused);
    }
}

#[test]
fn lines_of_openmetrics_2_may_be_cut_anywhere() {
    let text = "# HELP \"a.b\"  \\\"help\\\" \u{e9}\n# TYPE \"a.b\" histogram\n{\"a.b\",\"c.d\"=\"\u{20ac}\"} {count:3,sum:1.5,schema:0,zero_threshold:1e-4,zero_count:0,positive_spans:[1:2],positive_buckets:[1,2],bucket:[0.5:1,+Inf:3]} 5 st@1.5 # {e=\" # {\"} 1 1 # {} 2 # {} 3 3\na_total 1 st@2 #\n# EOF\n";
    for mode in [Mode::Lenient, Mode::Strict] {
        let options = ParseOptions::new(Format::OpenMetrics2).with_mode(mode);
        let read = assert_all_paths_agree(text.as_bytes(), &options);
        assert!(read.failure.is_none(), "{read:?}");
        assert_eq!(read.lines.len(), 5);
        for bad in [
            "a {count:1",
            "a {count:1,sum:x",
            "a 1 st@",
            "a 1 \r",
            "{\"a",
        ] {
            let text = format!("a 1\n{bad}\n# EOF\n");
            let read = assert_all_paths_agree(text.as_bytes(), &options);
            assert_eq!(read.failure.unwrap().position.line, 2);
        }
    }
}
