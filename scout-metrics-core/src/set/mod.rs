//! Several organizations at once.

pub(crate) mod answers;
pub(crate) mod poller_set;
pub(crate) mod source_set;
