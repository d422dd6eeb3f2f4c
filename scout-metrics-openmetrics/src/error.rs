//! Why an exposition cannot be read, or a family cannot be written, and where.

use std::{borrow::Cow, fmt};

use crate::{Limit, ParseErrorKind, Rule, foreign};

/// A place in an exposition. In a protobuf exposition, which has no lines, only the offset is known; the others are 0.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// The line, counted from 1.
    pub line: u64,
    /// The character in the line, counted from 1.
    pub column: u64,
    /// The byte in the exposition, counted from 0.
    pub offset: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "byte {}", self.offset),
            line => write!(f, "line {line}, column {}", self.column),
        }
    }
}

/// Why an exposition cannot be read, and where.
///
/// The message and the excerpt quote the exposition. Control characters are replaced, but nothing is redacted: what a
/// server writes into an exposition, such as a token that it was sent, can be in them.
///
/// ```
/// use scout_metrics_openmetrics::{Format, ParseOptions, parse_families};
///
/// let text = b"up{job=\"a\"} 1\nup{job:\"b\"} 1\n";
/// let error = parse_families(text, &ParseOptions::new(Format::Prometheus)).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"expected '=' after the label name "job", found ':' (line 2, column 7)"#
/// );
/// assert_eq!(
///     error.excerpt().to_string(),
///     "up{job:\"b\"} 1\n      ^"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct ParseError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    fault: Fault,
    position: Position,
    excerpt: Excerpt,
}

impl ParseError {
    /// Describes a fault in `text`, of which the first byte is at `origin` in the exposition.
    pub(crate) fn new(fault: Fault, text: &[u8], origin: Origin) -> Self {
        let at = fault.at.min(text.len());
        let line_start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |newline| newline + 1);
        let line_end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
        let before = String::from_utf8_lossy(&text[line_start..at]);
        let position = Position {
            line: origin.line + memchr::memchr_iter(b'\n', &text[..at]).count() as u64,
            column: column(&before, origin.offset + line_start as u64 == 0),
            offset: origin.offset + at as u64,
        };
        let excerpt = Excerpt::new(&before, &String::from_utf8_lossy(&text[at..line_end]));
        Self(Box::new(Inner {
            fault,
            position,
            excerpt,
        }))
    }

    /// Describes a fault in bytes that are not text.
    pub(crate) fn in_bytes(fault: Fault) -> Self {
        let offset = fault.at as u64;
        Self(Box::new(Inner {
            fault,
            position: Position {
                offset,
                ..Position::default()
            },
            excerpt: Excerpt::new("", ""),
        }))
    }

    /// Returns what kind of fault it is.
    pub fn kind(&self) -> ParseErrorKind {
        self.0.fault.kind
    }

    /// Returns the rule that is broken; `None` for a limit.
    pub fn rule(&self) -> Option<Rule> {
        self.0.fault.rule
    }

    /// Returns the limit that is exceeded; `None` for a rule.
    pub fn limit(&self) -> Option<Limit> {
        self.0.fault.limit
    }

    /// Returns where the fault is.
    pub fn position(&self) -> Position {
        self.0.position
    }

    /// Returns the message without the position.
    pub fn message(&self) -> &str {
        &self.0.fault.message
    }

    /// Returns the piece of the line around the fault, with a caret below it.
    pub fn excerpt(&self) -> &Excerpt {
        &self.0.excerpt
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0.fault.message, self.0.position)
    }
}

impl std::error::Error for ParseError {}

/// A piece of a line, at most 80 characters long, and the place of the fault in it.
///
/// `Display` writes two lines: the piece, with what cannot be shown as `�`, and a caret below the fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Excerpt {
    text: String,
    caret: usize,
}

impl Excerpt {
    const BEFORE: usize = 50;
    const AFTER: usize = 28;

    fn new(before: &str, after: &str) -> Self {
        let skipped = before.chars().count().saturating_sub(Self::BEFORE);
        let cut = |is_cut| if is_cut { "…" } else { "" };
        let shown: String = before.chars().skip(skipped).collect();
        let rest: String = after.chars().take(Self::AFTER).collect();
        let text = format!(
            "{}{shown}{rest}{}",
            cut(skipped > 0),
            cut(rest.len() < after.len())
        );
        Self {
            text: text.chars().map(printable).collect(),
            caret: shown.chars().count() + usize::from(skipped > 0),
        }
    }

    /// Returns the piece of the line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns how many characters of the piece come before the fault.
    pub fn caret(&self) -> usize {
        self.caret
    }
}

/// Returns as much of a text as a message has room for, without what a terminal would act on.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(LONGEST).map(printable).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Replaces what would move the cursor of a terminal, or turn the order of what it shows.
pub(crate) fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{200B}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{2069}'
        | '\u{FEFF}' => char::REPLACEMENT_CHARACTER,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{:caret$}^", self.text, "", caret = self.caret)
    }
}

/// A fault in a text, before it is known where in the exposition that text is.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    kind: ParseErrorKind,
    rule: Option<Rule>,
    limit: Option<Limit>,
    message: Cow<'static, str>,
    /// The byte of the text.
    at: usize,
}

impl Fault {
    pub(crate) fn new(rule: Rule, at: usize, message: impl Into<Cow<'static, str>>) -> Box<Self> {
        Box::new(Self {
            kind: rule.kind(),
            rule: Some(rule),
            limit: None,
            message: message.into(),
            at,
        })
    }

