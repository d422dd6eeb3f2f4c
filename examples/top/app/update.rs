//! The changes that each event makes.

use std::time::SystemTime;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use scout_metrics_core::Organization;

use super::{App, Pane, Past, Reading, View};

/// How far the page keys move.
const PAGE: usize = 10;

/// The maximum length of a filter. Longer than any name that fits on a screen.
const MAX_FILTER: usize = 100;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    Key(KeyEvent),
    /// The history of an organization has been read.
    Past(Organization, Past),
    /// The current answers of the pollers.
    Readings(Vec<Reading>),
    Time(SystemTime),
}

/// Something that the program must do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    Quit,
    /// Ask all sources now.
    Refresh,
    /// Give the terminal back to the shell until the program is continued.
    Suspend,
}

impl App {
    /// Changes the state, and returns what the program must do.
    pub(crate) fn update(&mut self, event: Event) -> Option<Command> {
        match event {
            Event::Key(key) if key.kind == KeyEventKind::Release => None,
            Event::Key(key) => self.press(key),
            Event::Past(organization, past) => {
                let mut states = self.organizations.iter_mut();
                if let Some(state) = states.find(|state| state.organization == organization) {
                    state.set_past(past);
                }
                self.rebuild();
                None
            }
            Event::Readings(readings) => {
                self.read(readings);
                None
            }
            Event::Time(now) => {
                self.now = now;
                None
            }
        }
    }

    fn read(&mut self, readings: Vec<Reading>) {
        let selected = self.selected_name();
        let mut is_changed = false;
        for reading in readings {
            let mut states = self.organizations.iter_mut();
            let Some(state) = states.find(|state| state.organization == reading.organization)
            else {
                continue;
            };
            state.freshness = reading.freshness;
            is_changed |= state.set_snapshot(reading.snapshot);
        }
        if is_changed {
            self.rebuild_around(selected);
        }
    }

