//! The credentials of a request.

use std::hash::BuildHasher;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::zeroize::Zeroizing;

/// The credentials in the `Authorization` header of a request.
pub(super) struct Credentials {
    /// The user name of HTTP Basic authentication.
    user: Option<String>,
    /// The bearer token, or the password of HTTP Basic authentication.
    secret: Zeroizing<Vec<u8>>,
}

impl Credentials {
    /// Returns the credentials of the one `Authorization` header, if its scheme is Bearer or Basic.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next()?.as_bytes();
        if values.next().is_some() {
            return None;
        }
        if let Some(token) = after_scheme(value, "Bearer ") {
            return Some(Self {
                user: None,
                secret: Zeroizing::new(token.to_vec()),
            });
        }
        Self::decode(after_scheme(value, "Basic ")?)
    }

    /// Decodes a user name and a password (RFC 7617). A colon ends the user name.
    fn decode(encoded: &[u8]) -> Option<Self> {
        let decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded).ok()?);
        let colon = decoded.iter().position(|&byte| byte == b':')?;
        let user = std::str::from_utf8(&decoded[..colon]).ok()?;
        Some(Self {
            user: Some(user.to_owned()),
            secret: Zeroizing::new(decoded[colon + 1..].to_vec()),
        })
    }

    /// Returns the bearer token, or the password of HTTP Basic authentication.
    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// Returns the user name and the password of HTTP Basic authentication.
    pub(super) fn login(&self) -> Option<(&str, &[u8])> {
        let user = self.user.as_deref()?;
        Some((user, &self.secret))
    }

    /// Returns a number that is the same for the same credentials.
    pub(super) fn fingerprint(&self, hasher: &impl BuildHasher) -> u64 {
        hasher.hash_one((&self.user, self.secret.as_slice()))
    }
}

/// Returns the part of a header after the name of a scheme, which ignores case.
fn after_scheme<'a>(value: &'a [u8], scheme: &str) -> Option<&'a [u8]> {
    let (found, rest) = value.split_at_checked(scheme.len())?;
    found
        .eq_ignore_ascii_case(scheme.as_bytes())
        .then(|| rest.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn login(value: &str) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        let credentials = Credentials::of(&headers)?;
        let (user, password) = credentials.login()?;
        Some((
            user.to_owned(),
            String::from_utf8(password.to_vec()).unwrap(),
        ))
    }

    #[test]
    fn a_colon_ends_the_user_name() {
        for (pair, user, password) in [
            ("admin:s3cr3t", "admin", "s3cr3t"),
            (":s3cr3t", "", "s3cr3t"),
            ("admin:", "admin", ""),
            ("a:b:c", "a", "b:c"),
            ("jürgen:日本", "jürgen", "日本"),
        ] {
            let found = login(&format!("Basic {}", BASE64_STANDARD.encode(pair)));
            assert_eq!(found, Some((user.to_owned(), password.to_owned())));
        }
    }

    #[test]
    fn other_values_are_no_login() {
        for value in [
            "Basic",
            "Basic ",
            "Basic !",
            // Without a colon, without padding, and a user name that is not UTF-8.
            "Basic YWRtaW4=",
            "Basic YTpiYg",
            "Basic /zph",
            "Digest YTpi",
            "Bearer YTpi",
        ] {
            assert_eq!(login(value), None, "{value}");
        }
    }
}
