//! A shell in a real terminal: tmux, which another program can type into and look at.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::poll;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A shell in a terminal, which ends when this is dropped.
pub(crate) struct Tmux {
    directory: TempDir,
    socket: PathBuf,
}

impl Tmux {
    /// Starts a shell whose prompt is `ready`.
    pub(crate) fn start(columns: u16, lines: u16) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("tmux");
        let tmux = Self { directory, socket };
        let [columns, lines] = [columns, lines].map(|size| size.to_string());
        let shell = "env -u NO_COLOR -u RUST_BACKTRACE -u DOCKER_SCOUT_ORG PS1='ready ' bash --norc --noprofile -i";
        let session = ["new-session", "-d", "-x", &columns, "-y", &lines, shell];
        // Without the user's configuration.
        let out = tmux.tmux(&[&["-f", "/dev/null"], &session[..]].concat());
        assert_eq!(out, "");
        tmux.wait_for("ready");
        tmux
    }

    /// Returns the path of a file that only this terminal uses.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Presses keys, by the names that tmux gives them.
    pub(crate) fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Types a line and presses Enter.
    pub(crate) fn run(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.press(&["Enter"]);
    }

    /// Returns what is on the screen.
    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Returns what is on the screen, with the codes of its colours.
    pub(crate) fn colored_screen(&self) -> String {
        self.tmux(&["capture-pane", "-e", "-p"])
    }

    pub(crate) fn wait_for(&self, text: &str) -> String {
        poll::until(PATIENCE, &format!("`{text}` is on the screen"), || {
            Some(self.screen()).filter(|screen| screen.contains(text))
        })
    }

    /// Waits until the program has ended and the shell's screen is back, with the cursor.
    pub(crate) fn wait_for_shell(&self) {
        poll::until(PATIENCE, "the screen of the shell is back", || {
            (self.flag("alternate_on") == "0" && self.flag("cursor_flag") == "1").then_some(())
        });
    }

    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        let [columns, lines] = [columns, lines].map(|size| size.to_string());
        self.tmux(&["resize-window", "-x", &columns, "-y", &lines]);
    }

    /// Returns the modes of the terminal, as `stty -a` prints them after the line with the size.
    pub(crate) fn modes(&self) -> String {
        let file = self.file("modes");
        let _ = fs::remove_file(&file);
        self.run(&format!(
            "stty -a > {0}.new; mv {0}.new {0}",
            file.display()
        ));
        let all = poll::until(PATIENCE, "the modes are printed", || {
            fs::read_to_string(&file).ok()
        });
        let (_size, modes) = all.split_once('\n').unwrap();
        modes.to_owned()
    }

    /// Returns the process that the shell runs in the foreground.
    pub(crate) fn child(&self) -> String {
        let shell = self.flag("pane_pid");
        let children = format!("/proc/{shell}/task/{shell}/children");
        poll::until(PATIENCE, "the shell has a child", || {
            let children = fs::read_to_string(&children).ok()?;
            Some(children.split_whitespace().next()?.to_owned())
        })
    }

    /// Closes the terminal.
    pub(crate) fn close(&self) {
        self.tmux(&["kill-server"]);
    }

    fn flag(&self, name: &str) -> String {
        let format = format!("#{{{name}}}");
        self.tmux(&["display-message", "-p", &format])
            .trim()
            .to_owned()
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        // `-u` for terminals whose locale is unknown.
        command.arg("-u").arg("-S").arg(&self.socket);
        command.env_remove("TMUX").env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        // It may be closed already.
        let _ = self.command().arg("kill-server").output();
    }
}

/// Returns whether a process runs.
pub(crate) fn runs(process: &str) -> bool {
    Path::new("/proc").join(process).exists()
}
