//! The ABNF of OpenMetrics 2.0, production by production under its own names, as functions from the places where a production
//! may start to the places where it may end.
//!
//! It shares nothing with the reader. Places are bits, so all ways to match a text are followed at once and nothing is tried
//! twice. Literals without `%s` mind no case, as RFC 5234 says.

use std::ops::BitOr;

/// Places in a text, a bit for each.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Places([u128; 2]);

impl Places {
    const NONE: Self = Self([0, 0]);
    const START: Self = Self([1, 0]);
    const COUNT: usize = 256;

    fn has(self, place: usize) -> bool {
        self.0[place / 128] >> (place % 128) & 1 == 1
    }

    /// Returns those that are not among others.
    fn without(self, others: Self) -> Self {
        Self([self.0[0] & !others.0[0], self.0[1] & !others.0[1]])
    }
}

impl BitOr for Places {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }
}

/// A text with fewer places than there are bits.
pub(crate) struct Text<'t>(&'t [u8]);

impl<'t> Text<'t> {
    /// Returns `None` for a longer text.
    pub(crate) fn new(text: &'t str) -> Option<Self> {
        (text.len() < Places::COUNT).then_some(Self(text.as_bytes()))
    }

    /// Returns whether the whole text is a production.
    pub(crate) fn is(&self, production: impl Fn(&Self, Places) -> Places) -> bool {
        production(self, Places::START).has(self.0.len())
    }

    /// Returns the places after one byte.
    fn byte(&self, at: Places, is: impl Fn(u8) -> bool) -> Places {
        let mut after = Places::NONE;
        for (first, mut rest) in [0, 128].into_iter().zip(at.0) {
            while rest != 0 {
                let place = first + rest.trailing_zeros() as usize;
                rest &= rest - 1;
                if self.0.get(place).is_some_and(|byte| is(*byte)) {
                    after.0[(place + 1) / 128] |= 1 << ((place + 1) % 128);
                }
            }
        }
        after
    }

    /// Returns the places after bytes.
    fn bytes(&self, mut at: Places, wanted: &str, is: impl Fn(u8, u8) -> bool) -> Places {
        for wanted in wanted.as_bytes() {
            if at == Places::NONE {
                return at;
            }
            at = self.byte(at, |byte| is(byte, *wanted));
        }
        at
    }

    /// `%s"literal"`
    fn exact(&self, at: Places, literal: &str) -> Places {
        self.bytes(at, literal, |byte, wanted| byte == wanted)
    }

    /// `"literal"`
    fn literal(&self, at: Places, literal: &str) -> Places {
        self.bytes(at, literal, |byte, wanted| {
            byte.eq_ignore_ascii_case(&wanted)
        })
    }

    /// `%xFIRST-LAST`, of bytes.
    fn range(&self, at: Places, first: u8, last: u8) -> Places {
        self.byte(at, |byte| (first..=last).contains(&byte))
    }
}

/// `[production]`
fn optional(at: Places, production: impl Fn(Places) -> Places) -> Places {
    match at {
        Places::NONE => at,
        at => at | production(at),
    }
}

/// `*production`
fn any(at: Places, production: impl Fn(Places) -> Places) -> Places {
    let (mut all, mut last) = (at, at);
    while last != Places::NONE {
        last = production(last).without(all);
        all = all | last;
    }
    all
}

/// `1*production`
fn some(at: Places, production: impl Fn(Places) -> Places) -> Places {
    any(production(at), &production)
}

