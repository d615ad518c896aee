//! What a person approves when a code confirms a payment. The data is shown in the message, and the check must repeat it:
//! Delegated Regulation (EU) 2018/389, article 5 ("dynamic linking").

use crate::text::{is_plain_line, is_plain_line_in_blanks};
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
    /// Checks the three parts. Nothing is rewritten: what was given is what the person reads.
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

    /// The same for callers that write amounts as numbers and currencies in any case, as several vendors' do: a payee of at most 100
    /// characters, which keeps the blanks around it, and an amount that loses what says nothing (`+1000.00` is `1000`). The currency
    /// keeps its case.
    ///
    /// # Errors
    /// Names the part that is wrong.
    pub fn of_number(payee: &str, amount: &str, currency: &str) -> Result<Self, BadPayment> {
        if !is_plain_line_in_blanks(payee, 100) {
            return Err(BadPayment::Payee);
        }
        let amount = plain_decimal(amount).ok_or(BadPayment::Amount)?;
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(BadPayment::Currency);
        }
        Ok(Self { payee: payee.to_owned(), amount, currency: currency.to_owned() })
    }

    /// Whether it is the same payment: the same payee, an amount of the same value, and a currency that differs in case at most.
    /// Amounts are compared as decimals, never as binary fractions.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.payee == other.payee
            && plain_decimal(&self.amount) == plain_decimal(&other.amount)
            && self.currency.eq_ignore_ascii_case(&other.currency)
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

/// How many digits an amount may have before the point, and zeros behind it: no exponent makes more of a few characters.
const MOST_DIGITS: usize = 4096;

/// A decimal that is not negative, in the one spelling without signs and zeros that say nothing: `012.50`, `+1.25e1` and `12.5` are
/// `12.5`, and `-0` is `0`.
fn plain_decimal(text: &str) -> Option<String> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if whole.len() + decimals.len() == 0 || !is_digits(whole) || !is_digits(decimals) {
        return None;
    }
    if power.is_empty() || !is_digits(power) {
        return None;
    }
    let digits = format!("{whole}{decimals}");
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    if text.starts_with('-') {
        return None;
    }
    // Where the point stands, counted from the first digit that is no zero.
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let exponent: i64 = exponent.parse().ok()?;
    let point = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(leading).ok()?)?.checked_add(exponent)?;
    let most = i64::try_from(MOST_DIGITS).ok()?;
    if significant.len() > MOST_DIGITS || !(-most..=most).contains(&point) {
        return None;
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    let length = i64::try_from(significant.len()).ok()?;
    Some(match usize::try_from(point) {
        Ok(0) => format!("0.{significant}"),
        Ok(_) if point >= length => format!("{significant}{}", zeros(point - length)),
        Ok(at) => {
            let (whole, decimals) = significant.split_at(at);
            format!("{whole}.{decimals}")
        }
        Err(_) => format!("0.{}{significant}", zeros(-point)),
    })
}

impl fmt::Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payment(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_of_one_value_are_written_in_one_way() {
        for (text, plain) in [
            ("1000", "1000"),
            ("1000.0", "1000"),
            ("1e3", "1000"),
            ("12.50", "12.5"),
            ("1.25E+1", "12.5"),
            ("0012.5", "12.5"),
            ("0.05", "0.05"),
            (".05", "0.05"),
            ("5e-3", "0.005"),
            ("5.", "5"),
            ("0.000", "0"),
            ("0e99999999999999999999", "0"),
            ("-0", "0"),
            ("-0.00e-5", "0"),
            ("+5", "5"),
            ("+.5", "0.5"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(plain_decimal(text).as_deref(), Some(plain), "{text}");
        }
        for bad in [
            "",
            ".",
            "-1",
            "-0.001",
            "+",
            "-",
            "+-1",
            "--0",
            "1e",
            "0e",
            "0ex",
            "0e1e1",
            "e1",
            "1,5",
            "NaN",
            "Infinity",
            "1e4097",
            "1e-4098",
            "1e99999999999999999999",
            "٣",
            " 1",
            "0x10",
        ] {
            assert_eq!(plain_decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn long_amounts_are_taken_and_told_apart_to_the_last_digit() {
        let long = "9".repeat(4000);
        assert_eq!(plain_decimal(&long).as_deref(), Some(long.as_str()));
        assert_eq!(plain_decimal("1e4000"), Some(format!("1{}", "0".repeat(4000))));
        assert_eq!(plain_decimal("1e-4000"), Some(format!("0.{}1", "0".repeat(3999))));
        let payment = |amount: &str| Payment::of_number("ACME", amount, "xaf").unwrap();
        assert!(!payment(&long).is_same(&payment(&format!("{}8", &long[1..]))));
        assert!(payment(&long).is_same(&payment(&format!("+0{long}.0"))));
    }

    #[test]
    fn a_payee_of_another_spelling_is_kept_and_is_another() {
        let payment = |payee: &str| Payment::of_number(payee, "1", "xaf");
        assert_eq!(payment(" ACME ").unwrap().payee(), " ACME ");
        assert!(!payment(" ACME ").unwrap().is_same(&payment("ACME").unwrap()));
        for empty in ["", " ", "\u{a0}", "\u{200b}", "ACME\n"] {
            assert_eq!(payment(empty).err(), Some(BadPayment::Payee), "{empty:?}");
        }
    }

    #[test]
    fn payments_are_the_same_by_value_and_not_by_spelling() {
        let payment = |amount, currency| Payment::of_number("ACME", amount, currency).unwrap();
        assert!(payment("1000", "xaf").is_same(&payment("1000.0", "XAF")));
        assert!(!payment("1000", "xaf").is_same(&payment("1000.01", "xaf")));
        assert!(!payment("1000", "xaf").is_same(&payment("1000", "eur")));
        assert!(!payment("0.1", "eur").is_same(&payment("0.10000000000000001", "eur")), "not as binary fractions");
        let acme = Payment::of_number("acme", "1000", "xaf").unwrap();
        assert!(!payment("1000", "xaf").is_same(&acme));
        assert_eq!((payment("12.50", "xAf").amount(), payment("12.50", "xAf").currency()), ("12.5", "xAf"));
        assert!(Payment::of_number(&"a".repeat(100), "1", "eur").is_ok());
        for (payee, amount, currency) in
            [("", "1", "eur"), ("x", "", "eur"), ("x", "1", "eu"), ("x", "1", "eur1"), ("x", "1", "€")]
        {
            assert!(Payment::of_number(payee, amount, currency).is_err(), "{payee} {amount} {currency}");
        }
        assert!(Payment::of_number(&"a".repeat(101), "1", "eur").is_err());
    }

    proptest! {
        #[test]
        fn a_plain_decimal_has_the_value_that_was_written(whole in 0_u64..1_000_000, decimals in 0_u32..10_000, zeros in 0_usize..5) {
            let text = format!("{}{whole}.{decimals:04}{}", "0".repeat(zeros), "0".repeat(zeros));
            let plain = plain_decimal(&text).unwrap();
            prop_assert_eq!(plain_decimal(&plain), Some(plain.clone()));
            prop_assert_eq!(plain.parse::<f64>().unwrap().to_bits(), text.parse::<f64>().unwrap().to_bits());
            prop_assert!(plain == "0" || !plain.contains('.') || !plain.ends_with('0'));
        }

        #[test]
        fn no_amount_is_a_panic(text in "[-+0-9.eE]{0,40}") {
            let _ = plain_decimal(&text);
        }
    }

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
