//! The query of a page: which streams it shows, and in which order.

use form_urlencoded::Serializer;

/// The maximum length of a filter, in characters: longer than any name that people type.
const MAX_FILTER_CHARS: usize = 100;

/// The maximum number of a page: far more than an organization has.
const MAX_PAGE: usize = 100_000;

/// The parameters of a page that lists streams.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Query {
    /// A part of the names of the streams that are shown.
    pub(super) filter: String,
    pub(super) sort: Sort,
    /// The number of the page, counted from 0.
    pub(super) page: usize,
}

/// The order of streams.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Sort {
    /// Those that changed most since yesterday first, and of these the ones that got worse.
    Changed,
    Name,
    #[default]
    Worst,
}

impl Sort {
    const ALL: [Self; 3] = [Self::Worst, Self::Changed, Self::Name];

    fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Name => "name",
            Self::Worst => "worst",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Changed => "changed most",
            Self::Name => "by name",
            Self::Worst => "worst first",
        }
    }
}

impl Query {
    /// Parses the query of a request. Unknown parameters are ignored; of a parameter that occurs twice, the last counts.
    ///
    /// # Errors
    ///
    /// A sentence that names the parameter and what is expected.
    pub(super) fn parse(query: Option<&str>) -> Result<Self, String> {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "filter" => parsed.filter = filter(&value)?,
                "sort" => parsed.sort = sort(&value)?,
                "page" => parsed.page = page(&value)?,
                _ => {}
            }
        }
        Ok(parsed)
    }

    /// Returns a link to another page of the same list.
    pub(super) fn link_to_page(&self, page: usize) -> String {
        let mut query = Serializer::for_suffix(String::from("?"), 1);
        if !self.filter.is_empty() {
            query.append_pair("filter", &self.filter);
        }
        if self.sort != Sort::default() {
            query.append_pair("sort", self.sort.as_str());
        }
        if page > 0 {
            query.append_pair("page", &(page + 1).to_string());
        }
        query.finish()
    }

    /// Returns the orders to choose from: the value, the label, and whether it is the current one.
    pub(super) fn sorts(&self) -> [(&'static str, &'static str, bool); Sort::ALL.len()] {
        Sort::ALL.map(|sort| (sort.as_str(), sort.label(), sort == self.sort))
    }

    /// Returns whether a name contains the filter, ignoring case.
    pub(super) fn admits(&self, name: &str) -> bool {
        self.filter.is_empty() || name.to_lowercase().contains(&self.filter.to_lowercase())
    }
}

fn filter(value: &str) -> Result<String, String> {
    let filter = value.trim();
    let length = filter.chars().count();
    if length > MAX_FILTER_CHARS {
        return Err(format!(
            "The parameter “filter” has {length} characters, more than the limit of {MAX_FILTER_CHARS}."
        ));
    }
    Ok(filter.to_owned())
}

fn sort(value: &str) -> Result<Sort, String> {
    let mut all = Sort::ALL.into_iter();
    all.find(|sort| sort.as_str() == value)
        .ok_or_else(|| "The parameter “sort” is none of “worst”, “changed” and “name”.".to_owned())
}

fn page(value: &str) -> Result<usize, String> {
    let page = value.parse().ok();
    page.filter(|page| (1..=MAX_PAGE).contains(page))
        .map(|page| page - 1)
        .ok_or_else(|| format!("The parameter “page” is not a whole number from 1 to {MAX_PAGE}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Query, String> {
        Query::parse(Some(query))
    }

    #[test]
    fn without_parameters_the_worst_streams_are_first() {
        assert_eq!(Query::parse(None), Ok(Query::default()));
        assert_eq!(parse("utm_source=x&filter=&page=1"), Ok(Query::default()));
        assert_eq!(Query::default().link_to_page(0), "?");
    }

    #[test]
    fn a_link_keeps_the_other_parameters_and_reads_back() {
        let query = parse("filter=%20a%26b%C3%BC+c&sort=name&page=3").unwrap();
        assert_eq!(query.filter, "a&bü c");
        assert_eq!((query.sort, query.page), (Sort::Name, 2));
        let link = query.link_to_page(6);
        assert_eq!(link, "?filter=a%26b%C3%BC+c&sort=name&page=7");
        let expected = Query { page: 6, ..query };
        assert_eq!(parse(link.trim_start_matches('?')), Ok(expected));
    }

    #[test]
    fn a_value_out_of_range_is_refused() {
        for query in ["page=0", "page=-1", "page=x", "page=100001", "page="] {
            let error = parse(query).unwrap_err();
            assert_eq!(
                error,
                "The parameter “page” is not a whole number from 1 to 100000."
            );
        }
        assert_eq!(
            parse("sort=WORST").unwrap_err(),
            "The parameter “sort” is none of “worst”, “changed” and “name”."
        );
        let long = format!("filter={}", "é".repeat(101));
        assert_eq!(
            parse(&long).unwrap_err(),
            "The parameter “filter” has 101 characters, more than the limit of 100."
        );
    }

    #[test]
    fn a_filter_ignores_case() {
        let query = parse("filter=PROD").unwrap();
        assert!(query.admits("eu-production"));
        assert!(!query.admits("staging"));
    }
}
