//! Where a person is reached. An address is parsed once, at the edge, and is normalised from then on: E.164 for phone
//! numbers (ITU-T E.164), a lower-case domain for e-mail. Printing one for debugging shows a mask.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    hash::{Hash, Hasher},
};

/// The way a message takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A text message to a phone number.
    Sms,
    /// A call to a phone number, in which the code is read out.
    Voice,
    /// A mail to an e-mail address.
    Email,
    /// A message to whoever has this phone number at WhatsApp.
    Whatsapp,
    /// A message to whoever has this phone number at Telegram.
    Telegram,
}

impl Channel {
    /// All of them, in the order in which lists show them.
    pub const ALL: [Self; 5] = [Self::Sms, Self::Voice, Self::Email, Self::Whatsapp, Self::Telegram];
    /// Those with words of their own; see [`Self::words`].
    pub const WITH_WORDS: [Self; 3] = [Self::Sms, Self::Voice, Self::Email];
    /// Those by which a second factor can be asked for: what its pages offer, and the APIs that know no others.
    pub const OF_SECOND_FACTORS: [Self; 3] = [Self::Sms, Self::Voice, Self::Email];

    /// The name on the wire and in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Email => "email",
            Self::Whatsapp => "whatsapp",
            Self::Telegram => "telegram",
        }
    }

    /// Whose words a message of this channel has, where it has words of ours: whatever goes to a phone to be read says what a
    /// text message says.
    #[must_use]
    pub const fn words(self) -> Self {
        match self {
            Self::Sms | Self::Whatsapp | Self::Telegram => Self::Sms,
            Self::Voice => Self::Voice,
            Self::Email => Self::Email,
        }
    }

    /// Whether the words around the code are the vendor's (Meta's authentication templates, Telegram's gateway), so that nothing but
    /// a code can be said: no link, and nothing of a payment, which the person must be shown (PSD2, RTS article 5).
    #[must_use]
    pub const fn says_only_a_code(self) -> bool {
        match self {
            Self::Whatsapp | Self::Telegram => true,
            Self::Sms | Self::Voice | Self::Email => false,
        }
    }

    /// Whether it goes to a phone number.
    #[must_use]
    pub const fn is_to_phone(self) -> bool {
        match self {
            Self::Sms | Self::Voice | Self::Whatsapp | Self::Telegram => true,
            Self::Email => false,
        }
    }

    /// A channel of second factors by its name.
    #[must_use]
    pub fn of_second_factor(name: &str) -> Option<Self> {
        Self::OF_SECOND_FACTORS.into_iter().find(|channel| channel.name() == name)
    }

    /// The opposite of [`Self::name`].
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

/// Why a text is not an address. The text itself is left out on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// No international number.
    #[error("must be a phone number in international form, such as +34666666111")]
    NotInternational,
    /// The numbering plan of its country has no number of this length.
    #[error("is not a possible phone number: the numbering plan of its country has no number of this form")]
    Impossible,
    /// Calling it costs the caller or reaches no person (premium rate, shared cost, pager, voicemail, toll-free).
    #[error("is a premium-rate, shared-cost, toll-free, pager or voicemail number, which gets no codes")]
    NotAPersons,
    /// No e-mail address.
    #[error("must be an e-mail address, such as ana@example.com")]
    NotEmail,
}

/// What the numbering plan tells of a number. In some countries (the United States among them) it cannot tell mobile
/// from fixed: that is [`LineType::FixedOrMobile`] and never a reason to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineType {
    /// A mobile phone.
    Mobile,
    /// A line that takes no text messages, as a rule.
    Fixed,
    /// One of the two.
    FixedOrMobile,
    /// Voice over IP.
    Voip,
    /// Premium rate, shared cost, pager, voicemail, toll-free: never sent to.
    Special,
    /// Possible by its length, in no known range.
    Unknown,
}

/// A phone number in E.164 form, and what the numbering plan tells of it.
#[derive(Clone)]
pub struct PhoneNumber {
    e164: String,
    /// None for one that was read back: nobody asks for them then.
    traits: Option<PhoneTraits>,
}

impl PartialEq for PhoneNumber {
    fn eq(&self, other: &Self) -> bool {
        self.e164 == other.e164
    }
}

