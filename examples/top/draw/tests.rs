//! Screens, drawn without a terminal.

use std::time::{Duration, SystemTime};

use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent},
    style::Color,
};

use scout_metrics_core::{
    Anomaly, AnomalyKind, Error, ErrorKind, HistoryExt, Organization, Policy, PolicyResult,
    Snapshot, Stream,
};
use scout_metrics_examples::demo::Demo;

use super::draw;
use crate::{
    app::{App, DAYS, Event, Freshness, Past, Reading},
    theme::Theme,
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);

/// A Monday in 2026.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_272_000)
}

fn organization(name: &str) -> Organization {
    Organization::new(name).unwrap()
}

fn app(names: &[&str]) -> App {
    App::new(names.iter().map(|name| organization(name)), now())
}

fn fresh() -> Freshness {
    Freshness {
        age: Some(3 * MINUTE),
        next_in: Some(57 * MINUTE),
        ..Freshness::default()
    }
}

fn failed(age: Option<Duration>, kind: ErrorKind, text: &str) -> Freshness {
    Freshness {
        age,
        failures: 3,
        error: Some(Error::new(kind, text)),
        next_in: Some(MINUTE / 5),
        ..Freshness::default()
    }
}

fn read(app: &mut App, name: &str, snapshot: Option<Snapshot>, freshness: Freshness) {
    let reading = Reading {
        organization: organization(name),
        snapshot,
        freshness,
    };
    app.update(Event::Readings(vec![reading]));
}

/// Returns the dashboard of the demo.
async fn demo() -> App {
    let demo = Demo::new(1, now());
    let history = demo.history().await.unwrap();
    let mut app = App::new(demo.organizations(), now());
    for organization in demo.organizations() {
        let start = now() - DAY * (DAYS as u32 - 1);
        let trend = history
            .trend(&organization, start, now(), DAYS)
            .await
            .unwrap();
        app.update(Event::Past(organization.clone(), Past::new(&trend)));
        let snapshot = history.latest(&organization).await.unwrap();
        let freshness = match organization.as_str() {
            "nimbus" => failed(
                Some(7 * 60 * MINUTE),
                ErrorKind::Unavailable,
                "503 Service Unavailable",
            ),
            _ => fresh(),
        };
        read(&mut app, organization.as_str(), snapshot, freshness);
    }
    app
}

fn acme(streams: impl IntoIterator<Item = Stream>) -> Snapshot {
    Snapshot::new(organization("acme"), streams)
        .unwrap()
        .with_scraped_at(now() - 3 * MINUTE)
}

fn press(app: &mut App, keys: &[KeyCode]) {
    for key in keys {
        app.update(Event::Key(KeyEvent::from(*key)));
    }
}

fn terminal(app: &mut App, theme: Theme, columns: u16, lines: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
    terminal.draw(|frame| draw(app, theme, frame)).unwrap();
    terminal
}

/// Returns the screen as text.
fn screen(app: &mut App, columns: u16, lines: u16) -> String {
    let terminal = terminal(app, Theme::new(true), columns, lines);
    terminal.backend().to_string()
}

#[tokio::test]
async fn the_overview_has_the_worst_first() {
    insta::assert_snapshot!(screen(&mut demo().await, 80, 24));
}

#[tokio::test]
async fn a_wide_overview_has_longer_trends() {
    insta::assert_snapshot!(screen(&mut demo().await, 120, 36));
}

#[tokio::test]
async fn the_details_of_a_stream_have_changes_trends_and_policies() {
    let mut app = demo().await;
    press(&mut app, &[KeyCode::Char('/')]);
    press(
        &mut app,
        &"staging".chars().map(KeyCode::Char).collect::<Vec<_>>(),
    );
    press(&mut app, &[KeyCode::Enter, KeyCode::Enter]);
    insta::assert_snapshot!(screen(&mut app, 100, 24));
}

#[tokio::test]
async fn an_unknown_severity_and_an_anomaly_are_shown() {
    let mut app = demo().await;
    press(&mut app, &[KeyCode::Char('/')]);
    press(
        &mut app,
        &"lake".chars().map(KeyCode::Char).collect::<Vec<_>>(),
    );
    press(&mut app, &[KeyCode::Enter, KeyCode::Enter]);
    insta::assert_snapshot!(screen(&mut app, 80, 24));
}

