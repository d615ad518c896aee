//! Whether routes lead somewhere: they may name only providers that exist and serve the channel. That is checked once, at start.
//! Who is asked for a message, and why, is the rule of `countersign_model::routing`.

use crate::providers::Providers;
use countersign_model::{Channel, Routes, routing::settings::BadRoute};

/// Makes sure that each route leads somewhere.
///
/// # Errors
/// The first setting that does not, or makes no sense by itself.
pub fn check(routes: &Routes, providers: &Providers) -> Result<(), BadRoute> {
    for channel in Channel::ALL {
        for (setting, name) in routes.named(channel) {
            let Some(provider) = providers.get(name) else {
                let known: Vec<&str> = providers.names().collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(BadRoute::new(setting, format!("there is no provider `{name}`; there is {known}")));
            };
            if !provider.channels().contains(&channel) {
                let problem = format!("the provider `{name}` does not carry messages of this channel");
                return Err(BadRoute::new(setting, problem));
            }
        }
    }
    routes.check()?;
    let unknown = routes.prices.providers().find(|(_, name)| providers.get(name).is_none());
    unknown.map_or(Ok(()), |(channel, name)| {
        let setting = format!("prices.{}.{name}", channel.name());
        Err(BadRoute::new(setting, format!("there is no provider `{name}`")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Accepted, Outgoing, Provider, SendError};
    use std::sync::Arc;

    struct OnlySms;

    #[async_trait::async_trait]
    impl Provider for OnlySms {
        async fn send(&self, _: &Outgoing) -> Result<Accepted, SendError> {
            Err(SendError::Refused("a test".into()))
        }
        fn channels(&self) -> &[Channel] {
            &[Channel::Sms]
        }
    }

    fn checked(json: &str) -> Result<(), String> {
        let mut providers = Providers::default();
        providers.insert("a", Arc::new(OnlySms)).unwrap();
        providers.insert("b", Arc::new(OnlySms)).unwrap();
        let routes: Routes = serde_json::from_str(json).unwrap();
        check(&routes, &providers).map_err(|bad| bad.to_string())
    }

    #[test]
    fn a_route_to_providers_that_serve_the_channel_is_taken() {
        assert_eq!(checked(r#"{"sms": ["b", "a"]}"#), Ok(()));
        assert_eq!(checked(r#"{"rules": {"all": {"channel": "sms", "providers": ["b"]}}}"#), Ok(()));
    }

    #[test]
    fn a_route_that_leads_nowhere_is_named_with_its_setting() {
        let cases = [
            (r#"{"sms": ["a", "c"]}"#, "routes.sms: there is no provider `c`; there is a, b"),
            (r#"{"email": ["a"]}"#, "routes.email: the provider `a` does not carry messages of this channel"),
            (r#"{"sms": ["a", "a"]}"#, "routes.sms: `a` is named twice"),
            (
                r#"{"rules": {"es": {"channel": "sms", "providers": ["c"]}}}"#,
                "routes.rules.es.providers: there is no provider `c`; there is a, b",
            ),
            (r#"{"prices": {"sms": {"c": {"ES": 1}}}}"#, "routes.prices.sms.c: there is no provider `c`"),
        ];
        for (json, told) in cases {
            assert_eq!(checked(json), Err(told.to_owned()));
        }
    }

    #[test]
    fn a_channel_that_does_not_exist_is_refused() {
        assert!(serde_json::from_str::<Routes>(r#"{"pigeon": ["a"]}"#).is_err());
    }
}
