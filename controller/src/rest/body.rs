//! JSON bodies, read so that every fault has its own status and names its field.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::error::ApiError;

/// How long a client may take to send a body.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Extracts a JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let declared = request.headers().get(header::CONTENT_TYPE);
        let declared = declared.and_then(|value| value.to_str().ok());
        let is_declared = declared.is_some_and(is_json);
        // Read in any case: of a body that is left unread the connection ends, under the client's next request.
        let bytes = tokio::time::timeout(BODY_DEADLINE, Bytes::from_request(request, state))
            .await
            .map_err(|_| ApiError::malformed("the body did not come in time"))?
            .map_err(|rejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    ApiError::too_large("a body may have 1 MiB")
                } else {
                    ApiError::malformed("the body could not be read to its end")
                }
            })?;
        if !is_declared {
            return Err(ApiError::wrong_type(
                "the body must be declared as `application/json`",
            ));
        }
        parse(&bytes).map(Self)
    }
}

/// One object, or an array of them. Read by hand so that an error names its field.
#[derive(Debug)]
pub enum OneOrMany<T> {
    /// An object.
    One(Box<T>),
    /// An array.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// All of them, and whether it was one object.
    #[must_use]
    pub fn into_parts(self) -> (Vec<T>, bool) {
        match self {
            Self::One(one) => (vec![*one], true),
            Self::Many(many) => (many, false),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array of objects")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
                    .map(Box::new)
                    .map(OneOrMany::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<OneOrMany<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany::Many)
            }
        }

        deserializer.deserialize_any(Either(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (one, many) = (
            generator.subschema_for::<T>(),
            generator.subschema_for::<Vec<T>>(),
        );
        json_schema!({ "oneOf": [one, many] })
    }
}

fn is_json(declared: &str) -> bool {
    let kind = declared.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// Reads JSON text: 400 when it is not JSON, 422 with the field when it is not what was expected.
///
/// # Errors
/// As said.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner();
        match cause.classify() {
            Category::Data => {
                let problem = ApiError::impossible(cause.to_string());
                if path == "." {
                    problem
                } else {
                    problem.at(path)
                }
            }
            Category::Syntax | Category::Eof | Category::Io => {
                ApiError::malformed(format!("the body is not JSON: {cause}"))
            }
        }
    })?;
    deserializer
        .end()
        .map_err(|error| ApiError::malformed(format!("the body is not JSON: {error}")))?;
    Ok(value)
}
