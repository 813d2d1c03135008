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

/// A file of the page.
struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

/// From the folder beside this file.
macro_rules! file {
    ($name:literal, $kind:expr) => {
        File {
            name: $name,
            kind: $kind,
            text: include_str!(concat!("dashboard/", $name)),
        }
    };
}

const PAGE: File = file!("index.html", HTML);

/// What the page is made of.
const FILES: [File; 16] = [
    file!("dashboard.css", CSS),
    file!("icon.svg", IMAGE),
    file!("main.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("state.js", SCRIPT),
    file!("events.js", SCRIPT),
    file!("happened.js", SCRIPT),
    file!("layout.js", SCRIPT),
    file!("picture.js", SCRIPT),
    file!("view.js", SCRIPT),
    file!("pointer.js", SCRIPT),
    file!("tables.js", SCRIPT),
    file!("chosen.js", SCRIPT),
    file!("dialogs.js", SCRIPT),
    file!("elements.js", SCRIPT),
    file!("words.js", SCRIPT),
];

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
