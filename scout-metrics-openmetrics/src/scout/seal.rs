//! The first line of a record, a comment that says whose data it is, how old it is and what the rest has to be.
//!
//! ```text
//! # scout-metrics record: organization acme, scraped at 1763794000.123456789, checksum 97c4d1f08a6b3e25
//! ```
//!
//! It is the first line and not the last, so that a file which was cut short still has it.

use std::{
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use scout_metrics_core::{Organization, Snapshot};
use thiserror::Error;

use super::encode;
use crate::{Format, Timestamp, number::parse_seconds};

const START: &str = "# scout-metrics record: ";
const ORGANIZATION: &str = "organization ";
const SCRAPED_AT: &str = ", scraped at ";
const CHECKSUM: &str = ", checksum ";

/// Why a file is not the record that it should be.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(super) enum SealFault {
    #[error("it is damaged or was cut short: its checksum is wrong")]
    Checksum,
    #[error("its first line is damaged")]
    Line,
    #[error("it is no record: the first line that says so is missing")]
    Missing,
    #[error("it is a record of the organization `{0}`")]
    Organization(Organization),
}

/// Writes a snapshot as an exposition under its seal.
pub(super) fn seal(snapshot: &Snapshot) -> String {
    // Prometheus text, because OpenMetrics has no comments.
    let exposition = encode(snapshot, Format::Prometheus);
    let since = snapshot.scraped_at().duration_since(UNIX_EPOCH);
    let since = since.unwrap_or_default();
    let head = format!(
        "{START}{ORGANIZATION}{}{SCRAPED_AT}{}.{:09}",
        snapshot.organization(),
        since.as_secs(),
        since.subsec_nanos(),
    );
    let body = String::from_utf8_lossy(exposition.body());
    let checksum = checksum(&head, &body);
    format!("{head}{CHECKSUM}{checksum:016x}\n{body}")
}

pub(super) fn is_sealed(file: &[u8]) -> bool {
    file.starts_with(START.as_bytes())
}

/// Checks a record, and returns when its data was scraped.
pub(super) fn check(record: &[u8], organization: &Organization) -> Result<SystemTime, SealFault> {
    if !is_sealed(record) {
        return Err(SealFault::Missing);
    }
    let record = std::str::from_utf8(record).map_err(|_| SealFault::Checksum)?;
    let (line, body) = record.split_once('\n').ok_or(SealFault::Line)?;
    let (head, expected) = line.rsplit_once(CHECKSUM).ok_or(SealFault::Line)?;
    if format!("{:016x}", checksum(head, body)) != expected {
        return Err(SealFault::Checksum);
    }
    let (of, scraped_at) = read_head(head).ok_or(SealFault::Line)?;
    if of != *organization {
        return Err(SealFault::Organization(of));
    }
    Ok(scraped_at)
}

fn read_head(head: &str) -> Option<(Organization, SystemTime)> {
    let said = head.strip_prefix(START)?.strip_prefix(ORGANIZATION)?;
    let (organization, scraped_at) = said.split_once(SCRAPED_AT)?;
    let organization = Organization::from_str(organization).ok()?;
    let nanos = parse_seconds(scraped_at).map(Timestamp::as_nanos).ok()?;
    let since = Duration::from_nanos(u64::try_from(nanos).ok()?);
    Some((organization, UNIX_EPOCH.checked_add(since)?))
}

/// FNV-1a, 64 bits: no protection from people, but each change of one byte changes it.
fn checksum(head: &str, body: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = head.bytes().chain([b'\n']).chain(body.bytes());
    bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use scout_metrics_core::Stream;

    use super::*;

    fn acme() -> Organization {
        Organization::new("acme").unwrap()
    }

    fn snapshot() -> Snapshot {
        let production = Stream::new("production").with_vulnerabilities("5C 3H".parse().unwrap());
        let time = UNIX_EPOCH + Duration::new(1_763_794_000, 123_456_789);
        let snapshot = Snapshot::new(acme(), [production]).unwrap();
        snapshot.with_scraped_at(time)
    }

    #[test]
    fn the_first_line_says_whose_the_data_is_and_how_old() {
        let record = seal(&snapshot());
        let line = record.lines().next().unwrap();
        let (head, checksum) = line.rsplit_once(' ').unwrap();
        assert_eq!(
            head,
            "# scout-metrics record: organization acme, scraped at 1763794000.123456789, checksum"
        );
        assert_eq!(checksum.len(), 16);
        assert_eq!(
            check(record.as_bytes(), &acme()),
            Ok(snapshot().scraped_at())
        );
    }

    #[test]
    fn a_record_that_ends_at_any_byte_before_its_end_is_refused() {
        let record = seal(&snapshot());
        for end in 0..record.len() {
            assert!(check(&record.as_bytes()[..end], &acme()).is_err(), "{end}");
        }
    }

    #[test]
    fn a_record_of_which_any_byte_was_changed_is_refused() {
        let record = seal(&snapshot()).into_bytes();
        for at in 0..record.len() {
            for bit in 0..8 {
                let mut damaged = record.clone();
                damaged[at] ^= 1 << bit;
                assert!(check(&damaged, &acme()).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn a_record_of_another_organization_is_refused() {
        let other = Organization::new("other").unwrap();
        let fault = check(seal(&snapshot()).as_bytes(), &other).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "it is a record of the organization `acme`"
        );
    }

    #[test]
    fn times_before_1970_become_1970() {
        let early = snapshot().with_scraped_at(UNIX_EPOCH - Duration::from_secs(5));
        assert_eq!(check(seal(&early).as_bytes(), &acme()), Ok(UNIX_EPOCH));
    }
}
