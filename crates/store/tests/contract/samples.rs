//! Values to keep: each field is filled, and differs from its default wherever that is possible.

use countersign_model::{
    Account, Api, ApiKey, BlindIndex, Callback, CallbackId, Channel, Client, ClientProof, Configuration,
    ConfigurationRules, Destination, Event, EventId, EventKind, EventType, Factor, FactorId, FactorKind, FactorPurpose,
    FactorState, ForFactor, Grant, Grid, KeyId, LastLine, Message, MessageId, MfaRule, Policy, Profile, RefreshToken,
    Right, Scope, Sealed, Service, ServiceId, SigningKey, SigningKeyState, State, Template, Tenant, TenantId,
    Timestamp, Totp, Trial, User, UserId, Verification, VerificationId, WebOtp, WebhookDelivery, WebhookDeliveryId,
    WebhookEndpoint, WebhookEndpointId,
    address::{LineType, PhoneTraits},
    message::{Chain, Content, Fate, MessageState, Purpose},
    policy::Limits,
    verification::{CodeSource, LiveCode},
    webhook::DeliveryState,
};
use countersign_store::{Answer, Change, Claim};
use std::collections::BTreeMap;

/// A moment.
pub const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(seconds * 1000)
}

fn bytes(number: u32) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}

pub fn tenant_id(number: u32) -> TenantId {
    TenantId::from_bytes(bytes(number))
}

pub fn service_id(number: u32) -> ServiceId {
    ServiceId::from_bytes(bytes(number))
}

pub fn verification_id(number: u32) -> VerificationId {
    VerificationId::from_bytes(bytes(number))
}

pub fn message_id(number: u32) -> MessageId {
    MessageId::from_bytes(bytes(number))
}

pub fn key_id(number: u32) -> KeyId {
    KeyId::from_bytes(bytes(number))
}

/// The one that most samples belong to.
pub const fn ours() -> TenantId {
    TenantId::from_bytes([7; 16])
}

pub const fn service_of_ours() -> ServiceId {
    ServiceId::from_bytes([8; 16])
}

pub const fn address(number: u8) -> BlindIndex {
    BlindIndex([number; 32])
}

pub fn sealed(byte: u8) -> Sealed {
    Sealed { key_version: 3, bytes: vec![byte; 40] }
}

pub fn tenant(number: u32) -> Tenant {
    Tenant { id: tenant_id(number), name: format!("tenant-{number}"), created_at: at(1) }
}

pub fn api_key(number: u32) -> ApiKey {
    ApiKey {
        id: key_id(number),
        tenant: ours(),
        name: "Größe \"10\"".to_owned(),
        scopes: vec![Scope::Admin, Scope::VerificationsRead],
        allowed_from: vec!["203.0.113.0/24".parse().unwrap(), "2001:db8::1/128".parse().unwrap()],
        test: true,
        created_at: at(2),
        last_used_at: None,
        revoked_at: None,
    }
}

fn last_line() -> LastLine {
    LastLine::WebOtp(WebOtp::new("example.com", Some("pay.example")).unwrap())
}

pub fn service(number: u32) -> Service {
    Service {
        id: service_id(number),
        tenant: ours(),
        version: 0,
        name: format!("service-{number}"),
        brand: Some("Bücher & Söhne\u{1f4d6}".to_owned()),
        sender: Some("BOOKS".to_owned()),
        default_locale: "de-CH".to_owned(),
        language_of_country: true,
        last_line: Some(last_line()),
        policy: Policy::of(Profile::Compat),
        created_at: at(3),
    }
}

/// Messages cost 60 ten-thousandths.
pub fn account(name: &str, balance_e4: i64) -> Account {
    let currency = "USD".to_owned();
    Account { balance_e4, price_e4: 60, currency, ..Account::empty(ours(), name) }
}

pub fn template(channel: Channel, locale: &str) -> Template {
    Template {
        tenant: ours(),
        message: Purpose::Payment,
        channel,
        locale: locale.to_owned(),
        subject: Some("Betreff".to_owned()),
        text: "line one\nline {{ code }}".to_owned(),
        html: Some("<b>&amp;</b>".to_owned()),
        updated_at: at(4),
    }
}

