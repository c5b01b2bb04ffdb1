use std::error::Error;
use std::io::Write;

use super::{
    ClientError, ClientOptions, READ_TIMEOUT, WATCH_TIMEOUT, configuration, connect, prepared,
};

const KUBECONFIG: &str = r#"
apiVersion: v1
kind: Config
current-context: one
contexts:
- {name: one, context: {cluster: here, user: me}}
- {name: two, context: {cluster: there, user: me}}
- {name: bare, context: {cluster: nowhere, user: me}}
- {name: strange, context: {cluster: here, user: you}}
- {name: nobody, context: {cluster: here}}
- {name: empty, context: {cluster: here, user: ""}}
clusters:
- {name: here, cluster: {server: "https://127.0.0.1:1"}}
- {name: there, cluster: {server: "https://127.0.0.1:2", proxy-url: "http://127.0.0.1:3"}}
users:
- {name: me, user: {token: t}}
"#;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn options(file: &tempfile::NamedTempFile, context: Option<&str>) -> ClientOptions {
    ClientOptions {
        kubeconfig: Some(file.path().to_owned()),
        context: context.map(str::to_owned),
        ..ClientOptions::default()
    }
}

async fn refusal(options: &ClientOptions) -> ClientError {
    connect(options).await.map(|_| ()).unwrap_err()
}

#[tokio::test]
async fn the_current_context_of_the_named_file_is_taken() {
    let file = file(KUBECONFIG);
    let config = configuration(&options(&file, None)).await.unwrap();
    assert_eq!(config.cluster_url, "https://127.0.0.1:1");
    connect(&options(&file, None)).await.unwrap();
}

#[tokio::test]
async fn a_named_context_wins_and_its_own_proxy_is_kept() {
    let file = file(KUBECONFIG);
    let config = configuration(&options(&file, Some("two"))).await.unwrap();
    assert_eq!(config.cluster_url, "https://127.0.0.1:2");
    assert!(config.proxy_url.is_some());
}

#[tokio::test]
async fn an_unknown_context_is_answered_with_those_that_exist() {
    let file = file(KUBECONFIG);
    let error = refusal(&options(&file, Some("three"))).await.to_string();
    let path = file.path();
    assert_eq!(
        error,
        format!(
            r#"kubeconfig {path:?} has no context "three"; it has "one", "two", "bare", "strange", "nobody", "empty""#
        )
    );
}

#[tokio::test]
async fn a_missing_file_is_named_with_the_cause() {
    let options = ClientOptions {
        kubeconfig: Some("/nowhere/config".into()),
        ..ClientOptions::default()
    };
    let error = refusal(&options).await;
    assert_eq!(
        error.to_string(),
        r#"cannot use kubeconfig "/nowhere/config""#
    );
    assert!(error.source().unwrap().to_string().contains("No such file"));
}

#[tokio::test]
async fn bad_yaml_is_told_from_an_unknown_context() {
    let file = file("contexts: [");
    let error = refusal(&options(&file, Some("one"))).await;
    assert!(matches!(error, ClientError::Kubeconfig { .. }), "{error}");
    assert!(
        error
            .source()
            .unwrap()
            .to_string()
            .contains("it is no kubeconfig: line ")
    );
}

#[tokio::test]
async fn an_empty_kubeconfig_has_no_current_context() {
    let file = file("");
    let error = refusal(&options(&file, None)).await.to_string();
    assert!(
        error.ends_with("names no current context; it has none"),
        "{error}"
    );
}

#[tokio::test]
async fn a_context_without_its_cluster_is_named() {
    let file = file(KUBECONFIG);
    let error = refusal(&options(&file, Some("bare"))).await;
    assert!(
        error
            .to_string()
            .starts_with(r#"cannot use context "bare" of kubeconfig"#)
    );
    assert!(error.source().unwrap().to_string().contains("nowhere"));
}

#[tokio::test]
async fn a_context_without_its_user_is_refused_and_one_that_names_none_is_not() {
    let file = file(KUBECONFIG);
    let error = refusal(&options(&file, Some("strange"))).await.to_string();
    let path = file.path();
    assert_eq!(
        error,
        format!(
            r#"context "strange" of kubeconfig {path:?} names user "you", which it does not have; it has "me""#
        )
    );
    for context in ["nobody", "empty"] {
        connect(&options(&file, Some(context))).await.unwrap();
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_names_the_cluster() {
    let file = file(KUBECONFIG);
    let error = refusal(&options(&file, Some("two"))).await;
    assert!(matches!(error, ClientError::Build { .. }), "{error}");
    assert!(error.source().unwrap().to_string().contains("proxy"));
}

#[tokio::test]
async fn a_quiet_watch_outlasts_no_timeout_and_retries_are_ours() {
    let file = file(KUBECONFIG);
    let mut options = options(&file, None);
    options.impersonate = Some("alice".to_owned());
    options.impersonate_groups = vec!["devs".to_owned()];
    let config = prepared(configuration(&options).await.unwrap(), &options);
    assert!(READ_TIMEOUT > WATCH_TIMEOUT);
    assert_eq!(config.read_timeout, Some(READ_TIMEOUT));
    assert!(config.reset_reader_on_write && !config.default_retry);
    assert_eq!(config.auth_info.impersonate.as_deref(), Some("alice"));
    assert_eq!(
        config.auth_info.impersonate_groups,
        Some(vec!["devs".to_owned()])
    );
}
