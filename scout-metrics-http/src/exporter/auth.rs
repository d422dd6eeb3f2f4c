//! Bearer tokens and passwords, and which requests they admit.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap},
};
use subtle::{Choice, ConstantTimeEq};

use scout_metrics_core::{Error, ErrorKind, Organization, Result};

use super::{
    bearer_file::BearerFile,
    credentials::Credentials,
    failures::{Failures, RetryAfter},
    password_verifier::{PasswordVerifier, Verdict},
};
use crate::token::{Token, TokenFile};

/// How soon a client should try again whose password could not be verified.
const BUSY: RetryAfter = RetryAfter(Duration::from_secs(1));

/// The tokens and passwords that admit a request. Without any, every request is admitted.
#[derive(Debug, Default)]
pub(super) struct Guard {
    tokens: Vec<Bearer>,
    passwords: Option<Arc<dyn PasswordVerifier>>,
    failures: Failures,
}

/// The credentials that a request must have to be admitted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Required {
    Nothing,
    /// The password of a user; there are no tokens.
    Password,
    /// A token. The password of a user may do, too.
    Token,
}

/// Why a request is not admitted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// There are too many passwords to verify.
    Busy(RetryAfter),
    /// There were too many failures.
    Excess(RetryAfter),
    /// The request has no credentials, or wrong ones.
    Unauthorized,
}

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
        self.tokens.push(Bearer {
            organization,
            secret,
        });
        self
    }

    /// Adds users with passwords, whose requests are admitted to every route.
    pub(super) fn with_passwords(mut self, passwords: Arc<dyn PasswordVerifier>) -> Self {
        self.passwords = Some(passwords);
        self
    }

    /// Checks whether a request with these headers is admitted to an organization, or to a route of no organization.
    pub(super) async fn check(
        &self,
        headers: &HeaderMap,
        organization: Option<&Organization>,
        peer: Option<IpAddr>,
    ) -> std::result::Result<(), Refusal> {
        if self.required() == Required::Nothing {
            return Ok(());
        }
        let credentials = Credentials::of(headers).ok_or(Refusal::Unauthorized)?;
        self.failures
            .check(peer, &credentials)
            .map_err(Refusal::Excess)?;
        if self.admits(&credentials, organization, peer).await? {
            self.failures.admitted(peer, &credentials);
            return Ok(());
        }
        let counted = self.failures.failed(peer);
        Err(counted.map_or_else(Refusal::Excess, |()| Refusal::Unauthorized))
    }

    /// Returns what a request must have.
    pub(super) fn required(&self) -> Required {
        let mut passwords = self.passwords.iter();
        if !self.tokens.is_empty() {
            Required::Token
        } else if passwords.any(|passwords| passwords.is_required()) {
            Required::Password
        } else {
            Required::Nothing
        }
    }

    async fn admits(
        &self,
        credentials: &Credentials,
        organization: Option<&Organization>,
        peer: Option<IpAddr>,
    ) -> std::result::Result<bool, Refusal> {
        let presented = credentials.secret();
        if self.matches(presented, organization).await
            || self.matches_now(presented, organization).await
        {
            return Ok(true);
        }
        let (Some(passwords), Some((user, password))) = (&self.passwords, credentials.login())
        else {
            return Ok(false);
        };
        self.failures
            .check_password(peer, credentials)
            .map_err(Refusal::Excess)?;
        let attempt = self.failures.begin(peer);
        let verdict = passwords.verify(user, password).await;
        attempt.end();
        match verdict {
            Verdict::Admitted => Ok(true),
            Verdict::Busy => Err(Refusal::Busy(BUSY)),
            Verdict::Refused => Ok(false),
        }
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
        self.tokens
            .iter()
            .filter(move |bearer| admits(bearer.organization.as_ref()))
    }
}

/// Returns the address of the client, if the server around the router states it.
pub(super) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let peer: &ConnectInfo<SocketAddr> = extensions.get()?;
    Some(peer.0.ip())
}

fn is_equal(token: Option<&Token>, presented: &[u8]) -> Choice {
    let equal = token.map(|token| token.as_bytes().ct_eq(presented));
    equal.unwrap_or(Choice::from(0))
}
