//! One line for each dialect: its first call, in its own words, each to a number of its own.

use crate::{
    Outcome,
    client::Client,
    product::Product,
    work::{PER_CONNECTION, Work, must_say},
};
use serde_json::{Value, json};
use std::sync::Arc;

/// The first call of a dialect.
pub struct Call {
    /// Its name in the table.
    pub title: &'static str,
    path: String,
    headers: String,
    /// What says that it worked.
    wanted: &'static str,
    /// For a number without its `+34`.
    body: Box<dyn Fn(u64) -> Value + Send + Sync>,
}

/// One connection that makes the call over and over.
pub struct Caller {
    call: Arc<Call>,
    number: u64,
}

impl Call {
    /// Of every dialect.
    pub async fn all(product: &Product) -> Outcome<Vec<Arc<Self>>> {
        let all = [
            Self::gateway360(product)?,
            Self::clickatell(product)?,
            Self::authentix(product).await?,
            Self::nevis(product)?,
            Self::auth0(product)?,
        ];
        Ok(all.map(Arc::new).into())
    }

    fn gateway360(product: &Product) -> Outcome<Self> {
        let key = product.credential("gateway360/api_key")?;
        Ok(Self {
            title: "Gateway360 2fa/request",
            path: "/api/2fa/request".to_owned(),
            headers: String::new(),
            wanted: r#""status":"ok""#,
            body: Box::new(
                move |number| json!({"api_key": key, "msisdn": format!("34{number}"), "sender": "GOOD PIZZA", "hlr_lookup": 0}),
            ),
        })
    }

    fn clickatell(product: &Product) -> Outcome<Self> {
        let key = product.credential("clickatell/token")?;
        Ok(Self {
            title: "Clickatell rest/auth",
            path: "/rest/auth".to_owned(),
            headers: format!("authorization: Bearer {key}\r\nx-version: 1\r\naccept: application/json\r\n"),
            wanted: r#""apiRequestId""#,
            body: Box::new(|number| json!({"authType": "pin", "to": format!("34{number}")})),
        })
    }

    async fn authentix(product: &Product) -> Outcome<Self> {
        let (user, key) = (product.credential("authentix/api_user")?, product.credential("authentix/api_key")?);
        let (root, headers) = ("/rest/authentix/v1", format!("apiuser: {user}\r\napikey: {key}\r\n"));
        let mut client = Client::connect(&product.process.url).await?;
        let wanted = json!({"serviceName": "Shop"}).to_string();
        let made = client.post_with(&format!("{root}/configurations"), &headers, &wanted).await?;
        let made: Value = serde_json::from_slice(made.body)?;
        let id = made.get("configurationId").and_then(Value::as_str).ok_or("no configuration was made")?;
        Ok(Self {
            title: "Authentix authentications",
            path: format!("{root}/configurations/{id}/authentications"),
            headers,
            wanted: r#""authenticationId""#,
            body: Box::new(|number| json!({"dest": format!("+34{number}"), "channel": "sms"})),
        })
    }

    fn nevis(product: &Product) -> Outcome<Self> {
        let key = product.credential("nevis/access_key")?;
        Ok(Self {
            title: "Nevis users/enroll",
            path: "/api/v1/users/enroll".to_owned(),
            headers: format!("authorization: Bearer {key}\r\n"),
            wanted: r#""statusToken""#,
            body: Box::new(
                |number| json!({"username": format!("u{number}"), "channel": "sms", "phone": format!("+34{number}")}),
            ),
        })
    }

    /// Of what this dialect does it is the one call that nobody's limits end: a token for a machine, signed with RSA.
    fn auth0(product: &Product) -> Outcome<Self> {
        let of = |name: &str| product.credential(&format!("auth0/{name}"));
        let (id, secret, audience) = (of("client_id")?, of("client_secret")?, of("audience")?);
        Ok(Self {
            title: "Auth0 oauth/token, client credentials",
            path: "/oauth/token".to_owned(),
            headers: String::new(),
            wanted: r#""access_token""#,
            body: Box::new(
                move |_| json!({"grant_type": "client_credentials", "client_id": id, "client_secret": secret, "audience": audience}),
            ),
        })
    }
}

impl Caller {
    /// Of this call.
    pub fn new(call: &Arc<Call>, product: &Product) -> Self {
        Self { call: Arc::clone(call), number: product.numbers(PER_CONNECTION) }
    }
}

impl Work for Caller {
    async fn once(&mut self, client: &mut Client) -> Outcome<bool> {
        self.number += 1;
        let Call { path, headers, wanted, body, .. } = &*self.call;
        let body = body(self.number - 1).to_string();
        must_say(&client.post_with(path, headers, &body).await?, wanted)
    }
}
