//! Expositions with quotes around names that need none.

/// Puts quotes around all names of well-formed lines.
pub(crate) fn quoted(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines
        .map(|line| {
            metadata(line)
                .or_else(|| sample(line))
                .unwrap_or_else(|| line.to_owned())
        })
        .collect()
}

fn metadata(line: &str) -> Option<String> {
    let (keyword, rest) = ["# TYPE ", "# HELP ", "# UNIT "]
        .iter()
        .find_map(|keyword| Some((keyword, line.strip_prefix(keyword)?)))?;
    let (name, rest) = take_name(rest, true)?;
    rest.starts_with(' ')
        .then(|| format!("{keyword}\"{name}\"{rest}"))
}

fn sample(line: &str) -> Option<String> {
    let (name, mut rest) = take_name(line, true)?;
    let mut out = format!("{{\"{name}\"");
    if let Some(labels) = rest.strip_prefix('{') {
        rest = labels;
        while !rest.starts_with('}') {
            let (name, after) = take_name(rest, false)?;
            let value = after.strip_prefix("=\"")?;
            let end = value.find(['"', '\\'])?;
            let after = value[end..].strip_prefix('"')?;
            out.push_str(&format!(",\"{name}\"=\"{}\"", &value[..end]));
            rest = match after.strip_prefix(',') {
                Some(next) if !next.starts_with('}') => next,
                Some(_) => return None,
                None if after.starts_with('}') => after,
                None => return None,
            };
        }
        rest = &rest[1..];
    }
    rest.starts_with(' ').then(|| format!("{out}}}{rest}"))
}

/// Takes a name without quotes from the start of a text.
fn take_name(text: &str, has_colons: bool) -> Option<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || has_colons && c == ':';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let is_name = end > 0 && !text.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| text.split_at(end))
}

#[test]
fn quotes_are_put_around_names() {
    for (text, expected) in [
        ("a 1\n", "{\"a\"} 1\n"),
        (
            "a{b=\"c\",d=\"\"} 1 # {e=\"f\"} 1\n",
            "{\"a\",\"b\"=\"c\",\"d\"=\"\"} 1 # {e=\"f\"} 1\n",
        ),
        ("# TYPE a gauge\n", "# TYPE \"a\" gauge\n"),
        ("a{b=1} 1\n", "a{b=1} 1\n"),
    ] {
        assert_eq!(quoted(text), expected);
    }
}
