//! Calls: what is said in them, when, and in which language; and what comes of those in which nothing was said. And what may go by
//! which channel.

use crate::{ANA, Acts, payment, start_to};
use async_trait::async_trait;
use countersign_delivery::{
    Accepted, BadReceipt, CallStep, Line, Outgoing, Provider, ReceiptRequest, SendError, Told, receipt::ReceiptAnswer,
};
use countersign_engine::{
    Error,
    commands::{OwnText, PutTemplate, RecordReceipt, ResendCode, StartVerification, Target},
    keys::Keys,
    receipts::{OwnAddress, ReceiptError},
    testing::Harness,
};
use countersign_model::{
    Channel, Message, Routes, State, VerificationId,
    message::{MessageState, Purpose, Receipt, ReceiptPlan},
};
use http::{HeaderMap, Method};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// Places calls, and asks what to say: nothing in the body is "somebody picked up", `1` the key, and anything else that none came.
#[derive(Default)]
struct Dialler {
    placed: Mutex<Vec<String>>,
    languages: Vec<String>,
}

#[async_trait]
impl Provider for Dialler {
    async fn send(&self, message: &Outgoing) -> Result<Accepted, SendError> {
        self.placed.lock().unwrap().push(message.call_url.clone().unwrap());
        Ok(Accepted { reference: None, receipt: ReceiptPlan::Expected })
    }

    fn channels(&self) -> &[Channel] {
        &[Channel::Voice]
    }

    fn languages(&self) -> &[String] {
        &self.languages
    }

    fn call_step(&self, request: &ReceiptRequest<'_>) -> Result<CallStep, BadReceipt> {
        match request.body {
            b"" => Ok(CallStep::Ask),
            b"1" => Ok(CallStep::Say),
            b"forged" => Err(BadReceipt::Forged),
            _ => Ok(CallStep::End),
        }
    }

    fn tell(&self, line: &Line<'_>) -> Told {
        let body = format!("{:?} {}: {}", line.step, line.language, line.text);
        Ok(ReceiptAnswer { content_type: Some(line.call_url.to_owned()), body, ..ReceiptAnswer::default() })
    }
}

/// A harness, its dialler, and a verification whose call is under way.
struct Calling {
    harness: Harness,
    id: VerificationId,
    url: String,
}

const RULE: &str = r#"{"sms": ["first"], "voice": ["dialler"], "whatsapp": ["second"], "telegram": ["second"],
    "rules": {"calls": {"channel": "voice", "providers": ["dialler"], "takes_over_after_seconds": 60, "fall_back": ["sms"]},
              "texts": {"channel": "sms", "providers": ["first"], "takes_over_after_seconds": 60, "fall_back": ["whatsapp", "voice"]}}}"#;

fn by_voice() -> StartVerification {
    StartVerification { channel: Channel::Voice, locale: Some("en".into()), ..start_to(ANA) }
}

async fn harness(dialler: &Arc<Dialler>) -> Harness {
    let routes: Routes = serde_json::from_str(RULE).unwrap();
    routes.check().unwrap();
    Harness::routed(routes, vec![("dialler", Arc::clone(dialler) as Arc<dyn Provider>)]).await
}

async fn calling(languages: &[&str], command: &StartVerification) -> Calling {
    let languages = languages.iter().map(|tag| (*tag).to_owned()).collect();
    let dialler = Arc::new(Dialler { languages, ..Dialler::default() });
    let harness = harness(&dialler).await;
    let id = harness.start(command).await.unwrap().verification.id;
    harness.deliver().await;
    let url = dialler.placed.lock().unwrap().pop().unwrap();
    Calling { harness, id, url }
}

impl Calling {
    async fn ask(&self, body: &str) -> Result<String, ReceiptError> {
        self.ask_at(&self.url, body).await
    }

    async fn ask_at(&self, url: &str, body: &str) -> Result<String, ReceiptError> {
        let parts: Vec<&str> = url.strip_prefix("https://verify.example.com/calls/").unwrap().split('/').collect();
        let [provider, tenant, message, token] = parts.as_slice() else { unreachable!("{url}") };
        let own = OwnAddress {
            tenant: tenant.parse().unwrap(),
            message: message.parse().unwrap(),
            token: (*token).to_owned(),
        };
        let (method, headers) = (Method::POST, HeaderMap::new());
        let request =
            ReceiptRequest { method: &method, url, query: "", headers: &headers, body: body.as_bytes(), message: None };
        let answer = self.harness.engine.answer_call(provider, &own, request).await?;
        assert_eq!(answer.content_type.as_deref(), Some(self.url.as_str()), "the vendor asks there again");
        Ok(answer.body)
    }