#[tokio::test]
async fn the_filter_is_shown_while_it_is_edited() {
    let mut app = demo().await;
    press(
        &mut app,
        &[KeyCode::Char('/'), KeyCode::Char('S'), KeyCode::Char('t')],
    );
    insta::assert_snapshot!(screen(&mut app, 80, 24));
}

#[tokio::test]
async fn help_covers_the_rest() {
    let mut app = demo().await;
    press(&mut app, &[KeyCode::Char('?')]);
    insta::assert_snapshot!(screen(&mut app, 80, 24));
}

#[tokio::test]
async fn a_failing_organization_says_what_to_do() {
    let mut app = demo().await;
    press(
        &mut app,
        &[
            KeyCode::Tab,
            KeyCode::Char('s'),
            KeyCode::Char('s'),
            KeyCode::Char('s'),
        ],
    );
    press(
        &mut app,
        &[
            KeyCode::Home,
            KeyCode::Down,
            KeyCode::Down,
            KeyCode::Down,
            KeyCode::Down,
        ],
    );
    press(&mut app, &[KeyCode::Enter]);
    insta::assert_snapshot!(screen(&mut app, 80, 24));
}

#[test]
fn a_refused_token_says_what_to_do() {
    let mut app = app(&["acme"]);
    let text = "the server answered 401 Unauthorized to the token of DOCKER_SCOUT_TOKEN, which it does not know any more";
    read(
        &mut app,
        "acme",
        None,
        failed(None, ErrorKind::Unauthorized, text),
    );
    insta::assert_snapshot!("refused_overview", screen(&mut app, 80, 24));
    press(&mut app, &[KeyCode::Tab, KeyCode::Down, KeyCode::Enter]);
    insta::assert_snapshot!("refused_details", screen(&mut app, 80, 24));
}

#[test]
fn old_data_is_marked() {
    let mut app = app(&["acme"]);
    let old = Freshness {
        age: Some(3 * DAY),
        ..fresh()
    };
    let stream = Stream::new("production").with_vulnerabilities("1C 2H".parse().unwrap());
    read(&mut app, "acme", Some(acme([stream])), old);
    insta::assert_snapshot!(screen(&mut app, 80, 24));
}

#[test]
fn before_the_first_answer_it_waits() {
    insta::assert_snapshot!(screen(&mut app(&["acme", "apex"]), 80, 24));
}

#[test]
fn an_organization_without_streams_is_said_to_have_none() {
    let mut app = app(&["acme"]);
    read(&mut app, "acme", Some(acme([])), fresh());
    insta::assert_snapshot!(screen(&mut app, 80, 24));
}

#[tokio::test]
async fn a_filter_without_a_match_is_said_to_have_none() {
    let mut app = demo().await;
    press(
        &mut app,
        &[
            KeyCode::Char('/'),
            KeyCode::Char('x'),
            KeyCode::Char('x'),
            KeyCode::Enter,
        ],
    );
    let screen = screen(&mut app, 80, 24);
    assert!(
        screen.contains("No stream matches the filter. Esc removes it."),
        "{screen}"
    );
}

#[tokio::test]
async fn a_screen_that_is_too_small_says_so() {
    let mut app = demo().await;
    insta::assert_snapshot!(screen(&mut app, 40, 5));
    for (columns, lines) in [(0, 0), (1, 1), (79, 24), (80, 23)] {
        terminal(&mut app, Theme::new(true), columns, lines);
    }
}

/// Every view, at every size from nothing to large, is drawn without a panic.
#[tokio::test]
async fn every_size_can_be_drawn() {
    let mut app = demo().await;
    for keys in [
        &[][..],
        &[KeyCode::Enter],
        &[KeyCode::Esc, KeyCode::Tab, KeyCode::Down, KeyCode::Enter],
        &[KeyCode::Char('?')],
    ] {
        press(&mut app, keys);
        for (columns, lines) in [
            (80, 24),
            (81, 25),
            (97, 40),
            (200, 60),
            (500, 24),
            (80, 200),
        ] {
            screen(&mut app, columns, lines);
        }
    }
}

