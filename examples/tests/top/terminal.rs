//! The dashboard in a terminal, which must be left as it was found.

use std::{
    env,
    io::{self, Read, Write},
    process::Command,
    thread,
    time::Duration,
};

use ratatui::widgets::Paragraph;

use crate::{
    poll,
    program::example,
    screen::Screen,
    tmux::{Tmux, runs},
};

/// Tells this test program, when it runs itself in a terminal, which thread shall panic.
const PANICS: &str = "SCOUT_METRICS_TOP_PANICS";

/// Starts a terminal, or returns nothing if tmux is not installed.
fn terminal() -> Option<Tmux> {
    let version = Command::new("tmux").arg("-V").output();
    if version.is_ok_and(|output| output.status.success()) {
        return Some(Tmux::start(80, 24));
    }
    let is_required = env::var_os("SCOUT_METRICS_REQUIRE_PEERS").is_some_and(|value| value == "1");
    assert!(!is_required, "`tmux` is required and cannot be run");
    // Not `eprintln!`, whose output the test harness captures.
    let line = "SKIPPED: `tmux` is not installed (Debian's package has its name)\n";
    io::stderr().write_all(line.as_bytes()).unwrap();
    None
}

/// Returns the command line of the dashboard.
fn top(arguments: &str) -> String {
    let program = example("top").get_program().to_str().unwrap().to_owned();
    format!("{program} {arguments}")
}

#[test]
fn keys_work_and_the_terminal_is_as_before() {
    let Some(terminal) = terminal() else { return };
    let modes = terminal.modes();
    terminal.run(&top("--demo; echo status $?"));
    let screen = terminal.wait_for("▶ 21 streams, sorted by worst");
    assert!(
        screen.contains("scout top  ! 1 organization failing"),
        "{screen}"
    );
    assert!(!screen.contains("ready"), "{screen}");
    terminal.press(&["s"]);
    terminal.wait_for("sorted by change");
    terminal.press(&["/", "s", "t", "a", "g"]);
    terminal.wait_for("2 streams with \"stag\"");
    terminal.press(&["Enter", "Enter"]);
    let details = terminal.wait_for("POLICY");
    assert!(details.contains("staging\nof acme. Fetched"), "{details}");
    terminal.press(&["n"]);
    terminal.wait_for("staging\nof phoenix.");
    terminal.press(&["Escape"]);
    terminal.wait_for("▶ 2 streams");
    terminal.press(&["?"]);
    terminal.wait_for("Help: any key closes it");
    terminal.press(&["x"]);
    terminal.resize(60, 20);
    terminal.wait_for("This terminal has 60 x 20 characters");
    terminal.resize(120, 30);
    terminal.wait_for("▶ 2 streams");
    terminal.press(&["q"]);
    let left = terminal.wait_for("status 0");
    terminal.wait_for_shell();
    assert!(
        left.contains("ready") && !left.contains("scout top  "),
        "{left}"
    );
    assert_eq!(terminal.modes(), modes);
}

#[test]
fn control_z_gives_the_terminal_to_the_shell_until_it_continues() {
    let Some(terminal) = terminal() else { return };
    let modes = terminal.modes();
    terminal.run(&top("--demo; echo status $?"));
    terminal.wait_for("▶ 21 streams");
    for _ in 0..2 {
        terminal.press(&["C-z"]);
        terminal.wait_for("Stopped");
        terminal.wait_for_shell();
        assert_eq!(terminal.modes(), modes);
        terminal.run("clear; fg");
        terminal.wait_for("▶ 21 streams");
    }
    // Keys still arrive one by one and are not echoed.
    terminal.press(&["s"]);
    terminal.wait_for("sorted by change");
    terminal.press(&["C-c"]);
    terminal.wait_for_shell();
    assert_eq!(terminal.modes(), modes);
}

#[test]
fn a_program_that_is_stopped_from_outside_takes_the_terminal_again() {
    let Some(terminal) = terminal() else { return };
    terminal.run(&top("--demo"));
    terminal.wait_for("▶ 21 streams");
    let process = terminal.child();
    kill("STOP", &process);
    terminal.wait_for("Stopped");
    terminal.run("fg");
    terminal.wait_for("▶ 21 streams");
    terminal.press(&["s"]);
    terminal.wait_for("sorted by change");
}

