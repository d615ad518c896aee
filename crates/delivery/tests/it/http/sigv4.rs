//! Whether a request is signed as AWS signs: by AWS's own library, which knows nothing of the signer in the product.

use super::simulator::Request;
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4::SigningParams,
};
use std::time::{Duration, UNIX_EPOCH};

/// What the requests of the tests are signed with.
pub const KEY_ID: &str = "AKIA0000000000000000";
/// The moment of the tests' message, as AWS writes it.
const TIME: &str = "20260101T000000Z";
const SECONDS: u64 = 1_767_225_600;

/// Whether host, body and the type of the body are signed with this secret for this service, at the moment of the tests' message.
pub fn is_signed(request: &Request, service: &str, region: &str, secret: &str) -> bool {
    let authorization = request.header("authorization");
    let names = authorization.split_once("SignedHeaders=").and_then(|(_, rest)| rest.split_once(','));
    let names: Vec<&str> = names.map(|(names, _)| names.split(';').collect()).unwrap_or_default();
    if request.header("x-amz-date") != TIME || !names.contains(&"content-type") || !names.contains(&"host") {
        return false;
    }
    let credentials = Credentials::new(KEY_ID, secret, None, None, "tests").into();
    let parameters = SigningParams::builder()
        .identity(&credentials)
        .region(region)
        .name(service)
        .time(UNIX_EPOCH + Duration::from_secs(SECONDS))
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let url = format!("http://{}{}", request.header("host"), request.path);
    let headers = names.iter().filter(|name| **name != "x-amz-date").map(|name| (*name, request.header(name)));
    let body = SignableBody::Bytes(request.body.as_bytes());
    let signable = SignableRequest::new(request.method.as_str(), url, headers, body).unwrap();
    let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
    let mut expected = instructions.headers().filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    expected.next().is_some_and(|(_, expected)| expected == authorization)
}
