//! `GET /openapi.json`: all that is served, described (OpenAPI 3.1.0); `GET /docs`: the same to be read and tried out.
//!
//! The description is made of the routes themselves ([`Routes`]) and of the types that their handlers read and write.
//! The page is Swagger UI, which is part of the program: it loads nothing from anywhere else, and may not.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::error::{ApiError, Problem};
use super::id::Id;
use super::routes::{Answer, Described, Operation, Routes, SchemaOf, operation};

/// Where the document keeps its schemas.
const SCHEMAS: &str = "/components/schemas";

/// The document, once all routes are known.
pub(super) type Written = Arc<OnceLock<Bytes>>;

pub(super) fn routes(document: Written) -> Routes {
    let page = operation("A page to read and try out what is served").gives("text/html");
    let file = operation("What the page is made of").gives("*/*");
    Routes::new("controller")
        .get(
            "/openapi.json",
            served,
            operation("This document").gives("application/json"),
        )
        .get("/docs", docs, page.clone())
        .get("/docs/", docs, page)
        .get("/docs/{file}", docs_file, file)
        .with_state(document)
}

async fn served(State(document): State<Written>) -> Response {
    let document = document.get().cloned().unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], document).into_response()
}

const PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>godwit: REST</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"#;

/// Without the validator, which is a service elsewhere.
const START: &str = r##"SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  validatorUrl: null,
});
"##;

/// Nothing is loaded from elsewhere, whatever the page may ask for.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'";

async fn docs() -> Response {
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE)).into_response()
}

async fn docs_file(Id(file): Id<String>) -> Result<Response, ApiError> {
    if file == "start.js" {
        return Ok(([(header::CONTENT_TYPE, "text/javascript")], START).into_response());
    }
    let found = utoipa_swagger_ui::serve(&file, Arc::new(utoipa_swagger_ui::Config::from("")));
    match found {
        Ok(Some(found)) => {
            let kind = [(header::CONTENT_TYPE, found.content_type)];
            Ok((kind, found.bytes.into_owned()).into_response())
        }
        _ => Err(ApiError::not_found("the page has no such file")),
    }
}

/// The document of all that is served.
pub(super) fn document(operations: &[Described]) -> Value {
    let generator = |settings: SchemaSettings| {
        settings
            .with(|settings| settings.definitions_path = Cow::Borrowed(SCHEMAS))
            .into_generator()
    };
    let mut schemas = Schemas {
        read: generator(SchemaSettings::draft2020_12().for_deserialize()),
        written: generator(SchemaSettings::draft2020_12().for_serialize()),
    };
    let problem = schemas.written.subschema_for::<Problem>().to_value();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for described in operations {
        let path = paths.entry(&described.path).or_default();
        path.insert(
            described.method.to_owned(),
            describe(described, &mut schemas, &problem),
        );
    }
    let mut paths = json!(paths);
    let definitions = schemas.merged(&mut paths);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "godwit",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
            "description": "An OpenFlow controller. Errors are problem documents (RFC 9457); `detail` says what mends them.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": definitions },
    })
}

/// What is read and what is written may differ for the same type: a member with a default may be left out of the one,
/// and is always there in the other.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    /// The definitions of both. What is read and differs from what is written under the same name is renamed, also
    /// where it is referred to in request bodies.
    fn merged(mut self, paths: &mut Value) -> Map<String, Value> {
        let mut all = self.written.take_definitions(true);
        let mut read = self.read.take_definitions(true);
        // What refers to something that differs, differs.
        let mut renamed: Vec<String> = Vec::new();
        loop {
            let differs = |(name, schema): &(&String, &Value)| {
                !renamed.contains(name)
                    && all.get(*name).is_some_and(|other| {
                        other != *schema || renamed.iter().any(|name| refers(schema, name))
                    })
            };
            let more: Vec<String> = read
                .iter()
                .filter(differs)
                .map(|(name, _)| name.clone())
                .collect();
            if more.is_empty() {
                break;
            }
            renamed.extend(more);
        }
        for path in paths.as_object_mut().into_iter().flat_map(Map::values_mut) {
            for operation in path.as_object_mut().into_iter().flat_map(Map::values_mut) {
                if let Some(body) = operation.get_mut("requestBody") {
                    rename(body, &renamed);
                }
            }
        }
        for (name, schema) in &mut read {
            rename(schema, &renamed);
            let name = if renamed.contains(name) {
                asked(name)
            } else {
                name.clone()
            };
            all.insert(name, schema.take());
        }
        all
    }
}

fn asked(name: &str) -> String {
    format!("{name}Request")
}

fn reference(name: &str) -> String {
    format!("#{SCHEMAS}/{name}")
}

