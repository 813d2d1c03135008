//! `GET /`: the dashboard, a page for people that reads `/v1` as any client does.
//!
//! Its files are part of the program. It loads nothing from anywhere else, and what it shows of the network is text and
//! never markup: both are also forbidden it by its policy.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::id::Id;
use super::routes::{Routes, operation};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

/// Scripts, styles and pictures of this program alone, requests to this program alone; nothing inside the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: File = File {
    name: "index.html",
    kind: HTML,
    text: include_str!("dashboard/index.html"),
};

/// What the page is made of.
const FILES: [File; 15] = [
    file("dashboard.css", CSS, include_str!("dashboard/dashboard.css")),
    file("icon.svg", IMAGE, include_str!("dashboard/icon.svg")),
    file("main.js", SCRIPT, include_str!("dashboard/main.js")),
    file("api.js", SCRIPT, include_str!("dashboard/api.js")),
    file("state.js", SCRIPT, include_str!("dashboard/state.js")),
    file("events.js", SCRIPT, include_str!("dashboard/events.js")),
    file("happened.js", SCRIPT, include_str!("dashboard/happened.js")),
    file("layout.js", SCRIPT, include_str!("dashboard/layout.js")),
    file("picture.js", SCRIPT, include_str!("dashboard/picture.js")),
    file("pointer.js", SCRIPT, include_str!("dashboard/pointer.js")),
    file("tables.js", SCRIPT, include_str!("dashboard/tables.js")),
    file("chosen.js", SCRIPT, include_str!("dashboard/chosen.js")),
    file("dialogs.js", SCRIPT, include_str!("dashboard/dialogs.js")),
    file("elements.js", SCRIPT, include_str!("dashboard/elements.js")),
    file("words.js", SCRIPT, include_str!("dashboard/words.js")),
];

/// A file of the page.
struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const fn file(name: &'static str, kind: &'static str, text: &'static str) -> File {
    File { name, kind, text }
}

impl IntoResponse for &File {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            // Files of two versions of the program would not fit together.
            (header::CACHE_CONTROL, "no-cache"),
        ];
        (headers, self.text).into_response()
    }
}

pub(super) fn routes() -> Routes {
    let page = operation("The dashboard: the network and its migrations, to be seen and steered");
    let part = operation("What the dashboard is made of");
    Routes::new("controller")
        .get("/", async || &PAGE, page.gives("text/html"))
        .get("/dashboard/{file}", part_of_it, part.gives("*/*"))
}

async fn part_of_it(Id(name): Id<String>) -> Result<&'static File, ApiError> {
    let found = FILES.iter().find(|file| file.name == name);
    found.ok_or_else(|| ApiError::not_found("the dashboard has no such file"))
}

#[cfg(test)]
mod tests;
