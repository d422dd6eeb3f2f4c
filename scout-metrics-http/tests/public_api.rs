//! The traits that the types of this crate implement.

use std::fmt::Debug;

use scout_metrics_http::{MetricsSource, ScoutClient, ScoutClientBuilder, ScoutSource};

fn is_shareable<T: Debug + Send + Sync + 'static>() {}

fn is_send(_: impl Send) {}

#[test]
fn types_can_be_shared_and_futures_sent() {
    is_shareable::<ScoutClient>();
    is_shareable::<ScoutClientBuilder>();
    is_shareable::<ScoutSource>();
    fn futures(client: &ScoutClient, source: &ScoutSource) {
        is_send(client.check_token());
        is_send(source.scrape());
        is_send(source.exposition());
    }
    let _ = futures;
}

#[test]
fn a_source_is_a_trait_object_that_names_itself() {
    fn shown(source: &impl MetricsSource) -> String {
        source.to_string()
    }
    let builder = ScoutClient::builder()
        .with_base_url("http://localhost")
        .with_token("s3cr3t");
    let client = builder.build().expect("the options are good");
    let source = client.organization("acme").expect("the name is good");
    assert_eq!(shown(&source), "Scout(acme)");
    let boxed: Box<dyn MetricsSource> = Box::new(source.clone());
    assert_eq!(boxed.organization().as_str(), "acme");
    assert_eq!(
        format!("{client:?}"),
        "ScoutClient { server: \"http://localhost\", credentials: Value { token: <redacted>, origin: Code }, \
         timeout: 40s, body_limit: 67108864, max_attempts: 3, .. }"
    );
}