impl Eq for PhoneNumber {}

impl Hash for PhoneNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.e164.hash(state);
    }
}

impl PhoneNumber {
    /// Parses an international number: a plus sign (or `00`), the country code, the number. Blanks, dots, dashes, slashes and
    /// brackets between the digits are taken.
    ///
    /// # Errors
    /// When it has no country code or no country has such a number.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let mut digits = String::with_capacity(text.len());
        let trimmed = text.trim();
        let rest =
            trimmed.strip_prefix('+').or_else(|| trimmed.strip_prefix("00")).ok_or(BadAddress::NotInternational)?;
        for character in rest.chars() {
            match character {
                '0'..='9' => digits.push(character),
                ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' => {}
                _ => return Err(BadAddress::NotInternational),
            }
        }
        Self::from_digits(&digits)
    }

    /// Parses the digits of an international number without a plus sign, as several vendors write them: `34666666111`.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn from_digits(digits: &str) -> Result<Self, BadAddress> {
        if !(7..=15).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadAddress::NotInternational);
        }
        let number = PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).map_err(|_| BadAddress::Impossible)?;
        if number.is_possible_with_reason().is_err() {
            return Err(BadAddress::Impossible);
        }
        let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
        Ok(Self { e164, traits: Some(PhoneTraits::of(&number)) })
    }

    /// Parses a number that is written in E.164 already: `+`, a digit other than 0, and 2 to 15 digits in all. Whether the numbering
    /// plan of its country has such a number is not asked, since several vendors do not; what costs the caller is refused as ever.
    ///
    /// # Errors
    /// When it has another form, or gets no codes.
    pub fn parse_e164(text: &str) -> Result<Self, BadAddress> {
        let digits = text.strip_prefix('+').ok_or(BadAddress::NotInternational)?;
        let is_e164 = (2..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if !is_e164 {
            return Err(BadAddress::NotInternational);
        }
        let number = Self { e164: text.to_owned(), traits: None };
        let traits = number.traits();
        match traits.line {
            LineType::Special => Err(BadAddress::NotAPersons),
            LineType::Mobile | LineType::Fixed | LineType::FixedOrMobile | LineType::Voip | LineType::Unknown => {
                Ok(Self { traits: Some(traits), ..number })
            }
        }
    }

    /// `+` and digits.
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.e164
    }

    /// What the numbering plan tells of it: its country (ISO 3166-1 alpha-2, if it has one) and line type.
    #[must_use]
    pub fn traits(&self) -> PhoneTraits {
        self.traits.clone().unwrap_or_else(|| match PHONE_NUMBER_UTIL.parse(&self.e164, None) {
            Ok(number) => PhoneTraits::of(&number),
            Err(_) => PhoneTraits { country: None, line: LineType::Unknown, operator: None },
        })
    }
}

/// What is known of a phone number without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneTraits {
    /// ISO 3166-1 alpha-2, or none for numbers of no country (satellite phones, say).
    pub country: Option<String>,
    /// What answers.
    pub line: LineType,
    /// Whose it is at present, as far as a look-up has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
}

impl PhoneTraits {
    fn of(number: &rlibphonenumber::PhoneNumber) -> Self {
        let line = match number.get_type() {
            PhoneNumberType::Mobile => LineType::Mobile,
            PhoneNumberType::FixedLine | PhoneNumberType::UAN => LineType::Fixed,
            PhoneNumberType::FixedLineOrMobile | PhoneNumberType::PersonalNumber => LineType::FixedOrMobile,
            PhoneNumberType::VoIP => LineType::Voip,
            PhoneNumberType::TollFree
            | PhoneNumberType::PremiumRate
            | PhoneNumberType::SharedCost
            | PhoneNumberType::Pager
            | PhoneNumberType::VoiceMail => LineType::Special,
            PhoneNumberType::Unknown => LineType::Unknown,
        };
        Self { country: number.get_region_code().map(|region| region.to_string()), line, operator: None }
    }
}

