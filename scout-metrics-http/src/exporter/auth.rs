//! Bearer tokens, and which requests they admit.

use std::path::PathBuf;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use subtle::{Choice, ConstantTimeEq};

use scout_metrics_core::{Error, ErrorKind, Organization, Result};

use super::bearer_file::BearerFile;
use crate::token::{Token, TokenFile};

/// The tokens that admit a request. Without any, every request is admitted.
#[derive(Debug, Default)]
pub(super) struct Guard(Vec<Bearer>);

/// A token that admits requests about one organization, or all requests if it names none.
#[derive(Debug)]
struct Bearer {
    organization: Option<Organization>,
    secret: Secret,
}

#[derive(Debug)]
enum Secret {
    File(BearerFile),
    Value(Token),
}

impl Guard {
    /// Adds a token that was given in code.
    pub(super) fn with_token(
        self,
        organization: Option<Organization>,
        token: &str,
    ) -> Result<Self> {
        let token = Token::parse(token.as_bytes()).map_err(|fault| match &organization {
            Some(organization) => {
                let message = format!("the token given to `with_organization_token` {fault}");
                Error::new(ErrorKind::Config, message).with_organization(organization)
            }
            None => {
                let message = format!("the token given to `with_bearer_token` {fault}");
                Error::new(ErrorKind::Config, message)
            }
        })?;
        Ok(self.with(organization, Secret::Value(token)))
    }

    /// Adds a file that holds a token.
    pub(super) fn with_file(
        self,
        organization: Option<Organization>,
        path: PathBuf,
    ) -> Result<Self> {
        let file = BearerFile::open(TokenFile::new(path))?;
        Ok(self.with(organization, Secret::File(file)))
    }

    fn with(mut self, organization: Option<Organization>, secret: Secret) -> Self {
        self.0.push(Bearer {
            organization,
            secret,
        });
        self
    }

    /// Returns whether a request with these headers is admitted to an organization, or to a route of no organization.
    pub(super) async fn admits(
        &self,
        headers: &HeaderMap,
        organization: Option<&Organization>,
    ) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let Some(presented) = credentials(headers) else {
            return false;
        };
        if self.matches(presented, organization).await {
            return true;
        }
        self.matches_now(presented, organization).await
    }

    /// Compares with tokens that were read from their files a moment ago.
    async fn matches(&self, presented: &[u8], organization: Option<&Organization>) -> bool {
        // All are compared, so that the duration does not reveal which one matched.
        let mut matches = Choice::from(0);
        for bearer in self.admitting(organization) {
            let matching = match &bearer.secret {
                Secret::File(file) => is_equal(file.token().await.as_ref(), presented),
                Secret::Value(token) => is_equal(Some(token), presented),
            };
            matches |= matching;
        }
        matches.into()
    }

    /// Compares with the files as they are now.
    async fn matches_now(&self, presented: &[u8], organization: Option<&Organization>) -> bool {
        let mut matches = Choice::from(0);
        for bearer in self.admitting(organization) {
            if let Secret::File(file) = &bearer.secret {
                matches |= is_equal(file.token_now().await.as_ref(), presented);
            }
        }
        matches.into()
    }

    fn admitting(&self, organization: Option<&Organization>) -> impl Iterator<Item = &Bearer> {
        let admits = move |of: Option<&Organization>| of.is_none_or(|of| organization == Some(of));
        self.0
            .iter()
            .filter(move |bearer| admits(bearer.organization.as_ref()))
    }
}

fn is_equal(token: Option<&Token>, presented: &[u8]) -> Choice {
    let equal = token.map(|token| token.as_bytes().ct_eq(presented));
    equal.unwrap_or(Choice::from(0))
}

/// Returns the credentials of the one `Authorization` header, if its scheme is Bearer.
fn credentials(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.as_bytes();
    if values.next().is_some() {
        return None;
    }
    let (scheme, credentials) = value.split_at_checked("Bearer ".len())?;
    scheme
        .eq_ignore_ascii_case(b"Bearer ")
        .then(|| credentials.trim_ascii())
}
