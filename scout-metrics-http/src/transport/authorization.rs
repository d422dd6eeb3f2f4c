//! The identity of the sender of a request: a bearer token, a user with a password, headers such as that of a tenant.

use std::{fmt, path::PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use super::{
    credentials::Credentials,
    deadline::Deadline,
    error::HttpError,
    redact::{Secrets, authorization},
};
use crate::token::Token;

/// The options of a builder from which an [`Authorization`] is made.
#[derive(Default)]
pub(crate) struct AuthorizationOptions {
    pub(crate) token: TokenOption,
    pub(crate) user: Option<String>,
    pub(crate) headers: Vec<(String, SecretString)>,
}

#[derive(Default)]
pub(crate) enum TokenOption {
    File(PathBuf),
    #[default]
    None,
    Value(SecretString),
}

impl AuthorizationOptions {
    /// Returns whether requests carry something that must not be read on the network.
    pub(crate) fn has_secrets(&self) -> bool {
        !matches!(self.token, TokenOption::None) || !self.headers.is_empty()
    }

    /// Checks the options. Headers with one of the reserved names, in lower case, are refused.
    pub(crate) fn build(&self, reserved: &[&str]) -> Result<Authorization, HttpError> {
        let credentials = match &self.token {
            TokenOption::File(path) => Some(Credentials::from_file(path.clone())),
            TokenOption::None => None,
            TokenOption::Value(token) => Some(Credentials::from_value(token.expose_secret())?),
        };
        if let Some(fault) = self.user.as_deref().and_then(user_fault) {
            return Err(refuse(&format!("the user name of `with_user` {fault}")));
        }
        if self.user.is_some() && credentials.is_none() {
            return Err(refuse(
                "`with_user` needs a password: call `with_token` or `with_token_file`",
            ));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let (name, value) = header(name, value.expose_secret(), reserved)?;
            if name == AUTHORIZATION && credentials.is_some() {
                return Err(refuse(
                    "a header `authorization` cannot be combined with a token",
                ));
            }
            headers.append(name, value);
        }
        Ok(Authorization {
            user: self.user.clone(),
            credentials,
            headers,
        })
    }
}

impl fmt::Debug for AuthorizationOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("AuthorizationOptions")
            .field("user", &self.user)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// The credentials and headers of requests to a server.
pub(crate) struct Authorization {
    user: Option<String>,
    credentials: Option<Credentials>,
    headers: HeaderMap,
}

impl Authorization {
    /// Returns the headers of the next request, and the secrets in them. A token file is read.
    pub(crate) async fn headers(
        &self,
        deadline: &Deadline,
    ) -> Result<(HeaderMap, Secrets), HttpError> {
        let mut headers = self.headers.clone();
        let values = headers.values().map(HeaderValue::as_bytes);
        let words = values.flat_map(|value| value.split(u8::is_ascii_whitespace));
        let mut secrets: Secrets = words.filter_map(Secrets::long).collect();
        if let Some(credentials) = &self.credentials {
            let stage = || format!("reading the token {}", credentials.origin());
            let token = deadline.bound(credentials.token(), stage).await??;
            let value = match &self.user {
                None => authorization(&token),
                Some(user) => {
                    let encoded = encoded(user, &token);
                    secrets.push(encoded.clone());
                    basic(&encoded)
                }
            };
            headers.insert(AUTHORIZATION, value);
            secrets.push(token);
        }
        Ok((headers, secrets))
    }

    /// Returns where the token comes from, as the attribute in "the token ... was refused".
    pub(crate) fn origin(&self) -> Option<String> {
        self.credentials
            .as_ref()
            .map(|credentials| credentials.origin().to_string())
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("user", &self.user)
            .field("credentials", &self.credentials)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// Encodes user and password for HTTP Basic authentication (RFC 7617).
fn encoded(user: &str, password: &Token) -> Token {
    let pair = Zeroizing::new([user.as_bytes(), b":", password.as_bytes()].concat());
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(&*pair));
    Token::parse(encoded.as_bytes())
        .expect("base64 is visible ASCII, and this has a colon at least")
}

fn basic(encoded: &Token) -> HeaderValue {
    let value = Zeroizing::new([b"Basic ", encoded.as_bytes()].concat());
    let mut header =
        HeaderValue::from_bytes(&value).expect("base64 has only characters that a header can hold");
    header.set_sensitive(true);
    header
}

fn user_fault(user: &str) -> Option<&'static str> {
    if user.is_empty() {
        return Some("is empty");
    }
    if user.contains(':') {
        return Some("contains a colon, which ends the name in HTTP Basic authentication");
    }
    user.chars()
        .any(char::is_control)
        .then_some("contains a control character")
}

fn header(
    name: &str,
    value: &str,
    reserved: &[&str],
) -> Result<(HeaderName, HeaderValue), HttpError> {
    let shown = name.escape_debug();
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| refuse(&format!("`{shown}` is not the name of a header")))?;
    if reserved.contains(&parsed.as_str()) {
        return Err(refuse(&format!(
            "the header `{shown}` cannot be set: its value is fixed"
        )));
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        refuse(&format!(
            "the value of the header `{shown}` is not visible ASCII"
        ))
    })?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