    /// A rule that is broken because the text ends here.
    pub(crate) fn incomplete(
        rule: Rule,
        at: usize,
        message: impl Into<Cow<'static, str>>,
    ) -> Box<Self> {
        Box::new(Self {
            kind: ParseErrorKind::Incomplete,
            ..*Self::new(rule, at, message)
        })
    }

    /// A byte that is not UTF-8, after what is known of the start of the exposition. `is_cut` says that the exposition ends
    /// within a character.
    pub(crate) fn encoding(at: usize, byte: u8, start: &[u8], is_cut: bool) -> Box<Self> {
        let message = match foreign::name_of_bytes(start) {
            Some(name) => format!("expected metrics, found {name}"),
            None if is_cut => "expected UTF-8, found the end within a character".to_owned(),
            None => format!("expected UTF-8, found the byte 0x{byte:02X}"),
        };
        Self::new(Rule::Utf8, at, message)
    }

    pub(crate) fn limit(at: usize, limit: Limit, value: usize) -> Box<Self> {
        Box::new(Self {
            kind: ParseErrorKind::Limit,
            rule: None,
            limit: Some(limit),
            message: limit.exceeded(value).into(),
            at,
        })
    }

    /// Returns whether a rule is the one that is broken.
    pub(crate) fn breaks(&self, rule: Rule) -> bool {
        self.rule == Some(rule)
    }

    /// Returns whether a limit is exceeded.
    pub(crate) fn is_limit(&self) -> bool {
        self.limit.is_some()
    }

    /// Returns the byte of the text where it is.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns whether the line may be of something else than metrics: whether its grammar is broken, other than by a quote
    /// that may be closed in the next line.
    pub(crate) fn may_be_foreign(&self) -> bool {
        let is_grammar = matches!(
            self.kind,
            ParseErrorKind::Incomplete | ParseErrorKind::Syntax
        );
        is_grammar
            && !matches!(
                self.rule,
                Some(Rule::AfterEof | Rule::Eof | Rule::LineBreak)
            )
    }

    /// Says what the line is that starts at `at`, in place of what is wrong with it.
    pub(crate) fn with_foreign_line(self, name: &str, at: usize) -> Self {
        Self {
            message: format!("expected metrics, found {name}").into(),
            at,
            ..self
        }
    }
}

/// The position of a piece of text in the exposition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The line of its first byte, counted from 1.
    pub(crate) line: u64,
    /// The place of its first byte, counted from 0.
    pub(crate) offset: u64,
}

impl Default for Origin {
    fn default() -> Self {
        Self { line: 1, offset: 0 }
    }
}

/// A rule that was broken and forgiven, and where. Only [`Mode::Lenient`](crate::Mode::Lenient) forgives, with one
/// exception: both modes leave out a bad exemplar of OpenMetrics 2.0.
///
/// `Display` writes what was found and the place, which is the message of the error that
/// [`Mode::Strict`](crate::Mode::Strict) returns.
///
/// ```
/// use scout_metrics_openmetrics::{ParseOptions, Rule, parse_families};
///
/// let families = parse_families(b"# TYPE a info\na 1\n", &ParseOptions::default())?;
/// let [deviation] = families.deviations() else { panic!("one rule is broken") };
/// assert_eq!(deviation.rule, Rule::TypeName);
/// assert_eq!(
///     deviation.to_string(),
///     "expected counter, gauge, histogram, summary or untyped, found \"info\" (line 1, column 10)"
/// );
/// # Ok::<(), scout_metrics_openmetrics::ParseError>(())
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Deviation {
    /// The rule.
    pub rule: Rule,
    /// The line, counted from 1. It is 0 in a protobuf exposition, which has no lines.
    pub line: u64,
    /// The character in the line, counted from 1. It is 0 in a protobuf exposition.
    pub column: u64,
    /// The byte of an exposition without lines.
    offset: u64,
    message: Cow<'static, str>,
}

impl Deviation {
    /// Describes a broken rule in a text of which the first line has a number.
    pub(crate) fn new(
        rule: Rule,
        message: impl Into<Cow<'static, str>>,
        text: &str,
        at: usize,
        line: u64,
    ) -> Self {
        let before = &text[..at];
        let line_start = memchr::memrchr(b'\n', before.as_bytes()).map_or(0, |newline| newline + 1);
        let is_first = line == 1 && line_start == 0;
        Self {
            rule,
            line: line + memchr::memchr_iter(b'\n', before.as_bytes()).count() as u64,
            column: column(&before[line_start..], is_first),
            offset: 0,
            message: message.into(),
        }
    }

    /// Describes a broken rule at a known place.
    pub(crate) fn at(rule: Rule, message: String, line: u64, column: u64) -> Self {
        Self {
            rule,
            line,
            column,
            offset: 0,
            message: message.into(),
        }
    }

    /// Describes a broken rule in bytes that are not text.
    pub(crate) fn in_bytes(rule: Rule, message: String, at: usize) -> Self {
        Self {
            rule,
            line: 0,
            column: 0,
            offset: at as u64,
            message: message.into(),
        }
    }

    /// Returns the message without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the byte at which the message with the fault starts, counted from 0, in a protobuf exposition. Text has lines
    /// instead.
    pub fn offset(&self) -> Option<u64> {
        (self.line == 0).then_some(self.offset)
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = Position {
            line: self.line,
            column: self.column,
            offset: self.offset,
        };
        write!(f, "{} ({position})", self.message)
    }
}

/// Returns the number of the character after a piece of a line, counted from 1. A byte order mark, which no editor
/// shows, is not counted.
fn column(before: &str, is_first_line: bool) -> u64 {
    let mark = is_first_line && before.starts_with('\u{feff}');
    before.chars().count() as u64 + u64::from(!mark)
}
