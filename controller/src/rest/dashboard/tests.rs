use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use tower::ServiceExt as _;

use super::*;

async fn asked(method: Method, path: &str) -> (StatusCode, Response) {
    let (router, _): (Router, _) = routes().into_parts();
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::empty()).unwrap();
    let answer = router.oneshot(request).await.unwrap();
    (answer.status(), answer)
}

async fn text_of(answer: Response) -> String {
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
    String::from_utf8(body.unwrap().to_vec()).unwrap()
}

/// The files that a text names: the page by their paths, scripts beside themselves.
fn named_in(text: &str) -> BTreeSet<&str> {
    let quoted = text.split('"').filter_map(|part| {
        let name = part.strip_prefix("/dashboard/");
        name.or_else(|| part.strip_prefix("./"))
    });
    quoted.collect()
}

#[tokio::test]
async fn all_that_the_page_is_made_of_is_served_and_nothing_else_is() {
    let (status, answer) = asked(Method::GET, "/").await;
    assert_eq!(status, 200);
    let page = text_of(answer).await;
    let mut named: BTreeSet<&str> = named_in(&page);
    named.extend(FILES.iter().flat_map(|file| named_in(file.text)));
    let served: BTreeSet<&str> = FILES.iter().map(|file| file.name).collect();
    assert_eq!(named, served);
    for name in served {
        let kind = match name.rsplit('.').next().unwrap() {
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{other}"),
        };
        let (status, answer) = asked(Method::GET, &format!("/dashboard/{name}")).await;
        assert_eq!(status, 200, "{name}");
        assert_eq!(answer.headers()["content-type"], kind, "{name}");
        assert!(!text_of(answer).await.is_empty(), "{name}");
    }
    for name in ["index.html", "no-such-file", "..%2Fdashboard.rs", "main"] {
        let (status, _) = asked(Method::GET, &format!("/dashboard/{name}")).await;
        assert_eq!(status, 404, "{name}");
    }
}

#[tokio::test]
async fn the_page_may_load_from_here_alone_and_run_nothing_inside_it() {
    for path in ["/", "/dashboard/main.js"] {
        let (_, answer) = asked(Method::GET, path).await;
        let policy = answer.headers()["content-security-policy"].to_str();
        let policy: Vec<&str> = policy.unwrap().split("; ").collect();
        assert_eq!(policy[0], "default-src 'none'");
        for rule in &policy[1..] {
            let source = rule.split(' ').next_back().unwrap();
            assert!(["'self'", "'none'"].contains(&source), "{rule}");
        }
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["cache-control"], "no-cache");
    }
}

#[tokio::test]
async fn it_is_there_to_be_read() {
    for path in ["/", "/dashboard/main.js"] {
        let (status, answer) = asked(Method::HEAD, path).await;
        assert_eq!(status, 200);
        assert_eq!(text_of(answer).await, "");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert_eq!(asked(method, path).await.0, 405);
        }
    }
}

/// What a policy can't see: markup made of text, and addresses of others.
#[test]
fn nothing_makes_markup_of_text_or_names_another_host() {
    let forbidden = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "DOMParser",
        "createContextualFragment",
        "eval(",
        "style=",
        "onclick=",
        "//cdn",
        "https:",
    ];
    for file in FILES.iter().chain([&PAGE]) {
        for word in forbidden {
            assert!(!file.text.contains(word), "{} has {word}", file.name);
        }
        // The name of SVG is no address.
        let elsewhere = file.text.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("http:"), "{}", file.name);
    }
}
