//! Running the examples.

use std::{
    env,
    net::TcpListener,
    process::{Command, Output},
};

use scout_metrics_core::MemorySource;
use scout_metrics_http::exporter::Exporter;

pub(crate) const TOKEN: &str = "dckr_pat_0123456789";

/// Returns a command that runs an example, without the environment variables that the examples read.
pub(crate) fn example(name: &str) -> Command {
    let directory = env::current_exe()
        .unwrap()
        .parent()
        .unwrap()
        .with_file_name("examples");
    let path = directory.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{} is missing: `cargo build --examples` builds it",
        path.display()
    );
    let mut command = Command::new(path);
    for variable in ["ORG", "TOKEN_FILE", "TOKEN", "HUB_PASSWORD"] {
        command.env_remove(format!("DOCKER_SCOUT_{variable}"));
    }
    for variable in ["NO_COLOR", "CLICOLOR_FORCE", "RUST_LOG"] {
        command.env_remove(variable);
    }
    // Nobody is logged in there.
    command.env("DOCKER_CONFIG", "/no/such/directory");
    command
}

pub(crate) fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

pub(crate) fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

/// Serves sources on a new thread and returns the URL.
pub(crate) fn serve<const N: usize>(sources: [MemorySource; N]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let exporter = Exporter::new().with_bearer_token(TOKEN);
    let exporter = sources.into_iter().fold(exporter, Exporter::with_source);
    let router = exporter.into_router().unwrap();
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await
        })
    });
    url
}
