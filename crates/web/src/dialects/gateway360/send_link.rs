//! `sms/send-link`: as `sms/send`, with `{LINK}` in each text. The link goes out as it was given: nothing is shortened and
//! nobody is followed, so `campaign_name` has no use and no "opened" events come.

use super::{
    error::Refused,
    params::{Call, MOST_BYTES_OF_MANY, is_web_address, text},
    sms_send::send_all,
};
use crate::Web;
use axum::{extract::State, response::Response};

pub(super) async fn send_link(State(web): State<Web>, call: Call<MOST_BYTES_OF_MANY>) -> Result<Response, Refused> {
    let link = text("link", call.params.required("link")?)?;
    let link = link.trim();
    if !is_web_address(link) {
        return Err(Refused::bad("link", "be an absolute http or https URL"));
    }
    send_all(&web, &call.caller, &call.params, Some(link)).await
}
