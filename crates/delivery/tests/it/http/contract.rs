//! The cases that every configuration keeps.

use super::{
    bench::{Bench, CALL, CODE, Configured, LINK, TO, TO_MAIL, message, message_for, saying, secret, wrong_secret},
    simulator::{BAD_MAIL, BAD_NUMBER, Carries, Heard, Mail, Reply, Report, Trouble, Vendor},
    vendors,
};
use countersign_delivery::{
    Accepted, BadReceipt, CallStep, Line, Outgoing, SendError,
    receipt::{About, ReceiptNote},
};
use countersign_model::{
    Address, Channel, Code, EmailAddress,
    message::{Receipt, ReceiptPlan},
};
use std::{sync::Mutex, time::Duration};
use tokio::{net::TcpListener, time::Instant};

/// Everything that must be escaped somewhere: in a form, in JSON, in XML, in an address; and what is only in Unicode.
const AWKWARD: &str = "\"482913\" & <b>'x'</b> + 100% \\ /?#=;,:@ {F0} $1 ñ ¿€? ✓ 😀 \u{5d0}\u{5d1} line\nline";
/// The same without what needs more than seven bits a character.
const AWKWARD_GSM: &str = "\"482913\" & <b>'x'</b> + 100% \\ /?#=;,:@ {F0} $1 ñ ¿€?";

/// No error holds a number, a mail address, the code, the text or a secret.
fn keeps_quiet(text: &str) {
    let (to, bad) = (TO.trim_start_matches('+'), BAD_NUMBER.trim_start_matches('+'));
    for forbidden in [to, bad, "ana", "nobody", "example.com", CODE, "your code", "s3cret", "wr0ng", "t0ken"] {
        assert!(!text.contains(forbidden), "{forbidden} in {text}");
    }
}

fn address(vendor: &dyn Vendor) -> &'static str {
    if vendor.channel() == Channel::Email { TO_MAIL } else { TO }
}

fn retry(result: Result<Accepted, SendError>) -> String {
    let Err(SendError::Retry(text)) = result else { panic!("{result:?}") };
    keeps_quiet(&text);
    text
}

fn unknown(result: Result<Accepted, SendError>) -> String {
    let Err(SendError::Unknown(text)) = result else { panic!("{result:?}") };
    keeps_quiet(&text);
    text
}

async fn takes_a_message(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    let message = bench.message();
    let accepted = bench.send(&message).await.unwrap();
    assert_eq!(accepted.reference.as_deref(), vendor.reference());
    let plan = if vendor.calls_back() { ReceiptPlan::Expected } else { ReceiptPlan::Never };
    assert_eq!(accepted.receipt, plan);
    let seen = bench.simulator.seen();
    assert_eq!(seen.len(), 1);
    let from = seen[0].from.as_deref().unwrap_or_default();
    assert_eq!((seen[0].to.as_str(), from), (address(vendor), vendor.sender()));
    let expected = match vendor.carries() {
        Carries::Text => message.content.text,
        Carries::Code => CODE.to_owned(),
        Carries::Call => String::new(),
    };
    assert_eq!(seen[0].text, expected);
    assert_ne!(seen[0].unicode, Some(true));
    assert!(seen[0].link.as_deref().is_none_or(|link| link == LINK), "{seen:?}");
}

