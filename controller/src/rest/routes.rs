//! Routes that say what they are: nothing is served that is not in `GET /openapi.json`, since both are made of this.

use std::collections::{BTreeMap, BTreeSet};

use super::paging::PageQuery;
use axum::Router;
use axum::handler::Handler;
use axum::routing::{self, MethodFilter};
use schemars::{JsonSchema, Schema, SchemaGenerator};

/// How a type is added to the document.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Routes with the descriptions from which `GET /openapi.json` is made. An app gives its own by
/// [`App::routes`](crate::App::routes).
#[derive(Debug, Clone)]
pub struct Routes<S = ()> {
    router: Router<S>,
    operations: Vec<Described>,
    tag: &'static str,
}

/// A method of a path, and what it does.
#[derive(Debug, Clone)]
pub(super) struct Described {
    /// In lower case.
    pub(super) method: &'static str,
    /// With names in braces.
    pub(super) path: String,
    /// What it belongs to.
    pub(super) tag: &'static str,
    pub(super) operation: Operation,
}

/// What a request to a route may have, and what it is answered.
///
/// Every answer that a handler can give has to be said, but for those that follow from the rest: 400, 413, 415 and 422
/// where there is a body, 400 where there is a query, 404 where the path names something.
#[derive(Debug, Clone)]
pub struct Operation {
    pub(super) summary: &'static str,
    pub(super) queries: Vec<SchemaOf>,
    pub(super) body: Option<SchemaOf>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) answers: BTreeMap<u16, Answer>,
    pub(super) problems: BTreeSet<u16>,
    /// Whether the answer has a tag.
    pub(super) tagged: bool,
    /// By which members the elements of the list are known that is given in parts.
    pub(super) paged: Option<&'static [&'static str]>,
    /// Where the resource is read that this changes.
    pub(super) guard: Option<String>,
}

/// The body of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Empty,
    Json(SchemaOf),
    /// Of this type.
    Other(&'static str),
}

/// The description of a route, in a few words.
#[must_use]
pub const fn operation(summary: &'static str) -> Operation {
    Operation {
        summary,
        queries: Vec::new(),
        body: None,
        headers: Vec::new(),
        answers: BTreeMap::new(),
        problems: BTreeSet::new(),
        tagged: false,
        paged: None,
        guard: None,
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Operation {
    /// Parameters behind `?`: the fields of `T`, beside those of an earlier one.
    #[must_use]
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.queries.push(schema_of::<T>);
        self.problems.insert(400);
        self
    }

    /// A JSON body.
    #[must_use]
    pub fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some(schema_of::<T>);
        self.or(&[400, 413, 415, 422])
    }

    /// A header that the request may have, and what it is for.
    #[must_use]
    pub fn header(mut self, name: &'static str, what: &'static str) -> Self {
        self.headers.push((name, what));
        self
    }

    /// An answer in JSON.
    #[must_use]
    pub fn answers<T: JsonSchema>(mut self, status: u16) -> Self {
        self.answers.insert(status, Answer::Json(schema_of::<T>));
        self
    }

    /// 204, without a body.
    #[must_use]
    pub fn done(self) -> Self {
        self.empty(204)
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(mut self, status: u16) -> Self {
        self.answers.insert(status, Answer::Empty);
        self
    }

    /// 200 with a body of another type than JSON.
    #[must_use]
    pub fn gives(mut self, media_type: &'static str) -> Self {
        self.answers.insert(200, Answer::Other(media_type));
        self
    }

    /// The answer has an `ETag`, and is left out (304) when the request knows it.
    #[must_use]
    pub fn tagged(mut self) -> Self {
        self.tagged = true;
        self.empty(304)
            .header("If-None-Match", "no body (304) if it still has this tag")
    }

    /// The answer is a list, given in parts to who asks for `limit` and `after`. Its elements are known by these members.
    #[must_use]
    pub fn paged(mut self, known_by: &'static [&'static str]) -> Self {
        self.paged = Some(known_by);
        self.query::<PageQuery>().or(&[422])
    }

    /// With `If-Match` it is done only if what is read at this path still has that tag. Its names are those of the
    /// route's own path, in the same places.
    #[must_use]
    pub fn guarded_by(mut self, path: &str) -> Self {
        self.guard = Some(path.to_owned());
        self.or(&[412])
            .header("If-Match", "only if it still has this tag")
    }

    /// Problems with these statuses.
    #[must_use]
    pub fn or(mut self, statuses: &[u16]) -> Self {
        self.problems.extend(statuses);
        self
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet. They are listed under `tag`.
    #[must_use]
    pub fn new(tag: &'static str) -> Self {
        Self {
            router: Router::new(),
            operations: Vec::new(),
            tag,
        }
    }

    /// Serves `GET`, and with it `HEAD`.
    #[must_use]
    pub fn get<H, T>(self, path: &str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::GET, "get", path, handler, operation)
    }

    /// Serves `POST`.
    #[must_use]
    pub fn post<H, T>(self, path: &str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::POST, "post", path, handler, operation)
    }

    /// Serves `PUT`.
    #[must_use]
    pub fn put<H, T>(self, path: &str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::PUT, "put", path, handler, operation)
    }

    /// Serves `DELETE`.
    #[must_use]
    pub fn delete<H, T>(self, path: &str, handler: H, operation: Operation) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.on(MethodFilter::DELETE, "delete", path, handler, operation)
    }

    fn on<H, T>(
        mut self,
        filter: MethodFilter,
        method: &'static str,
        path: &str,
        handler: H,
        mut operation: Operation,
    ) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        if path.contains('{') {
            operation.problems.insert(404);
        }
        self.router = self.router.route(path, routing::on(filter, handler));
        self.operations.push(Described {
            method,
            path: path.to_owned(),
            tag: self.tag,
            operation,
        });
        self
    }

    /// The same, with what their handlers share.
    #[must_use]
    pub fn with_state(self, state: S) -> Routes {
        Routes {
            router: self.router.with_state(state),
            operations: self.operations,
            tag: self.tag,
        }
    }
}

impl Routes {
    /// These and others.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.operations.extend(other.operations);
        self
    }

    /// The same under a prefix.
    #[must_use]
    pub(super) fn under(mut self, prefix: &'static str) -> Self {
        self.router = Router::new().nest(prefix, self.router);
        for described in &mut self.operations {
            described.path.insert_str(0, prefix);
            if let Some(guard) = &mut described.operation.guard {
                guard.insert_str(0, prefix);
            }
        }
        self
    }

    /// The same behind something that may answer in their place, with a problem of this status.
    #[must_use]
    pub(crate) fn behind(mut self, status: u16, layer: impl FnOnce(Router) -> Router) -> Self {
        self.router = layer(self.router);
        for described in &mut self.operations {
            described.operation.problems.insert(status);
        }
        self
    }

    /// What serves them, and what they are.
    pub(super) fn into_parts(self) -> (Router, Vec<Described>) {
        (self.router, self.operations)
    }
}
