//! Numbers with a noun.

/// Returns a number and a noun, such as `1 stream`, `2 streams` or `3 anomalies`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(start)) => format!("{count} {start}ies"),
        (_, None) => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!(plural(0, "stream"), "0 streams");
        assert_eq!(plural(1, "anomaly"), "1 anomaly");
        assert_eq!(plural(2, "anomaly"), "2 anomalies");
    }
}
