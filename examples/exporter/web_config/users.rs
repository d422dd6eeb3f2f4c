//! `basic_auth_users`: users and the bcrypt hashes of their passwords.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use ring::{
    hmac::{self, HMAC_SHA256},
    rand::SystemRandom,
};
use secrecy::zeroize::Zeroizing;
use tokio::{sync::Semaphore, task::spawn_blocking};

use scout_metrics_core::Error;
use scout_metrics_http::exporter::{PasswordVerifier, Verdict};

use crate::fault;

use super::{WebConfigFile, document::Document};

/// The maximum cost of a hash. One more doubles the time; verifying a password at this cost takes seconds.
const MAX_COST: u32 = 16;

/// The maximum number of passwords that wait to be verified.
const MAX_WAITING: usize = 16;

/// The maximum number of logins that are remembered.
const MAX_REMEMBERED: usize = 100;

/// The bcrypt hash of a password.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct PasswordHash {
    text: String,
    cost: u32,
}

impl PasswordHash {
    fn parse(text: String) -> Option<Self> {
        let cost = text.parse::<bcrypt::HashParts>().ok()?.get_cost();
        Some(Self { text, cost })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Reads the section. No text of it becomes a part of an error, except the names of users.
pub(super) fn read(section: Document) -> Result<BTreeMap<String, PasswordHash>, String> {
    let users = section.into_texts()?.into_iter().map(|(user, hash)| {
        let key = format!("`basic_auth_users.{user}`");
        let hash = PasswordHash::parse(hash).ok_or_else(|| {
            format!(
                "expected a bcrypt hash in {key}, as `htpasswd -nBC 10 \"\"` prints after the colon"
            )
        })?;
        if hash.cost > MAX_COST {
            return Err(format!(
                "the bcrypt hash in {key} has a cost above {MAX_COST}"
            ));
        }
        Ok((user, hash))
    });
    users.collect()
}

/// Verifies the passwords of the users in a web configuration file.
///
/// bcrypt takes about 100 ms of processor time by design. One password is verified at a time, on a thread of its own. A
/// login that succeeded is remembered as a keyed hash, so that scrapes cost nothing.
pub(crate) struct Users {
    file: WebConfigFile,
    waiting: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    key: hmac::Key,
    remembered: Arc<Remembered>,
}

/// The logins that succeeded, the oldest first.
#[derive(Default)]
struct Remembered(Mutex<VecDeque<Fingerprint>>);

/// The keyed hash of a user, the bcrypt hash in the file and the password.
type Fingerprint = [u8; 32];

impl Users {
    /// Returns the users of a file, at each time those that it contains then.
    pub(crate) fn new(file: WebConfigFile) -> Result<Self, Error> {
        let key = hmac::Key::generate(HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| fault("the system has no random numbers"))?;
        Ok(Self {
            file,
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            turn: Arc::new(Semaphore::new(1)),
            key,
            remembered: Arc::default(),
        })
    }

    fn fingerprint(&self, user: &str, hash: &PasswordHash, password: &[u8]) -> Fingerprint {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [user.as_bytes(), hash.text.as_bytes(), password] {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        let mut fingerprint = Fingerprint::default();
        fingerprint.copy_from_slice(context.sign().as_ref());
        fingerprint
    }
}

impl Remembered {
    fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.lock().contains(fingerprint)
    }

    fn add(&self, fingerprint: Fingerprint) {
        let mut fingerprints = self.lock();
        if fingerprints.contains(&fingerprint) {
            return;
        }
        if fingerprints.len() == MAX_REMEMBERED {
            fingerprints.pop_front();
        }
        fingerprints.push_back(fingerprint);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Fingerprint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PasswordVerifier for Users {
    fn is_required(&self) -> bool {
        !self.file.current().users.is_empty()
    }

    async fn verify(&self, user: &str, password: &[u8]) -> Verdict {
        let config = self.file.current();
        // The password of an unknown user is verified, too, so that the time does not reveal that the user is unknown.
        let found = config.users.get(user);
        let slowest = config.users.values().max_by_key(|hash| hash.cost);
        let Some(hash) = found.or(slowest) else {
            return Verdict::Refused;
        };
        let fingerprint = self.fingerprint(user, hash, password);
        if found.is_some() && self.remembered.contains(&fingerprint) {
            return Verdict::Admitted;
        }
        let Ok(waiting) = Arc::clone(&self.waiting).try_acquire_owned() else {
            return Verdict::Busy;
        };
        let (turn, remembered) = (Arc::clone(&self.turn), Arc::clone(&self.remembered));
        let (hash, password) = (hash.clone(), Zeroizing::new(password.to_vec()));
        let is_known = found.is_some();
        // A separate task, so that the login is remembered even if the client is less patient than bcrypt is slow.
        let verified = tokio::spawn(async move {
            let _waiting = waiting;
            let is_right = is_password(turn, hash, password).await;
            if is_known && is_right {
                remembered.add(fingerprint);
            }
            is_known && is_right
        });
        match verified.await {
            Ok(true) => Verdict::Admitted,
            _ => Verdict::Refused,
        }
    }
}

/// Verifies a password on a thread of its own, when it has its turn.
async fn is_password(
    turn: Arc<Semaphore>,
    hash: PasswordHash,
    password: Zeroizing<Vec<u8>>,
) -> bool {
    let turn = turn.acquire_owned().await;
    let verify = move || {
        let _turn = turn;
        bcrypt::verify(&*password, &hash.text).unwrap_or(false)
    };
    spawn_blocking(verify).await.unwrap_or(false)
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Users").field(&self.file).finish()
    }
}
