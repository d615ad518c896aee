//! What a person approves when a code confirms a payment. The data is shown in the message, and the check must repeat it:
//! Delegated Regulation (EU) 2018/389, article 5 ("dynamic linking").

use crate::text::is_plain_line;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Payee, amount and currency of one payment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payment {
    payee: String,
    amount: String,
    currency: String,
}

/// Which part of a payment is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPayment {
    /// The payee.
    #[error("payee must have 1 to 64 visible characters, on one line and without a link")]
    Payee,
    /// The amount.
    #[error("amount must be a decimal number with a point, such as \"12.50\", of at most 15 digits and 4 decimals")]
    Amount,
    /// The currency.
    #[error("currency must be three capital letters (ISO 4217), such as \"EUR\"")]
    Currency,
}

impl Payment {
    /// Checks the three parts. Nothing is rewritten: what was given is what the person reads, and what the check must repeat.
    ///
    /// # Errors
    /// Names the part that is wrong.
    pub fn new(payee: &str, amount: &str, currency: &str) -> Result<Self, BadPayment> {
        if !is_plain_line(payee, 64) {
            return Err(BadPayment::Payee);
        }
        let (whole, decimals) = amount.split_once('.').unwrap_or((amount, "0"));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let sized = (1..=15).contains(&whole.len()) && (1..=4).contains(&decimals.len());
        if !sized || !digits(whole) || !digits(decimals) {
            return Err(BadPayment::Amount);
        }
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(BadPayment::Currency);
        }
        Ok(Self { payee: payee.to_owned(), amount: amount.to_owned(), currency: currency.to_owned() })
    }

    /// Who gets the money.
    #[must_use]
    pub fn payee(&self) -> &str {
        &self.payee
    }

    /// How much, as it was written.
    #[must_use]
    pub fn amount(&self) -> &str {
        &self.amount
    }

    /// ISO 4217 code.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }
}

impl fmt::Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payment(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_checked() {
        assert!(Payment::new("Books & Co", "12.50", "EUR").is_ok());
        assert!(Payment::new("Books & Co", "12", "EUR").is_ok());
        for payee in ["", " x", "a\nb", "a\u{202e}b", "http://evil.example/x"] {
            assert_eq!(Payment::new(payee, "1", "EUR").err(), Some(BadPayment::Payee));
        }
        for amount in ["", ".5", "1.", "-1", "1e3", "1,50", "1.23456", "1234567890123456", "٣"] {
            assert_eq!(Payment::new("x", amount, "EUR").err(), Some(BadPayment::Amount), "{amount}");
        }
        for currency in ["", "eur", "EURO", "€€€"] {
            assert_eq!(Payment::new("x", "1", currency).err(), Some(BadPayment::Currency), "{currency}");
        }
    }
}