#[test]
fn signals_end_the_program_and_leave_the_terminal_as_before() {
    let Some(terminal) = terminal() else { return };
    let modes = terminal.modes();
    for signal in ["TERM", "INT", "HUP"] {
        terminal.run(&top(&format!("--demo; echo after {signal}: $?")));
        terminal.wait_for("▶ 21 streams");
        kill(signal, &terminal.child());
        terminal.wait_for(&format!("after {signal}: 0"));
        terminal.wait_for_shell();
        assert_eq!(terminal.modes(), modes);
    }
}

#[test]
fn the_program_ends_with_its_terminal() {
    let Some(terminal) = terminal() else { return };
    terminal.run(&top("--demo"));
    terminal.wait_for("▶ 21 streams");
    let process = terminal.child();
    terminal.close();
    poll::until(Duration::from_secs(30), "the program has ended", || {
        (!runs(&process)).then_some(())
    });
}

#[test]
fn colors_are_for_terminals_where_they_are_wanted() {
    let Some(terminal) = terminal() else { return };
    terminal.run(&top("--demo; echo status $?"));
    terminal.wait_for("▶ 21 streams");
    let screen = terminal.colored_screen();
    // Red of the sixteen colours.
    assert!(screen.contains("\u{1b}[38;5;1m"), "{screen}");
    terminal.press(&["q"]);
    // Before that, the program would get what is typed.
    terminal.wait_for("status 0");
    terminal.run(&format!("clear; NO_COLOR=1 {}", top("--demo")));
    terminal.wait_for("▶ 21 streams");
    let screen = terminal.colored_screen();
    let colors = screen.split('\u{1b}').filter(|code| {
        let code = code.strip_prefix('[').unwrap_or_default();
        code.starts_with('3') || code.starts_with('4') || code.starts_with('9')
    });
    // `39` and `49` are the default colours.
    let colors: Vec<&str> = colors
        .filter(|code| !code.starts_with("[39m") && !code.starts_with("[49m"))
        .collect();
    assert_eq!(colors, [""; 0], "{screen}");
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_reported() {
    match env::var(PANICS).as_deref() {
        Ok("drawing") => {
            let _screen = Screen::enter().unwrap();
            panic!("on purpose");
        }
        Ok("other") => return survive_a_panic_of_another_thread(),
        _ => {}
    }
    let Some(terminal) = terminal() else { return };
    let modes = terminal.modes();
    let program = env::current_exe().unwrap();
    let myself = |panics: &str| {
        let test = "terminal::a_panic_gives_the_terminal_back_before_it_is_reported";
        format!(
            "clear; {PANICS}={panics} {} --exact {test} --nocapture",
            program.display()
        )
    };
    terminal.run(&myself("drawing"));
    // The report is on the screen of the shell, where it stays.
    terminal.wait_for_shell();
    terminal.wait_for("on purpose");
    assert_eq!(terminal.modes(), modes);

    terminal.run(&myself("other"));
    let screen = terminal.wait_for("the screen is still ours");
    assert!(!screen.contains("panicked"), "{screen}");
    terminal.press(&["x"]);
    terminal.wait_for_shell();
    assert_eq!(terminal.modes(), modes);
}

/// Draws after a panic of another thread, until a key is pressed.
fn survive_a_panic_of_another_thread() {
    let mut screen = Screen::enter().unwrap();
    let other = thread::spawn(|| panic!("nobody sees this"));
    assert!(other.join().is_err());
    let text = Paragraph::new("the screen is still ours");
    screen
        .terminal
        .draw(|frame| frame.render_widget(text, frame.area()))
        .unwrap();
    io::stdin().read_exact(&mut [0]).unwrap();
}

fn kill(signal: &str, process: &str) {
    let killed = Command::new("kill")
        .arg(format!("-{signal}"))
        .arg(process)
        .status();
    assert!(killed.unwrap().success());
}