/// A pending one that ends at second 300.
pub fn verification(number: u32) -> Verification {
    Verification {
        id: verification_id(number),
        tenant: ours(),
        version: 0,
        service: service_of_ours(),
        service_name: "default".to_owned(),
        channel: Channel::Voice,
        to: sealed(1),
        to_index: address(1),
        phone: Some(PhoneTraits {
            country: Some("ES".to_owned()),
            line: LineType::FixedOrMobile,
            operator: Some("21407".to_owned()),
        }),
        policy: Policy::of(Profile::Standard),
        code: CodeSource::Own(sealed(2)),
        codes: vec![
            LiveCode { generation: 4, expires_at: Some(at(200)) },
            LiveCode { generation: 5, expires_at: Some(at(300)) },
        ],
        grid: None,
        brand: Some("Brand".to_owned()),
        sender: Some("+34600000000".to_owned()),
        locale: "es".to_owned(),
        last_line: Some(last_line()),
        metadata: BTreeMap::from([("a \u{0}\"\\".to_owned(), "\n\u{1f600}".to_owned())]),
        payment: Some(sealed(3)),
        text: Some(sealed(5)),
        report: Some(sealed(6)),
        for_factor: Some(ForFactor {
            user: UserId::from_bytes([1; 16]),
            factor: FactorId::from_bytes([2; 16]),
            purpose: FactorPurpose::Enrol,
        }),
        via: Some("relay".to_owned()),
        trial: Some(message_id(number)),
        state: State::Pending,
        wrong_checks: 2,
        sends: 3,
        created_at: at(5),
        touched_at: Some(at(6)),
        decided_at: None,
    }
}

/// The grid behind a link.
pub fn grid(link: u8) -> Grid {
    Grid {
        link: BlindIndex([link; 32]),
        token: sealed(7),
        key_version: 2,
        screens: 3,
        tiles: 8,
        pool: 100,
        logo: Some("https://bank.example/logo.png".to_owned()),
        right: Right::Remembered(Some(sealed(8))),
        attempt: 2,
        taps: vec![7, 0],
    }
}

/// One that ended.
pub fn ended(number: u32, decided_at: Timestamp) -> Verification {
    Verification { state: State::Approved, decided_at: Some(decided_at), ..verification(number) }
}

/// A queued one of the verification of that number.
pub fn message(number: u32, of: u32, due_at: Timestamp) -> Message {
    Message {
        id: message_id(number),
        tenant: ours(),
        version: 0,
        content: Content::Code { verification: verification_id(of), generation: 5, purpose: Purpose::Payment },
        channel: Channel::Email,
        via: Some("relay".to_owned()),
        state: MessageState::Queued,
        due_at: Some(due_at),
        give_up_at: at(300),
        rounds: 1,
        tried: vec!["a".to_owned()],
        refused_by: vec!["b".to_owned(), "c".to_owned()],
        attempts: 4,
        provider: Some("d".to_owned()),
        reference: Some("ref-\u{e9}".to_owned()),
        reason: Some("said \"no\"".to_owned()),
        why: Some("rule spain".to_owned()),
        accepted_at: Some(at(6)),
        settled_at: Some(at(7)),
        chain: Chain {
            first: Some((message_id(8), Channel::Sms)),
            spent: vec!["e".to_owned()],
            next_due_at: Some(at(9)),
            awaits_receipt: true,
            missed_receipt: true,
            next: Some(message_id(9)),
        },
        report: Some(sealed(7)),
        created_at: at(6),
        updated_at: at(7),
    }
}

/// A claim of messages as [`message`] makes them.
pub const fn claim_of(now: Timestamp, wall: Timestamp, lease_until: Timestamp, limit: u32) -> Claim {
    Claim { channel: Channel::Email, now, wall, lease_until, limit }
}

/// A text of a caller's own, done with at second 7.
pub fn text(number: u32) -> Message {
    let content = Content::Text { to: sealed(8), from: Some("GOOD PIZZA".to_owned()), text: sealed(9) };
    Message { content, state: MessageState::Delivered, due_at: None, ..message(number, 0, at(0)) }
}

/// One that is due, and that nobody has.
pub fn callback(number: u32, due_at: Timestamp) -> Callback {
    Callback {
        id: CallbackId::from_bytes(bytes(number)),
        tenant: ours(),
        version: 0,
        dialect: "gateway360".to_owned(),
        target: address(9),
        url: sealed(10),
        message: message_id(number),
        to: sealed(11),
        from: None,
        custom: "mine".to_owned(),
        fate: Fate::Undelivered,
        sent_at: at(6),
        settled_at: at(7),
        attempts: 2,
        due_at,
        leased_until: at(0),
    }
}

pub fn webhook_endpoint(number: u32) -> WebhookEndpoint {
    WebhookEndpoint {
        id: WebhookEndpointId::from_bytes(bytes(number)),
        tenant: ours(),
        version: 0,
        url: sealed(12),
        description: Some("audit".to_owned()),
        events: vec![EventType::VerificationApproved],
        whole_address: true,
        generation: 1,
        old_signs_until: Some(at(9)),
        disabled: None,
        created_at: at(8),
    }
}

pub fn webhook_delivery_id(number: u32) -> WebhookDeliveryId {
    WebhookDeliveryId::from_bytes(bytes(number))
}

/// To the endpoint 1: one that nobody has.
pub fn webhook_delivery(number: u32, of: u32, due_at: Timestamp) -> WebhookDelivery {
    WebhookDelivery {
        id: webhook_delivery_id(number),
        tenant: ours(),
        version: 0,
        endpoint: webhook_endpoint(1).id,
        event: EventId::from_bytes(bytes(number)),
        kind: EventType::VerificationApproved,
        verification: Some(verification_id(of)),
        payload: sealed(13),
        created_at: at(8),
        tried_since: at(8),
        attempts: 0,
        reason: None,
        state: DeliveryState::Pending,
        due_at,
        leased_until: at(0),
    }
}

