//! Prepaid money: what it stops, what it does not, and that none is lost between two who spend at once.

use crate::{ANA, Acts, start_to};
use countersign_engine::{
    Error, Thing,
    commands::{PutAccount, ResendCode, SendText, Target, TransferBalance},
    testing::Harness,
};
use countersign_model::{Account, Address, Channel, Policy, Profile};
use futures_util::future::join_all;

async fn set(harness: &Harness, balance_e4: i64, price_e4: i64) {
    let command = PutAccount { balance_e4: Some(balance_e4), price_e4: Some(price_e4), currency: None };
    harness.engine.run(&harness.caller, None, &command).await.unwrap();
}

async fn balance(harness: &Harness) -> i64 {
    harness.engine.account(&harness.caller, None).await.unwrap().balance_e4
}

fn text() -> SendText {
    let to = Address::parse(Channel::Sms, ANA).unwrap();
    SendText { to, from: None, text: "Hello".into(), report: None, send_at: None }
}

#[tokio::test]
async fn until_somebody_sets_a_price_messages_cost_nothing_and_the_account_is_not_even_written() {
    let harness = Harness::new().await;
    harness.start(&start_to(ANA)).await.unwrap();
    assert_eq!(harness.store.account(harness.tenant.id, "").await, Ok(None));
    let shown = harness.engine.account(&harness.caller, None).await.unwrap();
    assert_eq!(shown, Account::empty(harness.tenant.id, ""));
}

#[tokio::test]
async fn codes_repetitions_and_texts_are_paid_for_and_mail_is_not() {
    let harness = Harness::new().await;
    set(&harness, 1000, 300).await;
    let id = harness.start(&start_to(ANA)).await.unwrap().verification.id;
    assert_eq!(balance(&harness).await, 700);
    let mut mail = start_to(ANA);
    (mail.channel, mail.to) = (Channel::Email, Address::parse(Channel::Email, "ana@example.com").unwrap());
    harness.start(&mail).await.unwrap();
    assert_eq!(balance(&harness).await, 700);
    harness.clock.pass(std::time::Duration::from_mins(1));
    harness
        .engine
        .run(&harness.caller, None, &ResendCode { target: Target::Id(id), channel: None, text: None })
        .await
        .unwrap();
    assert_eq!(balance(&harness).await, 400);
    harness.engine.run(&harness.caller, None, &text()).await.unwrap();
    assert_eq!(balance(&harness).await, 100);
}

#[tokio::test]
async fn what_cannot_be_paid_for_is_not_sent_and_spends_no_limit() {
    let harness = Harness::new().await;
    set(&harness, 299, 300).await;
    assert!(matches!(harness.start(&start_to(ANA)).await, Err(Error::NotEnoughBalance)));
    assert!(matches!(harness.engine.run(&harness.caller, None, &text()).await, Err(Error::NotEnoughBalance)));
    harness.deliver().await;
    assert_eq!(harness.first.take(), vec![]);
    set(&harness, 300, 300).await;
    assert!(harness.start(&start_to(ANA)).await.is_ok(), "the pause between two messages has not begun");
}

#[tokio::test]
async fn many_who_spend_at_once_spend_exactly_what_there_is() {
    let harness = Harness::new().await;
    set(&harness, 2000, 100).await;
    let (command, engine) = (text(), &harness.engine);
    let sent = join_all((0..40).map(|_| engine.run(&harness.caller, None, &command))).await;
    assert_eq!(sent.iter().filter(|result| result.is_ok()).count(), 20);
    assert!(sent.iter().all(|result| matches!(result, Ok(_) | Err(Error::NotEnoughBalance))));
    assert_eq!(balance(&harness).await, 0);
}

#[tokio::test]
async fn money_moves_to_an_account_that_its_first_money_makes() {
    let harness = Harness::new().await;
    let move_to = |to: &str, amount_e4| TransferBalance { to: to.into(), amount_e4 };
    let unknown = harness.engine.account(&harness.caller, Some("ana")).await;
    assert!(matches!(unknown, Err(Error::NotFound(Thing::Account))));
    let poor = harness.engine.run(&harness.caller, None, &move_to("ana", 1)).await;
    assert!(matches!(poor, Err(Error::NotEnoughBalance)));
    let command = PutAccount { balance_e4: Some(500), currency: Some("USD".into()), ..PutAccount::default() };
    harness.engine.run(&harness.caller, None, &command).await.unwrap();
    for expected in [200, 400] {
        let ana = harness.engine.run(&harness.caller, None, &move_to("ana", 200)).await.unwrap();
        assert_eq!((ana.balance_e4, ana.currency.as_str()), (expected, "USD"));
    }
    assert_eq!(balance(&harness).await, 100);
    for (to, amount) in [("ana", 0), ("ana", -5), ("", 5), ("a\nb", 5)] {
        let refused = harness.engine.run(&harness.caller, None, &move_to(to, amount)).await;
        assert!(matches!(refused, Err(Error::BadAmount)), "{to:?} {amount}");
    }
}

#[tokio::test]
async fn an_account_never_holds_nonsense() {
    let harness = Harness::new().await;
    for (balance_e4, price_e4, currency) in [(Some(-1), None, None), (None, Some(-1), None), (None, None, Some("€"))]
    {
        let currency = currency.map(str::to_owned);
        let refused = harness.engine.run(&harness.caller, None, &PutAccount { balance_e4, price_e4, currency }).await;
        assert!(matches!(refused, Err(Error::BadAmount)));
    }
    // What the test above relies on.
    assert_eq!(Policy::of(Profile::Standard).limits.send_gap_seconds, 60);
}
