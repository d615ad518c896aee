//! What a verification *is*: the types and the rules of the product, and nothing else.
//!
//! No IO, no async, no clock, no randomness of its own: the time comes in as a [`Timestamp`], random bytes through
//! [`Random`]. So every rule here is a plain function that a test can call with any moment and any seed.
//! How state is kept is `countersign-store`'s business, how a message leaves is `countersign-delivery`'s.
//!
//! Glossary, in the order in which a request meets the words:
//!
//! | word | meaning |
//! |---|---|
//! | [`Tenant`] | a customer of this installation; everything below belongs to exactly one |
//! | [`Service`] | a named [`Policy`] of a tenant: how long a code lives, how often it may be tried and sent |
//! | [`Configuration`] | the same as callers of a vendor's API make it for themselves |
//! | [`Address`] | where a person is reached: a phone number or an e-mail address |
//! | [`Verification`] | one attempt to prove that a person holds an address; the state machine |
//! | [`Code`] | what the person types; derived from a key, never stored |
//! | [`LastLine`] | what a text message ends with so that the phone finds the code in it |
//! | generation | the number of a code within its verification: 0 first, one more with each new code |
//! | [`Grid`] | screens of pictures behind a link, in place of a code: which are right is what the person proves |
//! | [`Message`] | one code, or one text of a caller's own, on its way to one address; also the outbox row |
//! | [`Trial`] | one message as reports count it: successful once its code was accepted |
//! | [`Callback`] | a call to a caller's server, to tell what became of a message |
//! | [`Destination`] | what is remembered of one address within one service, for the limits |
//! | [`Account`] | what a tenant may spend on messages, where they have a price |
//! | [`User`] | a person who proves more than an address |
//! | [`Factor`] | with what it does so |
//! | [`Device`] | what asks it by push, where a factor has one |
//! | [`Activity`] | something that was done to it or by it, for the log |
//! | [`Client`] | an application that asks for tokens |
//! | [`SigningKey`] | what tokens are signed with |
//! | [`MfaChoice`] | which second factors a tenant has |
//! | [`MfaLimits`] | how often they can be tried |
//! | [`MfaSession`] | a visit to the hosted page that asks for one |
//! | [`Event`] | something that happened, in the past tense, for people and for webhooks |
//! | [`WebhookEndpoint`] | a server of a tenant's that is told of events |
//! | [`WebhookDelivery`] | one event on its way to one of them, or given up: a dead letter |

pub mod account;
pub mod activity;
pub mod address;
pub mod bucket;
pub mod callback;
pub mod challenge;
pub mod client;
pub mod code;
pub mod configuration;
pub mod device;
pub mod event;
pub mod factor;
pub mod id;
pub mod last_line;
pub mod limit;
pub mod message;
pub mod mfa_choice;
pub mod mfa_limits;
pub mod mfa_session;
pub mod payment;
pub mod policy;
pub mod routing;
pub mod secret;
pub mod signing_key;
pub mod tenant;
pub mod text;
pub mod time;
pub mod totp;
pub mod trial;
pub mod user;
pub mod verification;
pub mod webhook;

pub use account::Account;
pub use activity::{Activity, ActivityKind, Actor, Means};
pub use address::{Address, Channel, EmailAddress, PhoneNumber};
pub use bucket::{Bucket, BucketKind, BucketLevel, BucketRule};
pub use callback::Callback;
pub use challenge::{Grid, Right, Screen, Tapped, Tile};
pub use client::{Api, Client, ClientProof, Grant, RefreshToken};
pub use code::{Alphabet, Code, CodeShape, Typed};
pub use configuration::{Configuration, ConfigurationChange, ConfigurationRules};
pub use device::{Device, DeviceApp, Push};
pub use event::{Event, EventKind};
pub use factor::{Factor, FactorKind, FactorPurpose, FactorState, ForFactor};
pub use id::{
    ActivityId, CallbackId, EventId, FactorId, KeyId, MessageId, Random, ServiceId, TenantId, UserId, VerificationId,
    WebhookDeliveryId, WebhookEndpointId,
};
pub use last_line::{AppHash, BoundCode, LastLine, WebOtp};
pub use limit::{Destination, Limited};
pub use message::{Message, SendError};
pub use mfa_choice::{ChosenKind, MfaChoice, MfaTexts};
pub use mfa_limits::MfaLimits;
pub use mfa_session::MfaSession;
pub use payment::Payment;
pub use policy::{OnFailure, Policy, Profile, ResendRule};
pub use routing::Routes;
pub use secret::{BlindIndex, Sealed};
pub use signing_key::{SigningKey, SigningKeyState};
pub use tenant::{ApiKey, Scope, Service, Template, Tenant};
pub use time::Timestamp;
pub use totp::Totp;
pub use trial::Trial;
pub use user::{MfaRule, User};
pub use verification::{Checked, Proof, State, Verification};
pub use webhook::{EventType, WebhookDelivery, WebhookEndpoint};
