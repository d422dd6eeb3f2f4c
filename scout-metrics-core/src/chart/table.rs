//! The data of a chart as a table.

use std::fmt;

use super::escape::Escaped;

/// Displays an HTML table whose first column names the rows.
pub(super) struct Table<'a> {
    pub(super) caption: &'a str,
    pub(super) columns: Vec<&'a str>,
    /// The name of each row, and its values. A value that is missing is a dash.
    pub(super) rows: Vec<(String, Vec<Option<u64>>)>,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "<table><caption>{}</caption><thead><tr>",
            Escaped::new(self.caption)
        )?;
        for column in &self.columns {
            write!(f, r#"<th scope="col">{}</th>"#, Escaped::new(column))?;
        }
        f.write_str("</tr></thead><tbody>")?;
        for (name, values) in &self.rows {
            write!(f, r#"<tr><th scope="row">{}</th>"#, Escaped::new(name))?;
            for value in values {
                match value {
                    Some(value) => write!(f, "<td>{value}</td>")?,
                    None => f.write_str("<td>–</td>")?,
                }
            }
            f.write_str("</tr>")?;
        }
        f.write_str("</tbody></table>")
    }
}