/// An e-mail address, its domain in lower case. The local part is kept as it was written, since some servers care.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Parses a bare address (RFC 5321 mailbox, without display name, with a domain of at least two labels).
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let options =
            email_address::Options::default().without_display_text().without_domain_literal().with_required_tld();
        let address =
            email_address::EmailAddress::parse_with_options(text.trim(), options).map_err(|_| BadAddress::NotEmail)?;
        Ok(Self(format!("{}@{}", address.local_part(), address.domain().to_lowercase())))
    }

    /// As it is written on an envelope.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a person is reached.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// By text message or call.
    Phone(PhoneNumber),
    /// By mail.
    Email(EmailAddress),
}

impl Address {
    /// Parses the address that a channel needs.
    ///
    /// # Errors
    /// When the text is no address of that kind, or a number that gets no codes.
    pub fn parse(channel: Channel, text: &str) -> Result<Self, BadAddress> {
        match channel {
            Channel::Sms | Channel::Voice | Channel::Whatsapp | Channel::Telegram => {
                Self::of_a_person(PhoneNumber::parse(text)?)
            }
            Channel::Email => EmailAddress::parse(text).map(Self::Email),
        }
    }

    /// An MSISDN as several vendors take it: 7 to 15 digits with the country code first, of which no numbering plan is asked. A number
    /// that its country has is normalised all the same, so that two spellings of it share their limits.
    ///
    /// # Errors
    /// When the text has another form, or the number gets no codes.
    pub fn of_msisdn(digits: &str) -> Result<Self, BadAddress> {
        match PhoneNumber::from_digits(digits) {
            Ok(number) => Self::of_a_person(number),
            Err(BadAddress::Impossible) => PhoneNumber::parse_e164(&format!("+{digits}")).map(Self::Phone),
            Err(bad) => Err(bad),
        }
    }

    fn of_a_person(number: PhoneNumber) -> Result<Self, BadAddress> {
        match number.traits().line {
            LineType::Special => Err(BadAddress::NotAPersons),
            LineType::Mobile | LineType::Fixed | LineType::FixedOrMobile | LineType::Voip | LineType::Unknown => {
                Ok(Self::Phone(number))
            }
        }
    }

    /// The opposite of [`Self::as_str`].
    ///
    /// # Errors
    /// When the text never was a normalised address.
    pub fn from_normalised(text: &str) -> Result<Self, BadAddress> {
        if text.starts_with('+') {
            Ok(Self::Phone(PhoneNumber { e164: text.to_owned(), traits: None }))
        } else if text.contains('@') {
            Ok(Self::Email(EmailAddress(text.to_owned())))
        } else {
            Err(BadAddress::NotInternational)
        }
    }