async fn takes_any_text(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    match vendor.carries() {
        Carries::Text => {}
        Carries::Code => {
            for code in ["0042", "00000000"] {
                bench.send(&Outgoing { code: Code::own(code).ok(), ..bench.message() }).await.unwrap();
                assert_eq!(bench.simulator.seen().pop().unwrap().text, code);
            }
            let taken = bench.simulator.seen().len();
            for code in [None, Code::own("0123456789ABCDEF").ok()] {
                let result = bench.send(&Outgoing { code, ..bench.message() }).await;
                assert!(matches!(result, Err(SendError::Refused(_))), "{result:?}");
            }
            assert_eq!(bench.simulator.seen().len(), taken, "nothing else is carried");
            return;
        }
        Carries::Call => {
            for text in [AWKWARD, AWKWARD_GSM] {
                let line = Line { step: CallStep::Say, text, language: "en", call_url: CALL };
                let heard = vendor.hears(&bench.provider.tell(&line).unwrap());
                assert_eq!(heard.words.map(|(said, _)| said).as_deref(), Some(text));
            }
            return;
        }
    }
    for (text, unicode) in [(AWKWARD, true), (AWKWARD_GSM, false)] {
        bench.send(&saying(bench.message(), text)).await.unwrap();
        let sms = bench.simulator.seen().pop().unwrap();
        assert_eq!(sms.text, text);
        assert!(sms.unicode.is_none_or(|said| said == unicode), "{sms:?}");
    }
}

/// Subject and HTML arrive as they are, our id goes along, and machines that answer are told not to.
async fn takes_a_whole_mail(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    for text in [AWKWARD, AWKWARD_GSM] {
        let message = saying(bench.message(), text);
        bench.send(&message).await.unwrap();
        let expected = Mail {
            subject: message.content.subject.unwrap(),
            html: message.content.html,
            id: message.id.to_string(),
            auto_submitted: "auto-generated".to_owned(),
        };
        assert_eq!(bench.simulator.mails().pop(), Some(expected));
    }
    let mut plain = bench.message();
    plain.content.html = None;
    bench.send(&plain).await.unwrap();
    assert_eq!(bench.simulator.mails().pop().unwrap().html, None);
}

/// In a name whatever a name may hold, in an address what the operator has let the service choose.
async fn writes_its_sender(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    let named = |name: &str| Outgoing { from: Some(name.to_owned()), ..bench.message() };
    let own = EmailAddress::parse("me@shop.example").unwrap();
    for (message, expected) in [
        (named("Café"), "Café <no-reply@acme.example>"),
        (named("a\r\nBcc: x"), "\"a Bcc: x\" <no-reply@acme.example>"),
        (named("ceo@bank.example"), "Acme <no-reply@acme.example>"),
        (Outgoing { from: None, ..bench.message() }, "Acme <no-reply@acme.example>"),
        (Outgoing { from_address: Some(own), ..named("Shop") }, "Shop <me@shop.example>"),
    ] {
        bench.send(&message).await.unwrap();
        assert_eq!(bench.simulator.seen().pop().unwrap().from.as_deref(), Some(expected));
    }
}

async fn does_without_a_sender_and_a_link(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    bench.send(&Outgoing { from: None, receipt_url: None, ..bench.message() }).await.unwrap();
    let sms = bench.simulator.seen().pop().unwrap();
    assert_ne!(sms.from.as_deref(), Some(""), "{sms:?}");
    assert_eq!(sms.link, None);
}

async fn refuses_a_bad_number(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    let bad = if vendor.channel() == Channel::Email { BAD_MAIL } else { BAD_NUMBER };
    let to = Address::from_normalised(bad).unwrap();
    let result = bench.send(&Outgoing { to, ..bench.message() }).await;
    let Err(SendError::Refused(text)) = result else { panic!("{result:?}") };
    keeps_quiet(&text);
    assert!(bench.simulator.seen().is_empty());
}

async fn tries_again_with_wrong_credentials(vendor: &'static dyn Vendor) {
    let bench = Bench::with(vendor, Trouble::Nothing, wrong_secret, 6).await;
    retry(bench.send(&bench.message()).await);
    assert!(bench.simulator.seen().is_empty());
}

async fn tries_again_when_throttled(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Throttle).await;
    retry(bench.send(&bench.message()).await);
}

async fn tries_again_when_it_is_about_us(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    for complaint in vendor.complaints() {
        bench.simulator.order(Trouble::Answer(complaint));
        retry(bench.send(&bench.message()).await);
    }
}

