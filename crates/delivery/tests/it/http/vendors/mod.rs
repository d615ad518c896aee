//! The vendors: what each of them documents of its wire, one file each.

pub mod bulksms;
pub mod infobip;
pub mod kannel;
pub mod mailgun;
pub mod messagebird;
pub mod plivo;
pub mod postmark;
pub mod sendgrid;
pub mod ses;
pub mod sinch;
pub mod sns;
pub mod telegram;
pub mod telnyx;
pub mod twilio;
pub mod twilio_voice;
pub mod vonage;
pub mod vonage_voice;
pub mod whatsapp;
