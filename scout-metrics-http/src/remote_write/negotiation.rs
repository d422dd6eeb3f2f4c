//! Which version of the protocol a receiver understands.

use super::ProtocolVersion;

/// How a receiver answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Whether it has one of the headers that say how much was written, which only 2.0 has.
    pub(super) has_written: bool,
}

impl Answer {
    pub(super) fn is_success(self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The versions that are tried, and what is known about the receiver.
///
/// 2.0 is tried first. A receiver of 1.0 refuses it with 415, or with 400; or it finds no series in a message of 2.0 and
/// answers that all is well, but without the headers of 2.0 ([specification], sections "Unsupported Request Content" and
/// "Required Written Response Headers").
///
/// [specification]: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
#[derive(Clone, Copy, Debug)]
pub(super) struct Negotiation {
    fixed: Option<ProtocolVersion>,
    /// The version of the last request that the receiver has shown to understand.
    known: Option<ProtocolVersion>,
}

impl Negotiation {
    pub(super) fn new(fixed: Option<ProtocolVersion>) -> Self {
        Self { fixed, known: None }
    }

    /// Returns the version to try first.
    pub(super) fn version(&self) -> ProtocolVersion {
        self.fixed.or(self.known).unwrap_or(ProtocolVersion::V2)
    }

    /// Returns the version that the receiver understands, if that is known.
    pub(super) fn known(&self) -> Option<ProtocolVersion> {
        self.fixed.or(self.known)
    }

    /// Learns from an answer. Returns the other version if the same samples should be sent again with it at once.
    pub(super) fn learn(
        &mut self,
        version: ProtocolVersion,
        answer: Answer,
    ) -> Option<ProtocolVersion> {
        use ProtocolVersion::{V1, V2};

        if self.fixed.is_some() {
            return None;
        }
        let is_other = match version {
            V2 if answer.has_written => false,
            V2 if answer.is_success() => true,
            V2 if answer.status == 400 => self.known.is_none(),
            _ => answer.status == 415,
        };
        if !is_other {
            if answer.is_success() || answer.has_written {
                self.known = Some(version);
            }
            return None;
        }
        self.known = None;
        Some(if version == V2 { V1 } else { V2 })
    }
}

#[cfg(test)]
mod tests {
    use ProtocolVersion::{V1, V2};

    use super::*;

    const WRITTEN: Answer = Answer {
        status: 204,
        has_written: true,
    };

    fn answer(status: u16) -> Answer {
        Answer {
            status,
            has_written: false,
        }
    }

    fn new() -> Negotiation {
        Negotiation::new(None)
    }

    #[test]
    fn falls_back_to_1_0_as_the_specification_says() {
        for status in [400, 415, 200, 204] {
            let mut negotiation = new();
            assert_eq!(negotiation.version(), V2);
            assert_eq!(negotiation.learn(V2, answer(status)), Some(V1), "{status}");
            assert_eq!(negotiation.learn(V1, answer(204)), None);
            assert_eq!(negotiation.known(), Some(V1));
        }
    }

    #[test]
    fn other_answers_say_nothing_about_the_version() {
        for status in [401, 404, 413, 429, 500, 503] {
            let mut negotiation = new();
            assert_eq!(negotiation.learn(V2, answer(status)), None, "{status}");
            assert_eq!(negotiation.known(), None);
        }
    }

    #[test]
    fn a_receiver_that_refuses_samples_is_not_one_of_1_0() {
        let partial = Answer {
            status: 400,
            has_written: true,
        };
        let mut negotiation = new();
        assert_eq!(negotiation.learn(V2, partial), None);
        assert_eq!(negotiation.known(), Some(V2));
        let mut negotiation = new();
        negotiation.learn(V2, WRITTEN);
        assert_eq!(negotiation.learn(V2, answer(400)), None);
        assert_eq!(negotiation.version(), V2);
    }

    #[test]
    fn data_that_both_versions_refuse_leaves_the_version_open() {
        let mut negotiation = new();
        assert_eq!(negotiation.learn(V2, answer(400)), Some(V1));
        assert_eq!(negotiation.learn(V1, answer(400)), None);
        assert_eq!(negotiation.version(), V2);
    }

    #[test]
    fn a_receiver_may_be_replaced_by_one_of_another_version() {
        let mut negotiation = new();
        negotiation.learn(V2, WRITTEN);
        assert_eq!(negotiation.learn(V2, answer(415)), Some(V1));
        assert_eq!(negotiation.learn(V1, answer(204)), None);
        assert_eq!(negotiation.learn(V1, answer(415)), Some(V2));
        assert_eq!(negotiation.learn(V2, WRITTEN), None);
        assert_eq!(negotiation.version(), V2);
    }

    #[test]
    fn a_fixed_version_stays() {
        let mut negotiation = Negotiation::new(Some(V2));
        assert_eq!(negotiation.learn(V2, answer(415)), None);
        assert_eq!(negotiation.version(), V2);
    }
}