    /// The normalised text: E.164, or the e-mail address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Phone(number) => number.e164(),
            Self::Email(email) => email.as_str(),
        }
    }

    /// Enough for its owner to know it again, and too little for anybody else: `+34*******11`, `a***@example.com`. Of a number with
    /// fewer than seven digits nothing is shown.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(number) => {
                let digits = number.e164().trim_start_matches('+');
                let hidden = digits.len().saturating_sub(4);
                match (digits.get(..2), digits.get(digits.len().saturating_sub(2)..)) {
                    (Some(first), Some(last)) if hidden > 2 => format!("+{first}{}{last}", "*".repeat(hidden)),
                    _ => "+***".to_owned(),
                }
            }
            Self::Email(email) => {
                let (local, domain) = email.as_str().rsplit_once('@').unwrap_or_default();
                let first: String = local.chars().take(usize::from(local.chars().nth(1).is_some())).collect();
                format!("{first}***@{domain}")
            }
        }
    }

    /// The text whose keyed hash stands for this address in limits and look-ups: two spellings of one mailbox must
    /// share their limits, so the local part counts in lower case there.
    #[must_use]
    pub fn index_text(&self) -> String {
        self.as_str().to_lowercase()
    }

    /// Whether a message of this channel can go there.
    #[must_use]
    pub const fn suits(&self, channel: Channel) -> bool {
        match self {
            Self::Phone(_) => channel.is_to_phone(),
            Self::Email(_) => !channel.is_to_phone(),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Phone(_) => "Phone(…)",
            Self::Email(_) => "Email(…)",
        })
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(…)")
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_its_owner_enough_and_others_too_little() {
        let masked = |text: &str| Address::from_normalised(text).unwrap().masked();
        assert_eq!(masked("+34666666111"), "+34*******11");
        assert_eq!(masked("+1234567"), "+12***67");
        assert_eq!(masked("+123456"), "+***");
        assert_eq!(masked("+12"), "+***");
        assert_eq!(masked("ana.perez@example.com"), "a***@example.com");
        assert_eq!(masked("a@example.com"), "***@example.com");
    }

    #[test]
    fn spellings_of_one_number_become_one() {
        for text in ["+34666666111", "0034666666111", "+34 666 666 111", " +34 (666) 666-111 "] {
            assert_eq!(PhoneNumber::parse(text).map(|number| number.e164), Ok("+34666666111".to_owned()), "{text}");
        }
        assert_eq!(PhoneNumber::from_digits("34666666111").map(|number| number.e164), Ok("+34666666111".to_owned()));
    }

    #[test]
    fn what_is_no_international_number_is_refused() {
        for text in [
            "",
            "+",
            "hello",
            "666666111",
            "+34",
            "+3466666",
            "+34666666111222333",
            "+34666666111x5",
            "+٣٤٦٦٦٦٦٦١١١",
            "+999123456789",
        ] {
            assert!(PhoneNumber::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn e164_has_a_plus_and_2_to_15_digits() {
        for good in ["+237671234567", "+12", "+123456789012345", "+999123456789"] {
            assert_eq!(PhoneNumber::parse_e164(good).map(|number| number.e164), Ok(good.to_owned()));
        }
        for bad in ["", "+", "+1", "+1234567890123456", "0671234567", "+0671234567", "+12 34", " +1234", "+12x", "+٣٤٦"]
        {
            assert_eq!(PhoneNumber::parse_e164(bad), Err(BadAddress::NotInternational), "{bad}");
        }
        assert_eq!(PhoneNumber::parse_e164("+34803123456"), Err(BadAddress::NotAPersons));
    }

    #[test]
    fn an_msisdn_has_7_to_15_digits_and_need_not_be_in_any_plan() {
        let of = |text: &str| Address::of_msisdn(text).map(|number| number.as_str().to_owned());
        for good in ["34666666111", "3466666", "346666661111111", "1234567", "123456789012345", "999123456789"] {
            assert_eq!(of(good), Ok(format!("+{good}")));
        }
        assert_eq!(of("4407700900123"), Ok("+447700900123".to_owned()), "a zero that nobody dials from abroad");
        for bad in
            ["", "123456", "1234567890123456", "+34666666111", "0034666666111", "0666666111", "34 666 66", "٣٤٦٦٦٦٦"]
        {
            assert_eq!(of(bad), Err(BadAddress::NotInternational), "{bad}");
        }
        assert_eq!(of("34803123456"), Err(BadAddress::NotAPersons));
    }

    #[test]
    fn the_numbering_plan_tells_country_and_line() {
        let traits = PhoneNumber::parse("+34666666111").unwrap().traits();
        assert_eq!((traits.country.as_deref(), traits.line), (Some("ES"), LineType::Mobile));
        assert_eq!(PhoneNumber::parse("+12025550173").unwrap().traits().line, LineType::FixedOrMobile);
        assert_eq!(Address::parse(Channel::Sms, "+34803123456"), Err(BadAddress::NotAPersons));
    }

    #[test]
    fn an_email_address_keeps_its_local_part_and_lowers_its_domain() {
        let address = Address::parse(Channel::Email, " Ana@EXAMPLE.com ").unwrap();
        assert_eq!(address.as_str(), "Ana@example.com");
        assert_eq!(address.index_text(), "ana@example.com");
    }

    #[test]
    fn what_is_no_mailbox_is_refused() {
        for text in [
            "",
            "ana",
            "ana@",
            "@example.com",
            "ana@localhost",
            "a b@example.com",
            "ana@example.com\r\nBcc: x@y.zz",
            "Ana <ana@example.com>",
            "ana@[127.0.0.1]",
        ] {
            assert_eq!(EmailAddress::parse(text), Err(BadAddress::NotEmail), "{text}");
        }
    }

    #[test]
    fn printing_an_address_for_debugging_shows_nothing_of_it() {
        let address = Address::parse(Channel::Sms, "+34666666111").unwrap();
        assert!(!format!("{address:?}").contains("666"));
    }
}
