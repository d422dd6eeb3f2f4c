//! The metrics about the program itself, which `/metrics` shows after those of the library.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use scout_metrics_core::{MetricsSource, RecordingStatus};
use scout_metrics_openmetrics::{EncodeError, Encoder, Format, MetricType};

use crate::pollers::Kept;

/// The state of the metrics. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ProgramMetrics(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    is_last_reload_good: bool,
    last_good_reload: SystemTime,
    kept: Vec<Kept>,
}

impl ProgramMetrics {
    /// Creates the metrics of a program that has just read its configuration.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            is_last_reload_good: true,
            last_good_reload: SystemTime::now(),
            kept: Vec::new(),
        })))
    }

    /// Records whether the configuration was reloaded.
    pub(crate) fn reloaded(&self, is_good: bool) {
        let mut state = self.state();
        state.is_last_reload_good = is_good;
        if is_good {
            state.last_good_reload = SystemTime::now();
        }
    }

    /// Sets the sources whose snapshots are kept in the state directory.
    pub(crate) fn set_kept<'a>(&self, kept: impl Iterator<Item = &'a Kept>) {
        self.state().kept = kept.cloned().collect();
    }

    pub(crate) fn encode_into(&self, encoder: &mut Encoder<String>) -> Result<(), EncodeError> {
        let state = self.state();
        encode_reloads(encoder, &state)?;
        if state.kept.is_empty() {
            return Ok(());
        }
        encode_kept(
            encoder,
            &state,
            "scout_exporter_state_records",
            "Snapshots that were written to the state directory.",
            RecordingStatus::recorded,
        )?;
        encode_kept(
            encoder,
            &state,
            "scout_exporter_state_record_errors",
            "Snapshots that could not be written to the state directory.",
            RecordingStatus::dropped,
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encode_reloads(encoder: &mut Encoder<String>, state: &State) -> Result<(), EncodeError> {
    let since = state
        .last_good_reload
        .duration_since(SystemTime::UNIX_EPOCH);
    for (name, help, value) in [
        (
            "scout_exporter_config_last_reload_successful",
            "Whether the last attempt to load the configuration succeeded.",
            f64::from(u8::from(state.is_last_reload_good)),
        ),
        (
            "scout_exporter_config_last_reload_success_timestamp_seconds",
            "The time of the last attempt to load the configuration that succeeded.",
            since.unwrap_or_default().as_secs_f64(),
        ),
    ] {
        encoder.family(name, MetricType::Gauge, help, "")?;
        encoder.sample(name, [("", ""); 0], value)?;
    }
    Ok(())
}

/// Writes a counter with a value for each organization.
fn encode_kept(
    encoder: &mut Encoder<String>,
    state: &State,
    family: &str,
    help: &str,
    value: fn(&RecordingStatus) -> u64,
) -> Result<(), EncodeError> {
    let name = format!("{family}_total");
    let family = match encoder.format() {
        Format::Prometheus => &name,
        _ => family,
    };
    encoder.family(family, MetricType::Counter, help, "")?;
    for kept in &state.kept {
        let labels = [("org", kept.organization().as_str())];
        encoder.sample(&name, labels, value(&kept.status()) as f64)?;
    }
    Ok(())
}