fn refuse(fault: &str) -> HttpError {
    HttpError::Option(fault.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECRET: &str = "dckr_pat_0123456789";

    fn options() -> AuthorizationOptions {
        AuthorizationOptions {
            token: TokenOption::Value(SECRET.into()),
            ..AuthorizationOptions::default()
        }
    }

    fn with_header(name: &str, value: &str) -> AuthorizationOptions {
        AuthorizationOptions {
            headers: vec![(name.to_owned(), value.into())],
            ..AuthorizationOptions::default()
        }
    }

    fn refusal(options: AuthorizationOptions) -> String {
        options.build(&["content-type"]).unwrap_err().to_string()
    }

    async fn sent(options: AuthorizationOptions) -> (HeaderMap, Secrets) {
        let deadline = Deadline::after(Duration::from_secs(1));
        options
            .build(&[])
            .unwrap()
            .headers(&deadline)
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_user_makes_the_token_a_password() {
        let (headers, _) = sent(options()).await;
        assert_eq!(headers[AUTHORIZATION], format!("Bearer {SECRET}"));
        let user = Some("Aladdin".to_owned());
        let token = TokenOption::Value("open-sesame".into());
        let (headers, secrets) = sent(AuthorizationOptions {
            token,
            user,
            headers: Vec::new(),
        })
        .await;
        assert_eq!(headers[AUTHORIZATION], "Basic QWxhZGRpbjpvcGVuLXNlc2FtZQ==");
        assert!(headers[AUTHORIZATION].is_sensitive());
        assert_eq!(
            secrets.redact("QWxhZGRpbjpvcGVuLXNlc2FtZQ== is Aladdin:open-sesame"),
            "<redacted> is Aladdin:<redacted>"
        );
    }

    #[tokio::test]
    async fn headers_are_sent_and_long_values_are_secrets() {
        let (headers, secrets) = sent(with_header("X-Scope-OrgID", "acme")).await;
        assert_eq!(headers["x-scope-orgid"], "acme");
        assert_eq!(secrets.redact("tenant acme"), "tenant acme");
        let (_, secrets) = sent(with_header("Authorization", &format!("Token {SECRET}"))).await;
        assert_eq!(secrets.redact(&format!("key {SECRET}")), "key <redacted>");
    }

    #[test]
    fn options_that_cannot_be_sent_are_refused() {
        for (options, message) in [
            (
                AuthorizationOptions {
                    user: Some("a:b".to_owned()),
                    ..options()
                },
                "the user name of `with_user` contains a colon, which ends the name in HTTP Basic authentication",
            ),
            (
                AuthorizationOptions {
                    user: Some("a".to_owned()),
                    ..AuthorizationOptions::default()
                },
                "`with_user` needs a password: call `with_token` or `with_token_file`",
            ),
            (
                with_header("Content-Type", "a"),
                "the header `Content-Type` cannot be set: its value is fixed",
            ),
            (with_header("a b", "a"), "`a b` is not the name of a header"),
            (
                with_header("a", "geheim\r\n"),
                "the value of the header `a` is not visible ASCII",
            ),
        ] {
            assert_eq!(refusal(options), message);
        }
        let both = AuthorizationOptions {
            headers: vec![("Authorization".to_owned(), "Token x".into())],
            ..options()
        };
        assert_eq!(
            refusal(both),
            "a header `authorization` cannot be combined with a token"
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut options = options();
        options
            .headers
            .push(("x-api-key".to_owned(), SECRET.into()));
        assert!(!format!("{options:?}").contains(SECRET));
        assert!(!format!("{:?}", options.build(&[]).unwrap()).contains(SECRET));
    }
}
