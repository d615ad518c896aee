//! `GET /api/v1/aadb2c/users?objectId=…`: a user for the custom policies of Azure AD B2C, which cannot read another status than
//! 200 and no arrays. The object id there is the username here.

use super::{
    auth::Asker,
    error::Refused,
    params::{Query, find as find_user},
    user_object::UserObject,
};
use crate::Web;
use axum::{Json, extract::State, http::Uri};
use countersign_engine::UserRef;
use countersign_model::UserId;
use serde_json::{Value, json};

pub(super) async fn find(State(web): State<Web>, asker: Asker, uri: Uri) -> Result<Json<Value>, Refused> {
    let caller = asker.with_key()?;
    let unknown = || Json(json!({"status": "unknown"}));
    let Ok(query) = Query::of(&uri) else { return Ok(unknown()) };
    let Some(name) = query.get("objectId").filter(|id| UserId::from_uuid(id).is_some()) else { return Ok(unknown()) };
    let Some(user) = find_user(&web, &caller, &UserRef::Named(name.to_owned())).await? else { return Ok(unknown()) };
    let object = UserObject::of(&web, &caller, &user).await?;
    let Ok(Value::Object(mut members)) = serde_json::to_value(object) else { return Ok(unknown()) };
    // Mobile authenticators only, as one text; phones and recovery codes are not listed here.
    members.insert("authenticators".to_owned(), "[]".into());
    members.remove("phoneNumbers");
    members.remove("recoveryCodes");
    Ok(Json(Value::Object(members)))
}
