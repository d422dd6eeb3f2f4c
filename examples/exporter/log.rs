//! The log, which is written to standard error.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use crate::configuration::{LogFormat, LogOptions};

/// A handle that changes the minimum level of the log.
#[derive(Clone, Debug)]
pub(crate) struct LogLevel(reload::Handle<LevelFilter, Registry>);

impl LogLevel {
    pub(crate) fn set(&self, options: &LogOptions) {
        // Fails only if the log has been dropped, which lives as long as the program.
        let _ = self.0.reload(level(options));
    }
}

/// Starts the log.
pub(crate) fn start(options: &LogOptions) -> LogLevel {
    let (filter, handle) = reload::Layer::new(level(options));
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match options.format() {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines.boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
    LogLevel(handle)
}

fn level(options: &LogOptions) -> LevelFilter {
    LevelFilter::from_level(options.level())
}
