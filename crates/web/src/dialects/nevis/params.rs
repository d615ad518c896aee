//! From a request to parameters, in the order in which this API refuses: credential, media type, JSON, and then what each call
//! asks for. Unknown members are nobody's business; a null is the same as nothing.

use super::{
    auth::Asker,
    error::{self, Refused},
};
use crate::{Web, body};
use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts as _, Request},
    http::{HeaderMap, Uri, header::CONTENT_TYPE},
};
use countersign_engine::{Caller, Error, UserRef};
use countersign_model::{User, UserId};
use serde_json::{Map, Value};

/// A call with a JSON body: who asks, and for what.
pub(super) struct Call {
    pub asker: Asker,
    pub params: Params,
}

impl FromRequest<Web> for Call {
    type Rejection = Refused;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Refused> {
        let (mut parts, body) = request.into_parts();
        let asker = Asker::from_request_parts(&mut parts, web).await?;
        Ok(Self { asker, params: Params::read(&parts.headers, body, web).await? })
    }
}

/// The members of a JSON object.
pub(super) struct Params(Map<String, Value>);

impl Params {
    pub(super) async fn read(headers: &HeaderMap, body: Body, web: &Web) -> Result<Self, Refused> {
        if !is_kind(headers, "application/json") {
            return Err(error::NOT_JSON);
        }
        let bytes = body::read(headers, body, web.body_timeout()).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|_| error::MALFORMED_JSON)
    }

    /// A text, unless it is absent or null.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refused> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(Refused::parameter(name, "be a string"))
            }
        }
    }

    /// A text that must be there and not empty.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refused> {
        let given = self.text(name)?.filter(|text| !text.is_empty());
        given.ok_or_else(|| Refused::parameter(name, "be a string that is not empty"))
    }

    /// A list of texts, unless it is absent or null.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, Refused> {
        let wrong = || Refused::parameter(name, "be an array of strings");
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => {
                items.iter().map(Value::as_str).collect::<Option<Vec<_>>>().ok_or_else(wrong).map(Some)
            }
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => Err(wrong()),
        }
    }

    /// Whom the request is about.
    pub(super) fn identity(&self) -> Result<Identity<'_>, Refused> {
        let username = self.text("username")?;
        let user_id = self.text("userId")?;
        if username.is_some_and(|name| !is_username(name)) {
            let must = "have 1 to 300 characters of a-z, A-Z, 0-9, _, -, . and @";
            return Err(Refused::parameter("username", must));
        }
        let wrong = || Refused::parameter("userId", "be a UUID");
        let user_id = user_id.map(|id| UserId::from_uuid(id).ok_or_else(wrong)).transpose()?;
        if username.is_none() && user_id.is_none() {
            return Err(Refused::unprocessable("invalid_request", "username or userId is required."));
        }
        Ok(Identity { username, user_id })
    }
}

/// Whom a request is about, as it says it: by name, by id, or by both.
#[derive(Clone, Copy)]
pub(super) struct Identity<'p> {
    pub username: Option<&'p str>,
    pub user_id: Option<UserId>,
}

impl Identity<'_> {
    /// The user. None: nobody has that name yet.
    ///
    /// # Errors
    /// When there is nobody of that id, or when name and id are not of the same user.
    pub(super) async fn find(&self, web: &Web, caller: &Caller) -> Result<Option<User>, Refused> {
        let by_name = match self.username {
            Some(name) => find(web, caller, &UserRef::Named(name.to_owned())).await?,
            None => None,
        };
        let Some(id) = self.user_id else { return Ok(by_name) };
        let by_id = find(web, caller, &UserRef::Id(id)).await?.ok_or(error::NOT_FOUND)?;
        if self.username.is_some() && by_name.as_ref().map(|user| user.id) != Some(id) {
            return Err(Refused::unprocessable("invalid_request", "username and userId are not of the same user."));
        }
        Ok(Some(by_id))
    }
}

/// A user, if there is one.
pub(super) async fn find(web: &Web, caller: &Caller, user: &UserRef) -> Result<Option<User>, Refused> {
    match web.engine().user(caller, user).await {
        Ok(user) => Ok(Some(user)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(Refused::of(&error, web.engine().now())),
    }
}

/// Whether a text can name a user.
pub(super) fn is_username(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte);
    (1..=300).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether a body is of a media type, whatever its parameters.
pub(super) fn is_kind(headers: &HeaderMap, wanted: &str) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(wanted)
}

/// The parameters of a query, or of a form.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(uri: &Uri) -> Result<Self, Refused> {
        let read = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
        read.map(|query| Self(query.0)).map_err(|_| Refused::query("The query", "be of the form name=value&name=value"))
    }

    /// A parameter that is there and not empty; of several of one name the first.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }
}

/// The ceremonies of FIDO2 end at paths of their own.
pub(super) async fn refuse_fido2() -> Refused {
    Refused::channel("fido2")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn params(body: Value) -> Params {
        Params(serde_json::from_value(body).unwrap())
    }

    #[test]
    fn usernames_are_of_these_characters_and_not_too_long() {
        for good in ["u1", "A", "a_b-c.d@e", "0", &"x".repeat(300)] {
            assert!(is_username(good), "{good}");
        }
        for bad in ["", "bad name!", "é", "a/b", "a+b", &"x".repeat(301)] {
            assert!(!is_username(bad), "{bad}");
        }
    }

    #[test]
    fn absent_and_null_are_nothing_and_other_types_are_refused() {
        for body in [json!({}), json!({"a": null})] {
            assert_eq!(params(body).text("a"), Ok(None));
        }
        for bad in [json!(1), json!(true), json!([]), json!({})] {
            assert!(params(json!({"a": bad.clone()})).text("a").is_err(), "{bad}");
        }
        assert_eq!(params(json!({"a": ["x", "y"]})).texts("a"), Ok(Some(vec!["x", "y"])));
        for bad in [json!("x"), json!([1]), json!({})] {
            assert!(params(json!({"a": bad.clone()})).texts("a").is_err(), "{bad}");
        }
    }
}
