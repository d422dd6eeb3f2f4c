//! How much memory does it take to watch 1,000 organizations?
//!
//! Not a matter of time: a program that prints what the system says. Linux only.

use std::{hint::black_box, sync::Arc};

use scout_metrics_benches::scout;
use scout_metrics_core::{MetricsSource, Poller};
use scout_metrics_http::ScoutClient;

use resident::resident;

mod resident;
mod server;

const ORGANIZATIONS: usize = 1000;

const SAMPLES: usize = 236;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let Some(empty) = resident() else {
        eprintln!("SKIPPED: the system does not tell how much memory a process has");
        return;
    };
    let answer = server::answer("text/plain; version=0.0.4; charset=utf-8", &scout(SAMPLES));
    let client = ScoutClient::builder()
        .with_base_url(server::serve(move |_| Arc::clone(&answer)))
        .with_token("dckr_pat_bench")
        .build()
        .expect("the options are good");
    let mut pollers = vec![poll(&client, 0).await];
    let one = resident().expect("it was told before");
    for number in 1..ORGANIZATIONS {
        pollers.push(poll(&client, number).await);
    }
    let all = resident().expect("it was told before");
    let each = all.saturating_sub(one) / (ORGANIZATIONS - 1);
    println!("resident memory with nothing: {} KiB", empty >> 10);
    println!(
        "with a client and one organization of {SAMPLES} samples: {} KiB",
        one >> 10
    );
    println!(
        "with {ORGANIZATIONS} of them: {} KiB, {each} bytes for each more",
        all >> 10
    );
    black_box(pollers);
}

/// Starts to poll an organization, and waits for its first snapshot.
async fn poll(client: &ScoutClient, number: usize) -> Poller {
    let source = client.organization(format!("acme-{number}"));
    let poller = Poller::builder(source.expect("the name is valid")).spawn();
    poller.scrape().await.expect("the server answers");
    poller
}