    /// The message of the call.
    async fn message(&self) -> Message {
        let history = self.harness.engine.history(&self.harness.caller, self.id).await.unwrap();
        history.messages.into_iter().next().unwrap()
    }

    async fn state(&self) -> MessageState {
        self.message().await.state
    }

    async fn reported(&self, receipt: Receipt) {
        let command = RecordReceipt { message: self.message().await.id, receipt };
        self.harness.engine.run(&self.harness.caller, None, &command).await.unwrap();
        self.harness.deliver().await;
    }
}

/// `482913` as `4, 8, 2, 9, 1, 3`.
fn one_by_one(code: &str) -> String {
    code.chars().map(String::from).collect::<Vec<_>>().join(", ")
}

/// The code of a text that says it so.
fn said_in(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits[..digits.len() / 2].to_owned()
}

#[tokio::test]
async fn nothing_of_the_code_is_said_before_the_key_and_after_it_all_of_it_one_by_one_and_twice() {
    let call = calling(&[], &by_voice()).await;
    let asked = call.ask("").await.unwrap();
    assert_eq!(asked, "Ask en: Hello. To hear your verification code, press 1.");
    assert_eq!(call.state().await, MessageState::Accepted, "asking is not saying");
    let said = call.ask("1").await.unwrap();
    let code = said_in(&said);
    assert_eq!((code.len(), said.matches(&one_by_one(&code)).count()), (6, 2), "{said}");
    assert_eq!(call.state().await, MessageState::Delivered);
    // That the call is over then is no news.
    call.reported(Receipt::Undelivered).await;
    assert_eq!(call.state().await, MessageState::Delivered);
    assert!(call.harness.first.take().is_empty());
    assert_eq!(call.harness.check(call.id, &code).await.unwrap().verification.state, State::Approved);
}

#[tokio::test]
async fn a_call_that_ended_before_the_code_was_said_reached_nobody_and_another_message_takes_over() {
    let call = calling(&[], &by_voice()).await;
    call.ask("").await.unwrap();
    assert_eq!(call.ask("nothing").await.unwrap(), "End en: ");
    assert_eq!(call.state().await, MessageState::Accepted);
    call.reported(Receipt::Undelivered).await;
    assert_eq!(call.state().await, MessageState::Failed);
    assert_eq!(call.harness.first.take()[0].channel, Channel::Sms);
}

#[tokio::test]
async fn a_code_that_nobody_waits_for_any_more_is_not_said() {
    let over = "Say en: This code is no longer valid. Goodbye.";
    let call = calling(&[], &by_voice()).await;
    call.harness.clock.pass(Duration::from_mins(20));
    for body in ["", "1"] {
        assert_eq!(call.ask(body).await.unwrap(), over, "it has expired");
    }
    assert_ne!(call.state().await, MessageState::Delivered);
    let call = calling(&[], &by_voice()).await;
    let code = said_in(&call.ask("1").await.unwrap());
    call.harness.check(call.id, &code).await.unwrap();
    assert_eq!(call.ask("1").await.unwrap(), over, "it was accepted");
}

#[tokio::test]
async fn only_who_has_the_address_and_proves_to_be_the_vendor_is_told_anything() {
    let call = calling(&[], &by_voice()).await;
    assert!(matches!(call.ask("forged").await, Err(ReceiptError::Bad(BadReceipt::Forged))));
    let (start, token) = call.url.rsplit_once('/').unwrap();
    let other = token.chars().rev().collect::<String>();
    assert!(matches!(call.ask_at(&format!("{start}/{other}"), "1").await, Err(ReceiptError::Unknown)));
    // The address for receipts is another one.
    let parts: Vec<&str> = call.url.split('/').collect();
    let receipt = Keys::from_seed(7).receipt_token(parts[5].parse().unwrap(), parts[6].parse().unwrap());
    assert!(matches!(call.ask_at(&format!("{start}/{receipt}"), "1").await, Err(ReceiptError::Unknown)));
    let elsewhere = call.url.replace("/dialler/", "/first/");
    assert!(matches!(call.ask_at(&elsewhere, "1").await, Err(ReceiptError::Bad(BadReceipt::NotExpected))));
}