fn refers(schema: &Value, name: &str) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(key, value)| {
            (key == "$ref" && *value == reference(name)) || refers(value, name)
        }),
        Value::Array(all) => all.iter().any(|one| refers(one, name)),
        _ => false,
    }
}

fn rename(schema: &mut Value, names: &[String]) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                let old = names.iter().find(|name| *value == reference(name));
                match old {
                    Some(name) if key == "$ref" => *value = reference(&asked(name)).into(),
                    _ => rename(value, names),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| rename(one, names)),
        _ => {}
    }
}

fn describe(described: &Described, schemas: &mut Schemas, problem: &Value) -> Value {
    let Described {
        method,
        path,
        tag,
        operation,
    } = described;
    let mut words: Vec<&str> = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    if path.ends_with('/') {
        // Beside the same without a slash, or all there is.
        words.push("index");
    }
    let mut parameters = path_parameters(path);
    parameters.extend(query_parameters(operation, &mut schemas.read));
    parameters.extend(operation.headers.iter().map(|(name, what)| {
        json!({ "name": name, "in": "header", "description": what, "schema": { "type": "string" } })
    }));
    let mut said = json!({
        "operationId": format!("{method}_{}", words.join("_")),
        "summary": operation.summary,
        "tags": [tag],
        "parameters": parameters,
        "responses": answers(operation, &mut schemas.written, problem),
    });
    if let Some(body) = operation.body {
        let schema = body(&mut schemas.read).to_value();
        said["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema } },
        });
    }
    said
}

fn answers(
    operation: &Operation,
    written: &mut SchemaGenerator,
    problem: &Value,
) -> Map<String, Value> {
    let meaning = |status: u16| {
        let status = axum::http::StatusCode::from_u16(status).unwrap_or_default();
        status.canonical_reason().unwrap_or_default()
    };
    let mut all = Map::new();
    for (status, answer) in &operation.answers {
        let mut said = json!({ "description": meaning(*status) });
        match answer {
            Answer::Empty => {}
            Answer::Json(schema) => {
                let mut headers = Map::new();
                if operation.tagged {
                    headers.insert("ETag".to_owned(), header("which state this is"));
                }
                if operation.paged.is_some() {
                    headers.insert("Link".to_owned(), header("the next part"));
                    headers.insert("X-Total-Count".to_owned(), header("of all parts"));
                }
                if !headers.is_empty() {
                    said["headers"] = headers.into();
                }
                let schema = schema(written).to_value();
                said["content"] = json!({ "application/json": { "schema": schema } });
            }
            Answer::Other(kind) => said["content"] = json!({ *kind: {} }),
        }
        all.insert(status.to_string(), said);
    }
    for status in &operation.problems {
        let said = json!({
            "description": meaning(*status),
            "content": { "application/problem+json": { "schema": problem } },
        });
        all.insert(status.to_string(), said);
    }
    all
}

fn header(what: &str) -> Value {
    json!({ "description": what, "schema": { "type": "string" } })
}

/// The names in braces. What stands behind `switches` is any name of a switch, other numbers are numbers.
fn path_parameters(path: &str) -> Vec<Value> {
    let mut before = "";
    let mut all = Vec::new();
    for part in path.split('/') {
        let Some(name) = part
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        else {
            before = part;
            continue;
        };
        let schema = match (name, before) {
            ("id", "switches") | ("dpid" | "switch", _) => json!({
                "type": "string",
                "description": "A switch: its datapath id, or the name of its LOCAL port.",
                "examples": ["s1", "0000000000000001"],
            }),
            ("id" | "rule" | "port" | "meter", _) => json!({ "type": "integer", "minimum": 0 }),
            ("mac", _) => json!({ "type": "string", "examples": ["00:00:00:00:00:01"] }),
            _ => json!({ "type": "string" }),
        };
        all.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    }
    all
}

/// Each field of what is read behind `?`.
fn query_parameters(operation: &Operation, read: &mut SchemaGenerator) -> Vec<Value> {
    let queries = operation.queries.iter();
    queries.flat_map(|query| fields_of(*query, read)).collect()
}

fn fields_of(query: SchemaOf, read: &mut SchemaGenerator) -> Vec<Value> {
    let mut schema = query(read).to_value();
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or_default();
        // It is no schema of its own in the document: parameters are listed one by one.
        schema = read.definitions_mut().remove(name).unwrap_or_default();
    }
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| {
        let mut all = required.as_array().into_iter().flatten();
        all.any(|one| one == name)
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let parameter = |(name, schema): (&String, &Value)| json!({ "name": name, "in": "query", "required": is_required(name), "schema": schema });
    properties.into_iter().flatten().map(parameter).collect()
}
