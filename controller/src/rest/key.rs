//! `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): the same key gives the same answer.

use axum::http::HeaderMap;

use super::error::ApiError;

/// What the header is for, in the description of a route.
pub const IDEMPOTENCY_KEY: &str = "the same key gives the same answer";

/// The longest idempotency key: the draft asks for nothing longer than a UUID, some clients send more.
const LONGEST_KEY: usize = 256;

/// The key of a request, if it has one.
///
/// # Errors
/// 400 when it is empty, too long, or not visible ASCII.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= LONGEST_KEY => Ok(Some(key.to_owned())),
        _ => Err(ApiError::malformed(format!(
            "Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters"
        ))),
    }
}
