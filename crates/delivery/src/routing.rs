//! Who is asked to carry a message, and in which order: a list of provider names for each channel. The list may name only
//! providers that exist and serve the channel; that is checked once, at start.

use crate::providers::Providers;
use countersign_model::Channel;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The providers of each channel, in the order in which they are tried. In the configuration:
///
/// ```toml
/// [routes]
/// email = ["relay", "spare"]
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Routes(BTreeMap<Channel, Vec<String>>);

/// A route that leads nowhere. The text names the setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRoute {
    /// No such provider.
    #[error("[routes] {} = […]: there is no provider \"{name}\"; there is {known}", channel.name())]
    Unknown {
        /// In which route.
        channel: Channel,
        /// What was named.
        name: String,
        /// What could have been.
        known: String,
    },
    /// A provider that does not carry messages of this channel.
    #[error("[routes] {} = […]: the provider \"{name}\" does not serve the channel {}", channel.name(), channel.name())]
    NotServed {
        /// In which route.
        channel: Channel,
        /// Who.
        name: String,
    },
    /// A provider that is named twice.
    #[error("[routes] {} = […]: \"{name}\" is named twice", channel.name())]
    Twice {
        /// In which route.
        channel: Channel,
        /// Who.
        name: String,
    },
}

impl Routes {
    /// Routes by hand: the sandbox has some, and tests.
    #[must_use]
    pub fn new(routes: impl IntoIterator<Item = (Channel, Vec<String>)>) -> Self {
        Self(routes.into_iter().collect())
    }

    /// Who is asked for a message of this channel, in this order. Empty: nobody.
    #[must_use]
    pub fn for_channel(&self, channel: Channel) -> &[String] {
        self.0.get(&channel).map_or(&[], Vec::as_slice)
    }

    /// Makes sure that each route leads somewhere.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self, providers: &Providers) -> Result<(), BadRoute> {
        for (&channel, names) in &self.0 {
            for (at, name) in names.iter().enumerate() {
                let name = name.clone();
                let Some(provider) = providers.get(&name) else {
                    let known: Vec<&str> = providers.names().collect();
                    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                    return Err(BadRoute::Unknown { channel, name, known });
                };
                if !provider.channels().contains(&channel) {
                    return Err(BadRoute::NotServed { channel, name });
                }
                if names.iter().take(at).any(|earlier| *earlier == name) {
                    return Err(BadRoute::Twice { channel, name });
                }
            }
        }
        Ok(())
    }
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

    fn providers() -> Providers {
        let mut providers = Providers::default();
        providers.insert("a", Arc::new(OnlySms)).unwrap();
        providers.insert("b", Arc::new(OnlySms)).unwrap();
        providers
    }

    fn refusal(json: &str) -> String {
        let routes: Routes = serde_json::from_str(json).unwrap();
        routes.check(&providers()).unwrap_err().to_string()
    }

    #[test]
    fn the_order_of_the_setting_is_the_order_of_asking() {
        let routes: Routes = serde_json::from_str(r#"{"sms": ["b", "a"]}"#).unwrap();
        assert_eq!(routes.check(&providers()), Ok(()));
        assert_eq!(routes.for_channel(Channel::Sms), ["b", "a"]);
        assert!(routes.for_channel(Channel::Email).is_empty());
    }

    #[test]
    fn a_route_that_leads_nowhere_is_named_with_its_setting() {
        assert_eq!(refusal(r#"{"sms": ["a", "c"]}"#), "[routes] sms = […]: there is no provider \"c\"; there is a, b");
        assert_eq!(
            refusal(r#"{"email": ["a"]}"#),
            "[routes] email = […]: the provider \"a\" does not serve the channel email"
        );
        assert_eq!(refusal(r#"{"sms": ["a", "a"]}"#), "[routes] sms = […]: \"a\" is named twice");
    }

    #[test]
    fn a_channel_that_does_not_exist_is_refused() {
        assert!(serde_json::from_str::<Routes>(r#"{"pigeon": ["a"]}"#).is_err());
    }
}