pub fn event(number: u32, of: u32, kind: EventKind) -> Event {
    let id = EventId::from_bytes(bytes(number));
    Event { id, tenant: ours(), verification: verification_id(of), at: at(8), kind }
}

pub fn answer(number: u8, created_at: Timestamp) -> Answer {
    Answer { tenant: ours(), key: [number; 32], request: [0xff; 32], outcome: sealed(4), created_at }
}

/// A destination that has sent once, at that moment.
pub fn destination(sent_at: Timestamp) -> Destination {
    let mut destination = Destination::default();
    destination.count_send(&limits(), sent_at).unwrap();
    destination
}

pub fn limits() -> Limits {
    Policy::of(Profile::Standard).limits
}

pub fn put_destination(number: u8, destination: &Destination) -> Change {
    Change::PutDestination {
        tenant: ours(),
        service: service_of_ours(),
        index: address(number),
        destination: destination.clone(),
    }
}

pub fn client(id: &str) -> Client {
    Client {
        id: id.to_owned(),
        tenant: ours(),
        version: 0,
        name: "shop".to_owned(),
        proof: ClientProof::Secret("ab".repeat(32)),
        grants: Grant::ALL.to_vec(),
        apis: vec![Api { audience: "https://api.example/".to_owned(), scopes: vec!["read".to_owned()] }],
        management: vec!["read:users".to_owned()],
        return_to: vec!["https://shop.example/back".to_owned()],
        origins: vec!["https://shop.example".to_owned()],
        created_at: at(1),
    }
}

pub fn signing_key(kid: &str, state: SigningKeyState) -> SigningKey {
    SigningKey {
        kid: kid.to_owned(),
        version: 0,
        state,
        private: sealed(5),
        n: "n".to_owned(),
        e: "AQAB".to_owned(),
        certificate: "c".to_owned(),
        created_at: at(1),
        retired_at: (state == SigningKeyState::Retired).then_some(at(2)),
    }
}

pub fn refresh_token(hash: u8, expires_at: Timestamp) -> RefreshToken {
    RefreshToken {
        tenant: ours(),
        hash: [hash; 32],
        client: "c".to_owned(),
        user: UserId::from_bytes([9; 16]),
        audience: Some("https://api.example/".to_owned()),
        scope: "openid offline_access".to_owned(),
        after_mfa: true,
        created_at: at(1),
        expires_at,
    }
}

pub fn user(number: u8) -> User {
    User {
        id: UserId::from_bytes([number; 16]),
        tenant: ours(),
        version: 0,
        name: Some(sealed(number)),
        name_index: Some(address(number)),
        password: Some("$argon2id$".to_owned()),
        mfa: MfaRule::Required,
        email: Some(sealed(1)),
        language: Some("pt-BR".to_owned()),
        created_at: at(1),
        updated_at: at(2),
        last_success_at: Some(at(3)),
        last_failure_at: Some(at(4)),
    }
}

pub fn factor(number: u8, user: u8) -> Factor {
    Factor {
        id: FactorId::from_bytes([number; 16]),
        tenant: ours(),
        version: 0,
        user: UserId::from_bytes([user; 16]),
        state: FactorState::Active,
        name: Some("mine".to_owned()),
        kind: FactorKind::Totp { secret: sealed(2), rule: Totp::USUAL, last_step: Some(7), device: None },
        created_at: at(1),
        updated_at: at(2),
        confirmed_at: Some(at(3)),
        last_used_at: Some(at(4)),
    }
}

pub fn configuration(number: u32, created_at: Timestamp) -> Configuration {
    Configuration {
        id: service_id(number),
        tenant: ours(),
        version: 0,
        rules: ConfigurationRules {
            name: format!("Größe {number}"),
            code_length: 10,
            own_codes: true,
            payments: true,
            life_minutes: 1440,
            max_sends: 100,
            max_checks: 6,
            relay: Some("STP1".to_owned()),
            email_template: Some("TME1".to_owned()),
            sms_template: Some("TMS1".to_owned()),
        },
        created_at,
        updated_at: at(9),
    }
}

/// An unsuccessful one that was made at this millisecond.
pub fn trial(number: u32, made_at_ms: i64) -> Trial {
    let id = u128::try_from(made_at_ms).unwrap() << 80 | u128::from(number);
    Trial {
        tenant: ours(),
        id: MessageId::from_bytes(id.to_be_bytes()),
        verification: verification_id(number),
        service: service_of_ours(),
        to: address(1),
        channel: Channel::Sms,
        country: Some("CM".to_owned()),
        successful: false,
        price_e4: 60,
        currency: "USD".to_owned(),
        updated_at: at(9),
    }
}
