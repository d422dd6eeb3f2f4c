//! A headless Chromium, driven through the WebDriver protocol.

use std::{
    fmt, fs,
    io::{BufRead, BufReader},
    panic::{AssertUnwindSafe, resume_unwind},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    elements::Element,
    key::Key,
    wd::WebDriverCompatibleCommand,
};
use futures_util::FutureExt;
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use url::{ParseError, Url};

use crate::support::{PATIENCE, is_there, tools};

/// Arguments that keep Chromium from doing more than the tests: sandboxes need rights that root in a container lacks, and nothing may be requested
/// that a test did not request.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// A running browser.
pub(crate) struct Browser {
    pub(crate) client: Client,
    _profile: TempDir,
}

/// Runs a test with a browser, unless Chromium or ChromeDriver is missing. Both end with the test, even if it panics.
pub(crate) fn with_browser(test: impl AsyncFnOnce(&Browser)) {
    with_options(json!({}), test);
}

/// Runs a test with a browser that runs no scripts.
pub(crate) fn without_scripts(test: impl AsyncFnOnce(&Browser)) {
    let preferences = json!({"profile.managed_default_content_settings.javascript": 2});
    with_options(json!({"prefs": preferences}), test);
}

fn with_options(options: Value, test: impl AsyncFnOnce(&Browser)) {
    let origin = "Debian packages chromium and chromium-driver";
    if !is_there("chromium", &["--version"], origin)
        || !is_there("chromedriver", &["--version"], origin)
    {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let driver = Driver::start();
        let browser = Browser::start(&driver, options).await;
        let outcome = AssertUnwindSafe(test(&browser)).catch_unwind().await;
        browser.client.close().await.unwrap();
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
    });
}

/// A running ChromeDriver.
struct Driver {
    process: Child,
    url: String,
}

impl Driver {
    fn start() -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        let port = lines.find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let port = port.expect("ChromeDriver says its port");
        // It may write more, and must not be blocked.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            url: format!("http://127.0.0.1:{port}"),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browser {
    async fn start(driver: &Driver, mut options: Value) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let directory = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([&*directory]).collect();
        options["args"] = json!(arguments);
        options["binary"] = json!("/usr/bin/chromium");
        let capabilities = json!({
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let Value::Object(capabilities) = capabilities else {
            unreachable!("it is an object");
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url)
            .await
            .unwrap();
        Self {
            client,
            _profile: profile,
        }
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Runs a script, which returns a value.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    pub(crate) async fn find(&self, selector: &str) -> Element {
        let found = self.client.find(Locator::Css(selector)).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    pub(crate) async fn count(&self, selector: &str) -> usize {
        let found = self.client.find_all(Locator::Css(selector)).await;
        found.unwrap().len()
    }

    /// Returns the text of each element.
    pub(crate) async fn texts(&self, selector: &str) -> Vec<String> {
        let script = format!(
            "return [...document.querySelectorAll({selector:?})].map(e => e.textContent.trim())"
        );
        serde_json::from_value(self.run(&script).await).unwrap()
    }

    /// Waits until a script returns true.
    pub(crate) async fn until(&self, condition: &str) {
        let begin = Instant::now();
        let script = format!("return Boolean({condition})");
        while self.run(&script).await != json!(true) {
            assert!(begin.elapsed() < PATIENCE, "still not: {condition}");
            // The browser's clock cannot be paused.
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Presses a key where the focus is.
    pub(crate) async fn press(&self, key: Key) {
        let value = char::from(key);
        let keys = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value })
            .then(KeyAction::Up { value });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Lets the page appear with this size, on a screen in light or dark colours.
    pub(crate) async fn resize(&self, width: u32, height: u32, theme: &str) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tell("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        let features = json!([{"name": "prefers-color-scheme", "value": theme}]);
        self.tell("Emulation.setEmulatedMedia", json!({"features": features}))
            .await;
    }

    /// Sends a command of the Chrome DevTools protocol.
    pub(crate) async fn tell(&self, method: &'static str, parameters: Value) -> Value {
        let command = DevTools(method, parameters);
        self.client.issue_cmd(command).await.unwrap()
    }

    /// Returns the errors and warnings of the console since the last call.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries = self.log("browser").await;
        let entries = entries.iter().filter(|entry| entry["level"] != "INFO");
        entries.map(|entry| entry["message"].to_string()).collect()
    }

    /// Returns the URLs of all requests since the last call.
    pub(crate) async fn requested(&self) -> Vec<String> {
        let entries = self.log("performance").await;
        let messages = entries.iter().filter_map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
            let message = &message["message"];
            let is_request = message["method"] == "Network.requestWillBeSent";
            let url = message["params"]["request"]["url"].as_str()?;
            // Chromium begins with a page of its own.
            let is_of_test = message["params"]["documentURL"]
                .as_str()?
                .starts_with("http");
            (is_request && is_of_test).then(|| url.to_owned())
        });
        messages.collect()
    }

    async fn log(&self, kind: &'static str) -> Vec<Value> {
        let entries = self.client.issue_cmd(Log(kind)).await.unwrap();
        entries.as_array().unwrap().clone()
    }

    /// Returns what axe finds on the page, one line for each violation, or `None` if axe is not installed.
    ///
    /// # Panics
    ///
    /// As [`is_there`] does.
    pub(crate) async fn violations(&self) -> Option<Vec<String>> {
        let axe = tools().join("web/node_modules/axe-core/axe.min.js");
        let origin = "examples/tests/exporter/peers/install-web installs it";
        if !is_there("test", &["-r", axe.to_str().unwrap()], origin) {
            return None;
        }
        // Given to the debugger, because the policy of the page allows no script of others.
        let axe = fs::read_to_string(axe).unwrap();
        self.run(&axe).await;
        let script = "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(results => \
             done(results.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html + ' ' + n.failureSummary).join('; '))))";
        let found = self.client.execute_async(script, Vec::new()).await;
        serde_json::from_value(found.unwrap()).ok()
    }
}

/// A command of the Chrome DevTools protocol, which ChromeDriver passes on.
#[derive(Debug)]
struct DevTools(&'static str, Value);

/// Reads a log of the browser.
#[derive(Debug)]
struct Log(&'static str);

fn endpoint(base: &Url, session: Option<&str>, path: impl fmt::Display) -> Result<Url, ParseError> {
    base.join(&format!("session/{}/{path}", session.unwrap_or_default()))
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        endpoint(base, session, "goog/cdp/execute")
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = json!({"cmd": self.0, "params": self.1});
        (Method::POST, Some(body.to_string()))
    }
}

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        endpoint(base, session, "se/log")
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"type": self.0}).to_string()))
    }
}
