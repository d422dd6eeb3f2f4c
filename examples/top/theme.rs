//! Colours, which never carry a meaning alone.

use ratatui::style::{Color, Modifier, Style};

use scout_metrics_core::Severity;

/// The styles of the screen: with the sixteen colours of the terminal, which fit its background, or without colours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    has_colors: bool,
}

impl Theme {
    pub(crate) fn new(has_colors: bool) -> Self {
        Self { has_colors }
    }

    pub(crate) fn severity(self, severity: Severity, count: u64) -> Style {
        match severity {
            _ if count == 0 => self.dim(),
            Severity::Critical => self.colored(Color::Red).add_modifier(Modifier::BOLD),
            Severity::High => self.colored(Color::Red),
            Severity::Medium => self.colored(Color::Yellow),
            Severity::Low => self.colored(Color::Cyan),
            Severity::Unspecified => Style::new(),
        }
    }

    pub(crate) fn good(self) -> Style {
        self.colored(Color::Green)
    }

    pub(crate) fn bad(self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub(crate) fn doubtful(self) -> Style {
        self.colored(Color::Yellow)
    }

    pub(crate) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(crate) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(crate) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    fn colored(self, color: Color) -> Style {
        if self.has_colors {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }
}