/// Declares productions, which match nowhere if they can start nowhere.
macro_rules! productions {
    ($($(#[$doc:meta])* fn $name:ident($text:ident, $at:ident) $body:block)*) => {
        $(
            $(#[$doc])*
            pub(crate) fn $name($text: &Text<'_>, $at: Places) -> Places {
                if $at == Places::NONE {
                    return $at;
                }
                $body
            }
        )*
    };
}

productions! {
    fn exposition(t, at) {
        let at = metricset(t, at);
        let at = t.exact(sp(t, hash(t, at)), "EOF");
        optional(at, |at| lf(t, at))
    }

    fn metricset(t, at) {
        any(at, |at| metricfamily(t, at))
    }

    fn metricfamily(t, at) {
        let at = any(at, |at| metric_descriptor(t, at));
        any(at, |at| sample(t, at))
    }

    fn metric_descriptor(t, at) {
        let start = sp(t, hash(t, at));
        let name = |keyword: &str| {
            let at = sp(t, t.exact(start, keyword));
            sp(t, metricname(t, at) | metricname_utf8(t, at))
        };
        let of_type = lf(t, metric_type(t, name("TYPE")));
        let help = lf(t, escaped_string(t, name("HELP")));
        let unit = lf(t, any(name("UNIT"), |at| metricname_char(t, at)));
        of_type | help | unit
    }

    fn metric_type(t, at) {
        let types = [
            "counter",
            "gauge",
            "histogram",
            "gaugehistogram",
            "stateset",
            "info",
            "summary",
            "unknown",
        ];
        types
            .iter()
            .fold(Places::NONE, |all, name| all | t.exact(at, name))
    }

    fn sample(t, at) {
        let at = sample_without_exemplars(t, at);
        lf(t, any(at, |at| exemplar(t, at)))
    }

    /// The first part of `sample`.
    fn sample_without_exemplars(t, at) {
        let at = value(t, sp(t, metricname_and_labels(t, at)));
        let at = optional(at, |at| timestamp(t, sp(t, at)));
        optional(at, |at| start_timestamp(t, sp(t, at)))
    }

    fn any_text(t, at) {
        any(at, |at| t.range(at, 0, 0x09) | t.range(at, 0x0B, 0xFF))
    }

    /// An exposition in which ` #` and any text may come in place of exemplars.
    fn exposition_with_bad_exemplars(t, at) {
        let at = any(at, |at| line_with_bad_exemplars(t, at));
        let at = t.exact(sp(t, hash(t, at)), "EOF");
        optional(at, |at| lf(t, at))
    }

    fn line_with_bad_exemplars(t, at) {
        let odd = |at| any_text(t, hash(t, sp(t, at)));
        let sample = lf(t, optional(sample_without_exemplars(t, at), odd));
        metric_descriptor(t, at) | sample
    }

    /// The start of an exposition up to a line in which a start timestamp comes after good exemplars, and any lines after it.
    fn exposition_with_late_start(t, at) {
        let at = sample_without_exemplars(t, any(at, |at| line_with_bad_exemplars(t, at)));
        let at = exemplar(t, any(at, |at| exemplar(t, at)));
        let at = any_text(t, t.exact(at, " st@"));
        any(at, |at| any_text(t, lf(t, at)))
    }

    fn value(t, at) {
        let composite = composite_value(t, t.literal(at, "{"));
        number(t, at) | t.literal(composite, "}")
    }

    fn timestamp(t, at) {
        realnumber(t, at)
    }

    fn start_timestamp(t, at) {
        timestamp(t, t.literal(t.exact(at, "st"), "@"))
    }

    fn exemplar(t, at) {
        let at = labels_in_braces(t, sp(t, hash(t, sp(t, at))));
        timestamp(t, sp(t, number(t, sp(t, at))))
    }

    fn metricname_and_labels(t, at) {
        let name = optional(metricname(t, at), |at| labels_in_braces(t, at));
        name | name_and_labels_in_braces(t, at)
    }

    fn labels_in_braces(t, at) {
        let labels = |at| {
            let at = label(t, at);
            any(at, |at| label(t, comma(t, at)))
        };
        t.literal(optional(t.literal(at, "{"), labels), "}")
    }

    fn name_and_labels_in_braces(t, at) {
        let at = metricname_utf8(t, t.literal(at, "{"));
        t.literal(any(at, |at| label(t, comma(t, at))), "}")
    }

    fn label(t, at) {
        let at = dquote(t, t.literal(label_key(t, at), "="));
        dquote(t, escaped_string(t, at))
    }

    fn number(t, at) {
        let unsigned = optional(at, |at| sign(t, at));
        let infinite = t.literal(unsigned, "inf") | t.literal(unsigned, "infinity");
        realnumber(t, at) | infinite | t.literal(at, "nan")
    }

    fn realnumber(t, at) {
        let at = optional(at, |at| sign(t, at));
        let digits = |at| any(at, |at| digit(t, at));
        let whole = some(at, |at| digit(t, at));
        let whole = optional(whole, |at| digits(t.literal(at, ".")));
        let fraction = some(t.literal(digits(at), "."), |at| digit(t, at));
        optional(whole | fraction, |at| {
            let at = optional(t.literal(at, "e"), |at| sign(t, at));
            some(at, |at| digit(t, at))
        })
    }

    fn integer(t, at) {
        let at = optional(at, |at| sign(t, at));
        some(at, |at| t.literal(at, "0")) | positive_integer(t, at)
    }

    fn non_negative_integer(t, at) {
        let at = optional(at, |at| t.literal(at, "+"));
        some(at, |at| t.literal(at, "0")) | positive_integer(t, at)
    }

    fn positive_integer(t, at) {
        let at = any(at, |at| t.literal(at, "0"));
        any(positive_digit(t, at), |at| digit(t, at))
    }

    fn positive_digit(t, at) {
        t.range(at, b'1', b'9')
    }

    fn bs(t, at) {
        t.literal(at, "\\")
    }

    fn comma(t, at) {
        t.literal(at, ",")
    }

    fn hash(t, at) {
        t.literal(at, "#")
    }

    fn sign(t, at) {
        t.literal(at, "-") | t.literal(at, "+")
    }

    fn metricname(t, at) {
        any(metricname_initial_char(t, at), |at| metricname_char(t, at))
    }

    fn metricname_char(t, at) {
        metricname_initial_char(t, at) | digit(t, at)
    }

    fn metricname_initial_char(t, at) {
        alpha(t, at) | t.literal(at, "_") | t.literal(at, ":")
    }

    fn metricname_utf8(t, at) {
        dquote(t, escaped_string_non_empty(t, dquote(t, at)))
    }

    fn label_key(t, at) {
        let quoted = dquote(t, escaped_string_non_empty(t, dquote(t, at)));
        label_name(t, at) | quoted
    }

    fn label_name(t, at) {
        any(label_name_initial_char(t, at), |at| label_name_char(t, at))
    }

    fn label_name_char(t, at) {
        label_name_initial_char(t, at) | digit(t, at)
    }

    fn label_name_initial_char(t, at) {
        alpha(t, at) | t.literal(at, "_")
    }

    fn escaped_string(t, at) {
        any(at, |at| escaped_char(t, at))
    }

    fn escaped_string_non_empty(t, at) {
        some(at, |at| escaped_char(t, at))
    }

    fn escaped_char(t, at) {
        let escaped = bs(t, at);
        let defined = t.literal(escaped, "n") | dquote(t, escaped) | bs(t, escaped);
        normal_char(t, at) | defined | normal_char(t, escaped)
    }

    /// The text is UTF-8, so the bytes of a character beyond ASCII are as good as the character.
    fn normal_char(t, at) {
        let ascii = t.range(at, 0x00, 0x09) | t.range(at, 0x0B, 0x21) | t.range(at, 0x23, 0x5B);
        ascii | t.range(at, 0x5D, 0x7F) | t.range(at, 0x80, 0xFF)
    }

    fn composite_value(t, at) {
        histogram_value(t, at) | gauge_histogram_value(t, at) | summary_value(t, at)
    }

    fn histogram_value(t, at) {
        let at = comma(t, h_sum(t, comma(t, h_count(t, at))));
        histogram_buckets(t, at)
    }

    fn gauge_histogram_value(t, at) {
        let at = comma(t, h_count(t, t.exact(at, "g")));
        histogram_buckets(t, comma(t, h_sum(t, t.exact(at, "g"))))
    }

    fn h_count(t, at) {
        number(t, field(t, at, "count"))
    }

    fn h_sum(t, at) {
        number(t, field(t, at, "sum"))
    }

    fn histogram_buckets(t, at) {
        let native = native_buckets(t, at);
        classic_buckets(t, at) | optional(native, |at| classic_buckets(t, comma(t, at)))
    }

    fn classic_buckets(t, at) {
        let at = t.literal(field(t, at, "bucket"), "[");
        let at = optional(at, |at| comma(t, ch_le_counts(t, at)));
        t.literal(ch_pos_inf_bucket(t, at), "]")
    }

    fn ch_le_counts(t, at) {
        let first = ch_neg_inf_bucket(t, at) | ch_le_bucket(t, at);
        any(first, |at| ch_le_bucket(t, comma(t, at)))
    }

    fn ch_pos_inf_bucket(t, at) {
        number(t, field(t, t.literal(at, "+"), "Inf"))
    }

    fn ch_neg_inf_bucket(t, at) {
        number(t, field(t, t.literal(at, "-"), "Inf"))
    }

    fn ch_le_bucket(t, at) {
        number(t, t.literal(realnumber(t, at), ":"))
    }

    fn native_buckets(t, at) {
        let at = comma(t, nh_zero_threshold(t, comma(t, nh_schema(t, at))));
        let at = nh_zero_count(t, at);
        let at = optional(at, |at| {
            let at = nh_negative_spans(t, comma(t, at));
            nh_negative_buckets(t, comma(t, at))
        });
        optional(at, |at| {
            let at = nh_positive_spans(t, comma(t, at));
            nh_positive_buckets(t, comma(t, at))
        })
    }

    fn nh_schema(t, at) {
        integer(t, field(t, at, "schema"))
    }

    fn nh_zero_threshold(t, at) {
        realnumber(t, field(t, at, "zero_threshold"))
    }

    fn nh_zero_count(t, at) {
        number(t, field(t, at, "zero_count"))
    }

    fn nh_negative_spans(t, at) {
        list(t, field(t, at, "negative_spans"), nh_spans)
    }

    fn nh_positive_spans(t, at) {
        list(t, field(t, at, "positive_spans"), nh_spans)
    }

    fn nh_spans(t, at) {
        any(nh_start_span(t, at), |at| nh_span(t, comma(t, at)))
    }

    fn nh_start_span(t, at) {
        non_negative_integer(t, t.literal(integer(t, at), ":"))
    }

    fn nh_span(t, at) {
        non_negative_integer(t, t.literal(non_negative_integer(t, at), ":"))
    }

    fn nh_negative_buckets(t, at) {
        list(t, field(t, at, "negative_buckets"), nh_buckets)
    }

    fn nh_positive_buckets(t, at) {
        list(t, field(t, at, "positive_buckets"), nh_buckets)
    }

    fn nh_buckets(t, at) {
        any(number(t, at), |at| number(t, comma(t, at)))
    }

    fn summary_value(t, at) {
        let at = comma(t, cs_sum(t, comma(t, cs_count(t, at))));
        cs_quantile(t, at)
    }

    fn cs_count(t, at) {
        number(t, field(t, at, "count"))
    }

    fn cs_sum(t, at) {
        number(t, field(t, at, "sum"))
    }

    fn cs_quantile(t, at) {
        list(t, field(t, at, "quantile"), cs_q_counts)
    }

    fn cs_q_counts(t, at) {
        any(cs_q_count(t, at), |at| cs_q_count(t, comma(t, at)))
    }

    fn cs_q_count(t, at) {
        number(t, t.literal(realnumber(t, at), ":"))
    }

    // The core rules of RFC 5234.

    fn alpha(t, at) {
        t.range(at, b'A', b'Z') | t.range(at, b'a', b'z')
    }

    fn digit(t, at) {
        t.range(at, b'0', b'9')
    }

    fn dquote(t, at) {
        t.literal(at, "\"")
    }

    fn lf(t, at) {
        t.literal(at, "\n")
    }

    fn sp(t, at) {
        t.literal(at, " ")
    }
}

/// `%s"name" ":"`
fn field(t: &Text<'_>, at: Places, name: &str) -> Places {
    t.literal(t.exact(at, name), ":")
}

/// `"[" [items] "]"`
fn list(t: &Text<'_>, at: Places, items: fn(&Text<'_>, Places) -> Places) -> Places {
    t.literal(optional(t.literal(at, "["), |at| items(t, at)), "]")
}
