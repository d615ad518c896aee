//! The table of visits to the page of a second factor.

use crate::{
    backend,
    backend::{batch, write},
    samples::*,
};
use countersign_model::{
    BlindIndex, Channel, ChosenKind, FactorId, Means, MfaSession, Timestamp, UserId, VerificationId,
    mfa_session::{Notice, Place, SentCode, SessionPurpose, Stage, Told},
};
use countersign_store::{Change, Error};

fn session(number: u8, ends_at: Timestamp) -> MfaSession {
    let sent = SentCode {
        verification: VerificationId::from_bytes([3; 16]),
        factor: FactorId::from_bytes([4; 16]),
        channel: Channel::Voice,
        at: at(1),
        ends_at: at(301),
    };
    let notice = Notice { place: Place::Address(Channel::Email), what: Told::BadAddress(sealed(2)) };
    MfaSession {
        id: BlindIndex([number; 32]),
        tenant: ours(),
        version: 0,
        user: UserId::from_bytes([9; 16]),
        client: "c".to_owned(),
        purpose: SessionPurpose::Enrol { only: Some(ChosenKind::Totp), one_more: true },
        account: Some(sealed(1)),
        return_to: Some("https://shop.example/back".to_owned()),
        state: Some("s".to_owned()),
        stage: Stage::Open { sent: Some(sent), notice: Some(notice) },
        ends_at,
    }
}

#[tokio::test]
async fn a_visit_comes_back_whole_and_of_two_changes_of_it_one_holds() {
    for place in backend::each() {
        let store = place.open().await;
        let fresh = session(1, at(600));
        write(&store, [Change::PutMfaSession(fresh.clone())]).await;
        assert_eq!(store.write(batch([Change::PutMfaSession(fresh.clone())])).await, Err(Error::Conflict));
        let kept = store.mfa_session(fresh.id).await.unwrap().unwrap();
        assert_eq!(kept, MfaSession { version: 1, ..fresh });
        assert_eq!(store.mfa_session(BlindIndex([2; 32])).await, Ok(None));

        let proved = kept.clone().proved(Means::Totp, true, Some(sealed(3)), at(590));
        write(&store, [Change::PutMfaSession(proved.clone())]).await;
        assert_eq!(store.write(batch([Change::PutMfaSession(kept)])).await, Err(Error::Conflict));
        let stored = store.mfa_session(proved.id).await.unwrap().unwrap();
        assert_eq!(stored, MfaSession { version: 2, ..proved });
        let stolen = MfaSession { tenant: tenant_id(1), ..stored };
        assert_eq!(store.write(batch([Change::PutMfaSession(stolen)])).await, Err(Error::Conflict));
    }
}

#[tokio::test]
async fn visits_that_ended_go_and_no_more_of_them_than_the_limit() {
    for place in backend::each() {
        let store = place.open().await;
        for number in 0..5 {
            write(&store, [Change::PutMfaSession(session(number, at(10 + i64::from(number))))]).await;
        }
        // The first one was prolonged.
        let first = store.mfa_session(BlindIndex([0; 32])).await.unwrap().unwrap();
        write(&store, [Change::PutMfaSession(MfaSession { ends_at: at(99), ..first })]).await;
        let left = async || {
            let mut left = vec![];
            for number in 0..5 {
                left.extend(store.mfa_session(BlindIndex([number; 32])).await.unwrap().map(|_| number));
            }
            left
        };
        write(&store, [Change::PurgeMfaSessions { before: at(13), limit: 2 }]).await;
        assert_eq!(left().await, [0, 3, 4]);
        write(&store, [Change::PurgeMfaSessions { before: at(13), limit: 2 }]).await;
        assert_eq!(left().await, [0, 4]);
    }
}