    fn press(&mut self, key: KeyEvent) -> Option<Command> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            match key.code {
                KeyCode::Char('c') => return Some(Command::Quit),
                KeyCode::Char('z') => return Some(Command::Suspend),
                KeyCode::Char('u') if self.filter.is_edited => self.set_filter(String::new()),
                _ => {}
            }
            return None;
        }
        if self.is_help_shown {
            self.is_help_shown = false;
            return None;
        }
        if self.filter.is_edited {
            self.edit_filter(key.code);
            return None;
        }
        match key.code {
            KeyCode::Char('q') => return Some(Command::Quit),
            KeyCode::Char('r') => return Some(Command::Refresh),
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.is_help_shown = true,
            _ if self.view == View::Overview => self.press_in_overview(key.code),
            _ => self.press_in_detail(key.code),
        }
        None
    }

    fn press_in_overview(&mut self, key: KeyCode) {
        match key {
            KeyCode::Char('/') => self.filter.is_edited = true,
            KeyCode::Char('s') => self.set_sort(self.sort.next()),
            KeyCode::Char('S') => self.set_sort(self.sort.previous()),
            KeyCode::Tab | KeyCode::BackTab => self.focus = other(self.focus),
            KeyCode::Enter => self.open(),
            KeyCode::Esc if !self.filter.text.is_empty() => self.set_filter(String::new()),
            KeyCode::Esc => self.choose(0),
            _ => {
                if let Some(step) = step(key) {
                    self.move_selection(step);
                }
            }
        }
    }

    fn press_in_detail(&mut self, key: KeyCode) {
        match key {
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Enter => self.view = View::Overview,
            KeyCode::Char('n') => self.show_other(Step::By(1)),
            KeyCode::Char('p') => self.show_other(Step::By(-1)),
            _ => {
                if let Some(step) = step(key) {
                    self.scroll = step.from(self.scroll, usize::MAX);
                }
            }
        }
    }

    /// Shows the next or previous stream or organization in the same view.
    fn show_other(&mut self, step: Step) {
        self.scroll = 0;
        if self.view == View::Stream {
            self.selected = step.from(self.selected, self.rows.len());
        } else {
            let place = step.from(self.chosen_place(), self.organizations.len() + 1);
            // The first place stands for all organizations, which have no view of their own.
            self.choose(place.max(1));
        }
    }

    fn open(&mut self) {
        self.scroll = 0;
        match self.focus {
            Pane::Organizations if self.chosen.is_some() => self.view = View::Organization,
            Pane::Organizations => self.focus = Pane::Streams,
            Pane::Streams if !self.rows.is_empty() => self.view = View::Stream,
            // An organization without data has no streams to open, but a reason.
            Pane::Streams if self.chosen.is_some() => self.view = View::Organization,
            Pane::Streams => {}
        }
    }

    fn move_selection(&mut self, step: Step) {
        match self.focus {
            Pane::Streams => self.selected = step.from(self.selected, self.rows.len()),
            Pane::Organizations => {
                let place = step.from(self.chosen_place(), self.organizations.len() + 1);
                self.choose(place);
            }
        }
    }

    /// Chooses the organization at a place in the list, of which the first means all.
    fn choose(&mut self, place: usize) {
        let state = place
            .checked_sub(1)
            .and_then(|place| self.organizations.get(place));
        self.chosen = state.map(|state| state.organization.clone());
        self.rebuild();
    }

    fn set_sort(&mut self, sort: super::Sort) {
        self.sort = sort;
        self.selected = 0;
        self.rows.clear();
        self.rebuild();
    }

    fn edit_filter(&mut self, key: KeyCode) {
        let mut text = self.filter.text.clone();
        match key {
            KeyCode::Enter => self.filter.is_edited = false,
            KeyCode::Esc => {
                self.filter.is_edited = false;
                text.clear();
            }
            KeyCode::Backspace => {
                text.pop();
            }
            KeyCode::Char(c) if !c.is_control() && text.chars().count() < MAX_FILTER => {
                text.push(c)
            }
            KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => {
                if let Some(step) = step(key) {
                    self.move_selection(step);
                }
            }
            _ => {}
        }
        self.set_filter(text);
    }

    fn set_filter(&mut self, text: String) {
        if text != self.filter.text {
            self.filter.text = text;
            self.rebuild();
        }
    }
}

fn other(pane: Pane) -> Pane {
    match pane {
        Pane::Organizations => Pane::Streams,
        Pane::Streams => Pane::Organizations,
    }
}

/// A move in a list.
#[derive(Clone, Copy)]
enum Step {
    By(isize),
    Start,
    End,
}

impl Step {
    fn from(self, place: usize, length: usize) -> usize {
        let last = length.saturating_sub(1);
        match self {
            Self::By(by) => place.saturating_add_signed(by).min(last),
            Self::Start => 0,
            Self::End => last,
        }
    }
}

