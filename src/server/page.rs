//! The controller's page: what is wrong in the cluster now, for a browser.
//!
//! It is for whoever may forward a port to the Pod, so it listens on the Pod's own loopback address.
//! A page from elsewhere that has its name lead there is told that this is not its server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HOST, HeaderName, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Version};
use axum::middleware::{Next, from_fn, map_response_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::report::standing::{Standing, Standings};
use crate::report::{self, Context, Format};

/// The page as it was made last. Making it takes a while where very much is wrong, so one is made
/// at a time.
#[derive(Debug)]
struct Pages {
    standings: Standings,
    last: Mutex<Option<Page>>,
}

/// A page, and what it is of.
#[derive(Clone, Debug)]
struct Page {
    of: Arc<Standing>,
    html: Bytes,
    tag: HeaderValue,
}

/// The router of the page: `GET /`.
pub fn router(standings: Standings) -> Router {
    let pages = Arc::new(Pages {
        standings,
        last: Mutex::default(),
    });
    let policy = format!(
        "{}; frame-ancestors 'none'",
        report::content_security_policy(true)
    );
    let policy = HeaderValue::try_from(policy).ok();
    Router::new()
        .route("/", get(page))
        .fallback(|| async { (StatusCode::NOT_FOUND, "the page is at /\n") })
        .method_not_allowed_fallback(|| async {
            (
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET is answered here\n",
            )
        })
        .with_state(pages)
        .layer(from_fn(only_here))
        .layer(map_response_with_state(policy, protect))
}

async fn page(State(pages): State<Arc<Pages>>, headers: HeaderMap) -> Response {
    let standing = pages.standings.borrow().clone();
    let Some(standing) = standing else {
        let words =
            "the cluster's bindings have not been read yet; the log says why, if they cannot be\n";
        return (StatusCode::SERVICE_UNAVAILABLE, words).into_response();
    };
    let Some(page) = pages.page(standing).await else {
        let words = "the page cannot be made; the log says more\n";
        return (StatusCode::INTERNAL_SERVER_ERROR, words).into_response();
    };
    let tag = (ETAG, page.tag.clone());
    if headers.get(IF_NONE_MATCH) == Some(&page.tag) {
        return (StatusCode::NOT_MODIFIED, [tag]).into_response();
    }
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    ([(CONTENT_TYPE, html), tag], page.html).into_response()
}

impl Pages {
    async fn page(&self, standing: Arc<Standing>) -> Option<Page> {
        let mut last = self.last.lock().await;
        if let Some(page) = last
            .as_ref()
            .filter(|page| Arc::ptr_eq(&page.of, &standing))
        {
            return Some(page.clone());
        }
        *last = None;
        let of = Arc::clone(&standing);
        let html = tokio::task::spawn_blocking(move || written(&of));
        let html = match html.await {
            Ok(html) => html,
            Err(error) => {
                tracing::error!(%error, "making the page broke off");
                return None;
            }
        };
        let digest = Sha256::digest(&html)
            .first_chunk()
            .copied()
            .unwrap_or_default();
        let tag = format!("\"{:032x}\"", u128::from_be_bytes(digest));
        let page = Page {
            of: standing,
            html: html.into(),
            tag: HeaderValue::try_from(tag).ok()?,
        };
        *last = Some(page.clone());
        Some(page)
    }
}

fn written(standing: &Standing) -> Vec<u8> {
    let made = standing.made.strftime("%F %T UTC");
    let context = Context {
        policy: &standing.policy,
        columns: None,
        remedy: "bindguard fix --cluster",
        made: &format!("as it is since {made}"),
        is_live: true,
    };
    let mut html = Vec::new();
    // Writing to memory cannot fail.
    let _ = report::write(Format::Html, &standing.report, context, &mut html);
    html
}

/// What every answer tells a browser.
async fn protect(State(policy): State<Option<HeaderValue>>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 4] = [
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.extend(policy.map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    response
}

/// Answers only those who asked for this machine by an address or name of its own.
async fn only_here(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST);
    let host = host.and_then(|host| host.to_str().ok());
    // HTTP/2 has it in the address that is asked for.
    let host = match request.version() {
        Version::HTTP_2 => request.uri().authority().map(Authority::as_str).or(host),
        _ => host,
    };
    if host.is_some_and(is_loopback) {
        return next.run(request).await;
    }
    let words = "this page is only at localhost, 127.0.0.1 and [::1]: forward a port to it\n";
    (StatusCode::MISDIRECTED_REQUEST, words).into_response()
}

/// Whether a Host is this machine itself.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    if authority.as_str().contains('@') {
        return false;
    }
    let host = authority.host();
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse() == Ok(Ipv6Addr::LOCALHOST),
        None => host
            .parse()
            .is_ok_and(|address: Ipv4Addr| IpAddr::from(address).is_loopback()),
    }
}