async fn tries_again_after_a_server_error(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    for status in [500, 502, 503] {
        let page = Reply::text(status, &format!("<html>{TO} {TO_MAIL} {CODE}</html>"));
        bench.simulator.order(Trouble::Answer(page));
        assert!(retry(bench.send(&bench.message()).await).contains(&status.to_string()));
    }
}

async fn does_not_know_when_no_answer_comes(vendor: &'static dyn Vendor) {
    let bench = Bench::with(vendor, Trouble::Mute, secret, 1).await;
    let began = Instant::now();
    assert_eq!(unknown(bench.send(&bench.message()).await), "no answer from the provider within 1s");
    assert!(began.elapsed() >= Duration::from_millis(900) && began.elapsed() < Duration::from_secs(6));
}

async fn takes_garbage_for_no_acceptance(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    let long = "x".repeat(200_000);
    for body in ["", "{}", "[]", "null", "<html>OK</html>", "{\"sid\":", &long, "\u{0}\u{1}"] {
        for status in [200, 201, 202, 204] {
            bench.simulator.order(Trouble::Answer(Reply::text(status, body)));
            unknown(bench.send(&bench.message()).await);
        }
    }
    bench.simulator.order(Trouble::Answer(Reply::text(302, "<html>moved</html>")));
    retry(bench.send(&bench.message()).await);
}

async fn tries_again_when_nobody_listens(vendor: &'static dyn Vendor) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let provider = Configured::new(vendor, port, secret, 6).build();
    let text = retry(provider.send(&message_for(vendor)).await);
    assert!(text.starts_with("no connection to the provider: "), "{text}");
}

async fn reads_its_receipts(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    let all = [(Report::Delivered, Receipt::Delivered), (Report::Undelivered, Receipt::Undelivered)];
    for (report, receipt) in all.into_iter().skip(usize::from(!vendor.tells_of_arrival())) {
        let receipts = bench.receive(report, false).unwrap();
        let by_link = bench.vendor.reports(LINK, report).by_link;
        let reference = || About::Reference(vendor.reference().unwrap().to_owned());
        let about = if by_link { About::Message(message().id) } else { reference() };
        assert_eq!(receipts.notes, [ReceiptNote { about, receipt }]);
        assert_eq!(receipts.answer.status, 200);
    }
}

async fn passes_over_interim_receipts(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    assert_eq!(bench.receive(Report::Interim, false).unwrap().notes, []);
}

async fn refuses_forged_receipts(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    for report in [Report::Delivered, Report::Undelivered, Report::Interim] {
        assert_eq!(bench.receive(report, true), Err(BadReceipt::Forged));
    }
}

async fn passes_over_what_is_not_ours(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    for report in [Report::Delivered, Report::Undelivered, Report::Interim] {
        assert_eq!(bench.receive_of_others(report).unwrap().notes, []);
    }
}

async fn expects_no_call(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    for report in [Report::Delivered, Report::Undelivered, Report::Interim] {
        assert_eq!(bench.receive(report, false), Err(BadReceipt::NotExpected));
    }
}

async fn prints_no_secret(vendor: &'static dyn Vendor) {
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    keeps_quiet(&format!("{:?} {:?}", bench.configured.with_secrets_inside(), message()));
    let lines = Mutex::new(Vec::new());
    let watch = |title: &str, text: &str| lines.lock().unwrap().push(format!("{title}: {text}"));
    bench.provider.send_watched(&bench.message(), &watch).await.unwrap();
    let shown = lines.into_inner().unwrap().join("\n");
    assert!(!shown.contains("s3cret") && !shown.contains("czNjcmV0"), "{shown}");
    for title in ["request: ", "connection: ", "status: ", "rule: answer.accept, condition 1", "reference: "] {
        assert!(shown.contains(title), "{title} in {shown}");
    }
    assert!(shown.contains("********"), "{shown}");
}

