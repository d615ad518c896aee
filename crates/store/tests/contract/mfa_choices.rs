//! The table of what tenants have chosen about second factors.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{ChosenKind, MfaChoice, MfaTexts};
use countersign_store::{Change, Error};

#[tokio::test]
async fn a_choice_comes_back_whole_and_changes_only_from_the_version_that_was_read() {
    for place in backend::each() {
        let store = place.open().await;
        assert_eq!(store.mfa_choice(ours()).await, Ok(None));
        let mut choice = MfaChoice::of(ours());
        choice.set(ChosenKind::Sms, false);
        choice.texts = Some(MfaTexts { enrolment: "a {{code}}".to_owned(), verification: "b {{code}}".to_owned() });
        choice.notes.insert("x".to_owned(), "y".to_owned());
        write(&store, [Change::PutMfaChoice(choice.clone())]).await;
        let again = batch([Change::PutMfaChoice(choice.clone())]);
        assert_eq!(store.write(again).await, Err(Error::Conflict));
        choice.version = 1;
        assert_eq!(store.mfa_choice(ours()).await, Ok(Some(choice.clone())));
        assert_eq!(store.mfa_choice(tenant_id(1)).await, Ok(None));
        write(&store, [Change::PutMfaChoice(choice.clone())]).await;
        assert_eq!(store.write(batch([Change::PutMfaChoice(choice)])).await, Err(Error::Conflict));
    }
}
