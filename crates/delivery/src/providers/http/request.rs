//! From the settings of a request and the values of a message to the request itself: method, address, headers, body.

use super::{
    BadSetting,
    auth::{Identity, SIGNED_TOO},
    body::{Fields, TypedBody},
    origin::Origin,
    secrets, settings, signing,
    template::{Place, Template, Values},
    values::{OF_MESSAGE, OF_REACH, Own},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::Url;

/// What is sent.
pub(super) struct Prepared {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What makes requests.
pub(super) struct Blueprint {
    method: Method,
    url: Template,
    origin: Origin,
    query: Fields,
    headers: Vec<(HeaderName, Template)>,
    body: TypedBody,
    identity: Option<Identity>,
    own: Own,
}

impl Blueprint {
    /// `given` are the variables that a message (or whatever is asked about) has.
    pub fn new(settings: &settings::Request, given: &[&str]) -> Result<Self, BadSetting> {
        let own = own(settings)?;
        let known = own.names(given);
        let template = |setting, source: &str, place| {
            Template::new(source, place, &known).map_err(|problem| BadSetting::new(setting, problem))
        };
        let mut headers = Vec::new();
        for (name, source) in &settings.headers {
            headers
                .push((signing::header("request.headers", name)?, template("request.headers", source, Place::Plain)?));
        }
        Ok(Self {
            method: method(settings.method),
            url: template("request.url", &settings.url, Place::Url)?,
            origin: Origin::new(settings, &own)?,
            query: Fields::new(&settings.query, "request.query", &known)?,
            headers,
            body: TypedBody::new(settings, &known)?,
            identity: settings.auth.as_ref().map(|auth| Identity::new(auth, &known)).transpose()?,
            own,
        })
    }

    /// Whether any template names this variable.
    pub fn names(&self, variable: &str) -> bool {
        self.url.names(variable)
            || self.query.names(variable)
            || self.body.names(variable)
            || self.headers.iter().any(|(_, template)| template.names(variable))
    }

    /// The request for these values; with secrets masked if it is only to be shown.
    ///
    /// # Errors
    /// What is wrong, without values.
    pub fn prepare(&self, values: Values, masked: bool) -> Result<Prepared, String> {
        let values = self.own.join(values, masked);
        let url = self.url(&values)?;
        let body = self.body.render(&values)?;
        let mut headers = HeaderMap::new();
        if let Some(content_type) = self.body.content_type() {
            headers.insert(header::CONTENT_TYPE, header_value(content_type)?);
        }
        for (name, template) in &self.headers {
            let text = template.render(&values)?;
            if template.is_fixed() || !text.is_empty() {
                headers.insert(name.clone(), header_value(&text)?);
            }
        }
        let mut prepared = Prepared { method: self.method.clone(), url, headers, body };
        if let Some(identity) = &self.identity {
            identity.prove(&mut prepared, values, masked)?;
        }
        Ok(prepared)
    }

    fn url(&self, values: &Values) -> Result<Url, String> {
        let mut url: Url = self.url.render(values)?.parse().map_err(|_| "the address is none".to_owned())?;
        if !self.origin.is_of(&url) {
            return Err("a value has changed the host of the address".to_owned());
        }
        let pairs = self.query.render(values)?;
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        Ok(url)
    }
}

fn own(settings: &settings::Request) -> Result<Own, BadSetting> {
    for name in settings.values.keys() {
        let is_taken = OF_MESSAGE.iter().chain(&SIGNED_TOO).chain(&[OF_REACH, "secrets"]).any(|taken| taken == name);
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if is_taken || !name.bytes().all(is_plain) || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            let problem = format!("\"{name}\" is taken, or no name: use a-z 0-9 _ and begin with a letter");
            return Err(BadSetting::new("request.values", problem));
        }
    }
    Ok(Own::new(settings.values.clone(), secrets::named(&settings.secrets)?))
}

const fn method(method: settings::Method) -> Method {
    match method {
        settings::Method::Get => Method::GET,
        settings::Method::Post => Method::POST,
        settings::Method::Put => Method::PUT,
    }
}

fn header_value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| "a header would have a line break in it".to_owned())
}