/// Calls only: before the key nothing of the code is heard, after it nothing but that, and where no key comes nothing at all.
async fn says_the_code_after_the_key_only(vendor: &'static dyn Vendor) {
    if vendor.carries() != Carries::Call {
        return;
    }
    let bench = Bench::new(vendor, Trouble::Nothing).await;
    let asked = Heard { words: Some(("Press 1.".into(), "en-US".into())), waits_at: Some(CALL.into()) };
    assert_eq!(bench.hear(None, false).unwrap(), asked);
    assert_eq!(bench.hear(Some("7"), false).unwrap(), asked, "another key is no answer");
    let said = Heard { words: Some(("It is 4, 8, 2, 9, 1, 3.".into(), "en-US".into())), waits_at: None };
    assert_eq!(bench.hear(Some("1"), false).unwrap(), said);
    assert_eq!(bench.hear(Some(""), false).unwrap(), Heard { words: None, waits_at: None });
    for pressed in [None, Some("1")] {
        assert_eq!(bench.hear(pressed, true), Err(BadReceipt::Forged));
    }
    let result = bench.send(&Outgoing { call_url: None, ..bench.message() }).await;
    assert!(matches!(result, Err(SendError::Refused(_))), "a call in which nobody could say anything");
    assert!(bench.simulator.seen().is_empty());
}

macro_rules! keeps {
    ($vendor:ident: $($case:ident)*) => {
        mod $vendor {
            use super::vendors;
            $(
                #[tokio::test]
                async fn $case() {
                    super::$case(&vendors::$vendor::SIMULATED).await;
                }
            )*
        }
    };
}

/// What every vendor keeps, whatever it carries.
macro_rules! vendor {
    ($vendor:ident: $($more:ident)*) => {
        keeps! { $vendor:
            takes_a_message
            takes_any_text
            does_without_a_sender_and_a_link
            refuses_a_bad_number
            tries_again_with_wrong_credentials
            tries_again_when_throttled
            tries_again_when_it_is_about_us
            tries_again_after_a_server_error
            does_not_know_when_no_answer_comes
            takes_garbage_for_no_acceptance
            tries_again_when_nobody_listens
            prints_no_secret
            $($more)*
        }
    };
}

/// One that calls back.
macro_rules! aggregator {
    ($vendor:ident) => {
        vendor! { $vendor: reads_its_receipts passes_over_interim_receipts refuses_forged_receipts }
    };
}

/// One that asks what to say while the call lasts.
macro_rules! caller {
    ($vendor:ident) => {
        vendor! { $vendor:
            reads_its_receipts
            passes_over_interim_receipts
            refuses_forged_receipts
            says_the_code_after_the_key_only
        }
    };
}

/// One that never does.
macro_rules! silent {
    ($vendor:ident) => {
        vendor! { $vendor: expects_no_call }
    };
}

/// One that carries mail, and tells of all that an account sends.
macro_rules! mailer {
    ($vendor:ident) => {
        vendor! { $vendor:
            takes_a_whole_mail
            writes_its_sender
            reads_its_receipts
            passes_over_interim_receipts
            passes_over_what_is_not_ours
            refuses_forged_receipts
        }
    };
}

macro_rules! every_vendor_keeps_the_contract {
    ($($kind:ident: $($vendor:ident)*;)*) => {
        $($($kind! { $vendor })*)*

        /// A file without its simulator would be an untested promise.
        #[test]
        fn every_file_of_the_folder_keeps_the_contract() {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("aggregators");
            let entries = std::fs::read_dir(folder).unwrap();
            let mut files: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            files.sort();
            let mut tested = [$($(concat!(stringify!($vendor), ".toml")),*),*].map(|name| name.replace('_', "-"));
            tested.sort_unstable();
            assert_eq!(files, tested);
        }
    };
}

every_vendor_keeps_the_contract! {
    aggregator: bulksms infobip kannel messagebird plivo sinch telegram telnyx twilio vonage whatsapp;
    caller: twilio_voice vonage_voice;
    silent: sns;
    mailer: mailgun postmark sendgrid ses;
}
