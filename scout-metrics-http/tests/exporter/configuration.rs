use super::{authentication::router_with_file, *};

#[test]
fn two_sources_of_one_organization_are_refused() {
    let exporter = Exporter::new()
        .with_source(source("acme"))
        .with_source(source("acme"));
    let error = exporter.into_router().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.to_string(),
        "organization `acme`: the set already has a source of it"
    );
}

#[test]
fn a_token_that_no_header_can_carry_is_refused_and_not_quoted() {
    for (token, fault) in [
        ("", "is empty: write an access token there"),
        (" \n", "is empty: write an access token there"),
        (
            "a b",
            "contains a space: give the access token alone, without `Bearer` and without a name",
        ),
        ("é", "is not plain ASCII: copy the access token again"),
        (
            "a\r\nb",
            "has several lines: write the access token there, on one line, and nothing else",
        ),
    ] {
        let error = Exporter::new()
            .with_bearer_token(token)
            .into_router()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let message = format!("the token given to `with_bearer_token` {fault}");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_token_file_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let message = || {
        let error = router_with_file(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.chain().to_string()
    };
    let shown = path.display();
    assert_eq!(
        message(),
        format!(
            "cannot use the token file: no such file `{shown}`: create it, or correct the path"
        )
    );

    fs::write(&path, " \n").unwrap();
    let fault = "is empty: write an access token there";
    assert_eq!(
        message(),
        format!("cannot use the token file: `{shown}` {fault}")
    );

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let fault = "is a directory, not a regular file";
    assert_eq!(
        message(),
        format!("cannot use the token file: `{shown}` {fault}")
    );
}

#[test]
fn debug_shows_no_token() {
    let exporter = Exporter::new()
        .with_source(source("acme"))
        .with_bearer_token(TOKEN);
    let shown = format!("{exporter:?}");
    assert!(
        shown.contains("[REDACTED]") && !shown.contains(TOKEN),
        "{shown}"
    );
    assert!(!format!("{:?}", guarded_router()).contains(TOKEN));
}

#[test]
fn a_token_of_an_organization_without_a_source_is_refused() {
    let error = Exporter::new()
        .with_source(source("acme"))
        .with_organization_token(organization("acmee"), TOKEN)
        .into_router()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.to_string(),
        "organization `acmee`: there is a bearer token for this organization, but no source"
    );
}

#[test]
fn a_bad_token_of_an_organization_is_named_by_it() {
    let error = Exporter::new()
        .with_source(source("acme"))
        .with_organization_token(organization("acme"), "")
        .into_router()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "organization `acme`: the token given to `with_organization_token` is empty: write an access token there"
    );
}