#[tokio::test]
async fn without_colors_no_cell_has_one_and_the_meaning_stays() {
    let mut app = demo().await;
    for keys in [&[][..], &[KeyCode::Enter], &[KeyCode::Char('?')]] {
        press(&mut app, keys);
        let plain = terminal(&mut app, Theme::new(false), 100, 30);
        let colored = terminal(&mut app, Theme::new(true), 100, 30);
        let cells = plain.backend().buffer().content();
        assert!(
            cells
                .iter()
                .all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset))
        );
        // Only the colours differ.
        assert_eq!(plain.backend().to_string(), colored.backend().to_string());
    }
}

#[tokio::test]
async fn severities_have_colors() {
    let mut app = demo().await;
    let terminal = terminal(&mut app, Theme::new(true), 80, 24);
    let buffer = terminal.backend().buffer();
    let color_of = |text: &str| {
        let line = buffer.content().chunks(80).find_map(|line| {
            let shown: Vec<&str> = line.iter().map(|cell| cell.symbol()).collect();
            let place = shown.concat().find(text)?;
            Some(line[place].fg)
        });
        line.unwrap()
    };
    assert_eq!(color_of("153C"), Color::Red);
    assert_eq!(color_of("1567M"), Color::Yellow);
    assert_eq!(color_of("2919L"), Color::Cyan);
}

/// Names that try to move the cursor, turn the text around, hide, or cover other lines.
#[test]
fn hostile_names_are_shown_as_they_are() {
    let mut app = app(&["acme"]);
    let names = [
        "\u{1b}[2Jcleared".to_owned(),
        "safe\u{202e}gnp.exe".to_owned(),
        "prod\u{200b}uction".to_owned(),
        format!("tall{}", "\u{301}".repeat(500)),
        "日本語の環境です長い名前".to_owned(),
        "👩\u{200d}🚀 crew".to_owned(),
        "x".repeat(10_000),
        "two\nlines\ttab".to_owned(),
    ];
    let policy = |name: &str| PolicyResult::new(Policy::new("id", name), 1, 2).unwrap();
    let streams = names.iter().map(|name| {
        let stream = Stream::new(name.as_str()).with_policy(policy(name));
        stream.with_vulnerabilities("1C".parse().unwrap())
    });
    let anomaly = Anomaly::new(AnomalyKind::UnknownFamily, &names[0]);
    let snapshot = acme(streams).with_anomalies(vec![anomaly]);
    read(&mut app, "acme", Some(snapshot), fresh());
    insta::assert_snapshot!(screen(&mut app, 80, 24));
    press(&mut app, &[KeyCode::Enter]);
    for _ in &names {
        let terminal = terminal(&mut app, Theme::new(true), 80, 24);
        for cell in terminal.backend().buffer().content() {
            let symbol = cell.symbol();
            assert!(!symbol.chars().any(char::is_control), "{symbol:?}");
            assert!(symbol.chars().count() <= 9, "{symbol:?}");
        }
        press(&mut app, &[KeyCode::Char('n')]);
    }
}

/// Only the visible rows are made, so a frame of very many streams costs as much as one of a few.
#[test]
fn two_thousand_streams_scroll() {
    let mut app = app(&["acme"]);
    let streams = (0..2000).map(|n| {
        let counts = format!("{}C 1H", 2000 - n).parse().unwrap();
        Stream::new(format!("stream {n:04}")).with_vulnerabilities(counts)
    });
    read(&mut app, "acme", Some(acme(streams)), fresh());
    press(&mut app, &[KeyCode::End]);
    let last = screen(&mut app, 80, 24);
    assert!(
        last.contains("stream 1999") && !last.contains("stream 0000"),
        "{last}"
    );
    press(&mut app, &[KeyCode::PageUp, KeyCode::PageUp]);
    let earlier = screen(&mut app, 80, 24);
    assert!(earlier.contains("› acme       stream 1979"), "{earlier}");
}