fn step(key: KeyCode) -> Option<Step> {
    let page = PAGE.cast_signed();
    match key {
        KeyCode::Up | KeyCode::Char('k') => Some(Step::By(-1)),
        KeyCode::Down | KeyCode::Char('j') => Some(Step::By(1)),
        KeyCode::PageUp => Some(Step::By(-page)),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(Step::By(page)),
        KeyCode::Home | KeyCode::Char('g') => Some(Step::Start),
        KeyCode::End | KeyCode::Char('G') => Some(Step::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use scout_metrics_core::{Snapshot, Stream};

    use super::*;
    use crate::app::{Freshness, Sort};

    fn organization(name: &str) -> Organization {
        Organization::new(name).unwrap()
    }

    fn reading(name: &str, streams: &[(&str, &str)]) -> Reading {
        let streams = streams.iter().map(|(stream, counts)| {
            Stream::new(*stream).with_vulnerabilities(counts.parse().unwrap())
        });
        Reading {
            organization: organization(name),
            snapshot: Some(Snapshot::new(organization(name), streams).unwrap()),
            freshness: Freshness::default(),
        }
    }

    fn app() -> App {
        let mut app = App::new(["acme", "apex"].map(organization), SystemTime::UNIX_EPOCH);
        let readings = [
            reading(
                "acme",
                &[("production", "1C"), ("staging", "5C"), ("test", "0C 9H")],
            ),
            reading("apex", &[("production", "3C")]),
        ];
        app.update(Event::Readings(readings.into()));
        app
    }

    fn press(app: &mut App, code: KeyCode) -> Option<Command> {
        app.update(Event::Key(KeyEvent::from(code)))
    }

    fn write(app: &mut App, text: &str) {
        for c in text.chars() {
            press(app, KeyCode::Char(c));
        }
    }

    /// Returns the streams in their order, as `organization/stream`.
    fn shown(app: &App) -> Vec<String> {
        let names = app.rows.iter().map(|row| {
            let (state, _, stream) = app.stream(*row);
            format!("{}/{}", state.organization, stream.name())
        });
        names.collect()
    }

    fn selected(app: &App) -> String {
        shown(app)[app.selected].clone()
    }

    #[test]
    fn the_worst_stream_comes_first() {
        let expected = [
            "acme/staging",
            "apex/production",
            "acme/production",
            "acme/test",
        ];
        assert_eq!(shown(&app()), expected);
    }

    #[test]
    fn sorting_goes_around_in_both_directions() {
        let mut app = app();
        let sorts = [(); 4].map(|()| {
            press(&mut app, KeyCode::Char('s'));
            app.sort
        });
        assert_eq!(
            sorts,
            [Sort::Change, Sort::Policies, Sort::Name, Sort::Worst]
        );
        press(&mut app, KeyCode::Char('S'));
        assert_eq!(app.sort, Sort::Name);
        let expected = [
            "acme/production",
            "acme/staging",
            "acme/test",
            "apex/production",
        ];
        assert_eq!(shown(&app), expected);
    }

    #[test]
    fn a_filter_matches_streams_and_organizations_in_any_case() {
        let mut app = app();
        press(&mut app, KeyCode::Char('/'));
        write(&mut app, "PROD");
        assert_eq!(shown(&app), ["apex/production", "acme/production"]);
        for _ in 0..4 {
            press(&mut app, KeyCode::Backspace);
        }
        write(&mut app, "ape");
        press(&mut app, KeyCode::Enter);
        assert_eq!(shown(&app), ["apex/production"]);
        assert!(!app.filter.is_edited);
        press(&mut app, KeyCode::Esc);
        assert_eq!(app.rows.len(), 4);
    }

    #[test]
    fn keys_are_text_while_the_filter_is_edited_and_text_is_bounded() {
        let mut app = app();
        press(&mut app, KeyCode::Char('/'));
        assert_eq!(press(&mut app, KeyCode::Char('q')), None);
        write(&mut app, &"日".repeat(2 * MAX_FILTER));
        assert_eq!(app.filter.text.chars().count(), MAX_FILTER);
        let clear = KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL);
        app.update(Event::Key(clear));
        assert_eq!(app.filter.text, "");
        press(&mut app, KeyCode::Esc);
        assert_eq!(press(&mut app, KeyCode::Char('q')), Some(Command::Quit));
    }

    #[test]
    fn the_selected_stream_stays_selected_when_data_and_order_change() {
        let mut app = app();
        press(&mut app, KeyCode::Down);
        assert_eq!(selected(&app), "apex/production");
        let better = reading("apex", &[("new", "0C"), ("production", "0C 1H")]);
        app.update(Event::Readings(vec![better]));
        assert_eq!(selected(&app), "apex/production");
        let gone = reading("apex", &[("new", "0C")]);
        app.update(Event::Readings(vec![gone]));
        assert_eq!(app.rows.len(), 4);
        assert!(app.selected < 4);
        let empty = ["acme", "apex"].map(|name| reading(name, &[]));
        app.update(Event::Readings(empty.into()));
        assert_eq!((app.selected, app.rows.len()), (0, 0));
    }

    #[test]
    fn an_organization_is_chosen_and_opened() {
        let mut app = app();
        press(&mut app, KeyCode::Tab);
        press(&mut app, KeyCode::Down);
        press(&mut app, KeyCode::Down);
        assert_eq!(app.chosen, Some(organization("apex")));
        assert_eq!(shown(&app), ["apex/production"]);
        press(&mut app, KeyCode::Enter);
        assert_eq!(app.view, View::Organization);
        press(&mut app, KeyCode::Char('p'));
        assert_eq!(app.chosen, Some(organization("acme")));
        press(&mut app, KeyCode::Char('p'));
        assert_eq!(app.chosen, Some(organization("acme")));
        press(&mut app, KeyCode::Esc);
        press(&mut app, KeyCode::Esc);
        assert_eq!((app.view, &app.chosen), (View::Overview, &None));
    }

    #[test]
    fn details_go_to_the_next_and_previous_stream() {
        let mut app = app();
        press(&mut app, KeyCode::Enter);
        assert_eq!(app.view, View::Stream);
        press(&mut app, KeyCode::Down);
        assert_eq!(app.scroll, 1);
        press(&mut app, KeyCode::Char('n'));
        assert_eq!(
            (selected(&app).as_str(), app.scroll),
            ("apex/production", 0)
        );
        press(&mut app, KeyCode::Char('p'));
        assert_eq!(selected(&app), "acme/staging");
    }

    #[test]
    fn details_close_when_their_stream_has_gone() {
        let mut app = app();
        press(&mut app, KeyCode::Enter);
        let still_there = reading("acme", &[("staging", "1C")]);
        app.update(Event::Readings(vec![still_there]));
        assert_eq!(
            (app.view, selected(&app)),
            (View::Stream, "acme/staging".to_owned())
        );
        let gone = reading("acme", &[("production", "1C")]);
        app.update(Event::Readings(vec![gone]));
        assert_eq!(app.view, View::Overview);
    }

    #[test]
    fn a_key_closes_help_and_does_nothing_else() {
        let mut app = app();
        press(&mut app, KeyCode::Char('?'));
        assert!(app.is_help_shown);
        assert_eq!(press(&mut app, KeyCode::Char('q')), None);
        assert!(!app.is_help_shown);
    }

    #[test]
    fn keys_that_the_program_acts_on_are_commands() {
        let mut app = app();
        let control = |c| Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL));
        assert_eq!(app.update(control('c')), Some(Command::Quit));
        assert_eq!(app.update(control('z')), Some(Command::Suspend));
        assert_eq!(press(&mut app, KeyCode::Char('r')), Some(Command::Refresh));
        // A filter that is edited does not swallow Ctrl-C.
        press(&mut app, KeyCode::Char('/'));
        assert_eq!(app.update(control('c')), Some(Command::Quit));
    }

    #[test]
    fn lists_stop_at_their_ends() {
        let mut app = app();
        for (key, place) in [
            (KeyCode::Up, 0),
            (KeyCode::PageDown, 3),
            (KeyCode::Down, 3),
            (KeyCode::Home, 0),
            (KeyCode::Char('G'), 3),
            (KeyCode::PageUp, 0),
        ] {
            press(&mut app, key);
            assert_eq!(app.selected, place, "{key:?}");
        }
        let mut empty = App::new([], SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        for key in [
            KeyCode::Down,
            KeyCode::End,
            KeyCode::Enter,
            KeyCode::Tab,
            KeyCode::Down,
            KeyCode::Enter,
        ] {
            press(&mut empty, key);
        }
        assert_eq!(empty.view, View::Overview);
    }
}
