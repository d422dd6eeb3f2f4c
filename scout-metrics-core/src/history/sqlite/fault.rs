//! The faults of the file, and the errors that they become.

use std::path::Path;

use rusqlite::{ErrorCode, types::FromSqlError};

use crate::{Error, ErrorKind};

/// SQLite's extended code for a file that ends before the page that is read.
const SHORT_READ: i32 = rusqlite::ffi::SQLITE_IOERR_SHORT_READ;

#[derive(Debug)]
pub(super) enum Fault {
    Damaged(String),
    Newer { version: i32, known: i32 },
    NotOurs,
    Refused(Error),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<FromSqlError> for Fault {
    fn from(error: FromSqlError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl Fault {
    pub(super) fn read_only() -> Self {
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
        Self::Sql(rusqlite::Error::SqliteFailure(error, None))
    }

    /// Returns the error for callers, which names the file.
    pub(super) fn into_error(self, path: &Path) -> Error {
        let error = |kind, what: &str| Error::new(kind, format!("the history {path:?} {what}"));
        match self {
            Self::Damaged(what) => error(ErrorKind::Decode, "is damaged").with_source(what),
            Self::Newer { version, known } => error(
                ErrorKind::Config,
                &format!(
                    "was written by a newer version: its schema is {version}, the latest known one is {known}"
                ),
            ),
            Self::NotOurs => error(ErrorKind::Config, "is a SQLite database of another program"),
            Self::Refused(refused) => refused,
            Self::Sql(cause) => {
                let (kind, what) = classify(&cause);
                error(kind, what).with_source(cause)
            }
        }
    }
}

fn classify(error: &rusqlite::Error) -> (ErrorKind, &'static str) {
    use rusqlite::Error as Sql;
    const DAMAGED: (ErrorKind, &str) = (ErrorKind::Decode, "is damaged");
    match error {
        Sql::SqliteFailure(failure, _) if failure.extended_code == SHORT_READ => DAMAGED,
        Sql::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::ConstraintViolation => DAMAGED,
            ErrorCode::NotADatabase => (ErrorKind::Decode, "is damaged, or not a SQLite database"),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                (ErrorKind::Unavailable, "is locked by another process")
            }
            ErrorCode::DiskFull => (ErrorKind::Unavailable, "cannot grow: the disk is full"),
            ErrorCode::SystemIoFailure => (ErrorKind::Unavailable, "cannot be read or written"),
            ErrorCode::CannotOpen => (ErrorKind::Config, "cannot be opened"),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => {
                (ErrorKind::Config, "cannot be written")
            }
            // The statements are constant and the tables were checked: one is missing or differs.
            ErrorCode::Unknown => DAMAGED,
            _ => (ErrorKind::Other, "cannot be used"),
        },
        Sql::FromSqlConversionFailure(..)
        | Sql::IntegralValueOutOfRange(..)
        | Sql::InvalidColumnType(..)
        | Sql::QueryReturnedNoRows
        | Sql::Utf8Error(..)
        | Sql::SqlInputError { .. } => DAMAGED,
        _ => (ErrorKind::Other, "cannot be used"),
    }
}
