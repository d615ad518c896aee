//! The table of templates.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{Channel, Template, message::Purpose};
use countersign_store::{Change, Error};

#[tokio::test]
async fn a_template_is_found_by_message_channel_and_language_exactly() {
    for place in backend::each() {
        let store = place.open().await;
        write(
            &store,
            [Change::PutTemplate(template(Channel::Sms, "de")), Change::PutTemplate(template(Channel::Email, "de"))],
        )
        .await;
        let found = store.template(ours(), Purpose::Payment, Channel::Sms, "de").await;
        assert_eq!(found, Ok(Some(template(Channel::Sms, "de"))));
        for (message, channel, locale) in [
            (Purpose::Verification, Channel::Sms, "de"),
            (Purpose::Payment, Channel::Voice, "de"),
            (Purpose::Payment, Channel::Sms, "de-CH"),
        ] {
            assert_eq!(store.template(ours(), message, channel, locale).await, Ok(None));
        }
        let both = vec![template(Channel::Email, "de"), template(Channel::Sms, "de")];
        assert_eq!(store.templates(ours()).await, Ok(both));
    }
}

#[tokio::test]
async fn a_template_takes_the_place_of_the_old_one() {
    for place in backend::each() {
        let store = place.open().await;
        let new = Template { text: "new".to_owned(), subject: None, ..template(Channel::Sms, "de") };
        write(&store, [Change::PutTemplate(template(Channel::Sms, "de")), Change::PutTemplate(new.clone())]).await;
        assert_eq!(store.templates(ours()).await, Ok(vec![new]));
    }
}

#[tokio::test]
async fn only_a_template_that_is_there_can_go() {
    for place in backend::each() {
        let store = place.open().await;
        write(&store, [Change::PutTemplate(template(Channel::Sms, "de"))]).await;
        let delete = |locale: &str| Change::DeleteTemplate {
            tenant: ours(),
            message: Purpose::Payment,
            channel: Channel::Sms,
            locale: locale.to_owned(),
        };
        assert_eq!(store.write(batch([delete("en")])).await, Err(Error::Conflict));
        write(&store, [delete("de")]).await;
        assert_eq!(store.write(batch([delete("de")])).await, Err(Error::Conflict));
        assert_eq!(store.templates(ours()).await, Ok(vec![]));
    }
}