#[tokio::test]
async fn a_call_is_in_the_best_language_that_its_vendor_speaks() {
    let (german, english) =
        ("Um Ihren Bestätigungscode zu hören, drücken Sie die 1.", "To hear your verification code, press 1.");
    for (wanted, said_in, ask) in
        [("de-AT", "de", german), ("en-GB", "en-GB", english), ("en-AU", "en", english), ("sw", "en", english)]
    {
        let command = StartVerification { locale: Some(wanted.into()), ..by_voice() };
        let call = calling(&["de", "en", "en-GB"], &command).await;
        let asked = call.ask("").await.unwrap();
        assert!(asked.starts_with(&format!("Ask {said_in}: ")) && asked.ends_with(ask), "{wanted}: {asked}");
    }
}

#[tokio::test]
async fn words_of_ones_own_are_read_out_too_and_never_in_a_language_that_is_not_theirs() {
    let mut command = by_voice();
    command.overrides.text = Some(OwnText::around("Acme: ", " is your code."));
    let call = calling(&[], &command).await;
    let said = call.ask("1").await.unwrap();
    let spoken = one_by_one(&said_in(&said));
    assert_eq!(said, format!("Say en: Acme: {spoken} is your code. Acme: {spoken} is your code."));

    let command = StartVerification { locale: Some("sw".into()), ..by_voice() };
    for (languages, expected) in [(&["en", "sw"][..], true), (&["en"][..], false)] {
        let call = calling(languages, &command).await;
        let template = PutTemplate {
            message: Purpose::Verification,
            channel: Channel::Voice,
            locale: "sw".into(),
            subject: None,
            text: "Nambari: {{ spoken }}.".into(),
            html: None,
        };
        call.harness.engine.run(&call.harness.caller, None, &template).await.unwrap();
        let said = call.ask("1").await.unwrap();
        assert_eq!(said.contains("Nambari: "), expected, "{said}");
        assert_eq!(said.matches(&one_by_one(&said_in(&said))).count(), 2, "{said}");
    }
}

#[tokio::test]
async fn where_the_words_are_the_vendors_no_payment_goes_and_the_next_channel_gets_it() {
    let harness = harness(&Arc::default()).await;
    for channel in [Channel::Whatsapp, Channel::Telegram] {
        harness.clock.pass(Duration::from_mins(30));
        let plain = StartVerification { channel, locale: Some("en".into()), ..start_to(ANA) };
        let paid = StartVerification { payment: Some(payment("12.50")), ..start_to(ANA) };
        let refused = harness.start(&StartVerification { channel, ..paid }).await;
        assert!(matches!(refused, Err(Error::WrongChannel(wrong)) if wrong == channel), "{refused:?}");
        harness.start(&plain).await.unwrap();
        harness.deliver().await;
        let sent = harness.second.take();
        assert_eq!((sent[0].channel, sent[0].to.as_str()), (channel, ANA));
        assert!(sent[0].text.starts_with(&sent[0].code), "where it is read, it says what a text message says");
    }
    let dialler = Arc::new(Dialler::default());
    let harness = self::harness(&dialler).await;
    let paid = StartVerification { payment: Some(payment("12.50")), ..start_to(ANA) };
    harness.first.answer_next(Err(SendError::Refused("no".into())));
    let id = harness.start(&paid).await.unwrap().verification.id;
    harness.deliver().await;
    assert!(harness.second.take().is_empty(), "WhatsApp could not say what is paid");
    assert_eq!(dialler.placed.lock().unwrap().len(), 1, "a call can");
    let again = ResendCode { target: Target::Id(id), channel: Some(Channel::Telegram), text: None };
    harness.clock.pass(Duration::from_mins(2));
    let refused = harness.engine.run(&harness.caller, None, &again).await;
    assert!(matches!(refused, Err(Error::WrongChannel(Channel::Telegram))), "{refused:?}");
}
