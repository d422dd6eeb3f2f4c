//! Users with passwords, in addition to the tokens of the exporter.

use std::fmt;

use async_trait::async_trait;

/// Verifies the user names and passwords of HTTP Basic authentication.
///
/// [`Exporter::with_password_verifier`](super::Exporter::with_password_verifier) sets one. It is called only with
/// credentials that match no token of the exporter. A user that it admits may use every route.
///
/// Calls are concurrent. A call whose client disconnects is dropped. An implementation that needs much processor time,
/// as password hashes do, must run elsewhere than on the threads of the runtime, and bound how many run at once.
///
/// ```
/// use async_trait::async_trait;
/// use scout_metrics_core::{MemorySource, Organization, Snapshot};
/// use scout_metrics_http::exporter::{Exporter, PasswordVerifier, Verdict};
///
/// #[derive(Debug)]
/// struct Directory;
///
/// #[async_trait]
/// impl PasswordVerifier for Directory {
///     fn is_required(&self) -> bool {
///         true
///     }
///
///     async fn verify(&self, user: &str, _password: &[u8]) -> Verdict {
///         // Ask the directory here.
///         if user == "prometheus" { Verdict::Admitted } else { Verdict::Refused }
///     }
/// }
///
/// # fn main() -> Result<(), scout_metrics_core::Error> {
/// # let source = MemorySource::new(Snapshot::new(Organization::new("acme")?, [])?);
/// let router = Exporter::new().with_source(source).with_password_verifier(Directory).into_router()?;
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait PasswordVerifier: fmt::Debug + Send + Sync + 'static {
    /// Returns whether requests need credentials even if the exporter has no token.
    ///
    /// A verifier whose users come from a file that may be empty returns `false` while it is empty.
    fn is_required(&self) -> bool;

    /// Returns whether the user has this password.
    ///
    /// The duration should not reveal whether the user exists.
    async fn verify(&self, user: &str, password: &[u8]) -> Verdict;
}

/// The answer of a [`PasswordVerifier`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verdict {
    /// The user has this password.
    Admitted,
    /// There are too many passwords to verify; the response is 503, and the client may try again in a second.
    Busy,
    /// There is no such user, or the password is another one; the response is 401.
    Refused,
}
