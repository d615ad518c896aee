//! What a tenant may spend: prepaid money and the price of a message. The main account (its name is empty) pays for messages;
//! named ones beside it only hold money, as the sub-accounts of several vendors' APIs do.
//!
//! Money is counted in ten-thousandths of the currency's unit (`…_e4`), since a text message costs fractions of a cent. Until
//! an operator sets a price, messages cost nothing and nobody is ever refused.

use crate::TenantId;
use serde::{Deserialize, Serialize};

/// Prepaid money of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose it is.
    pub tenant: TenantId,
    /// Empty for the main account; the user's name for one beside it, see [`is_account_name`].
    pub name: String,
    /// Grows with each write; 0 before the first.
    #[serde(skip)]
    pub version: u32,
    /// What there is, in ten-thousandths.
    pub balance_e4: i64,
    /// What one text message or call costs, in ten-thousandths; 0: nothing. Mail costs nothing.
    pub price_e4: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// Why money does not move. Nothing is changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotPay {
    /// There is less than that.
    #[error("the account has not enough balance")]
    NotEnough,
    /// The two accounts count in different currencies.
    #[error("the two accounts have different currencies")]
    OtherCurrency,
    /// No such amount can be moved or held.
    #[error("this is no amount that can be moved")]
    Amount,
}

/// Whether a text can name an account beside the main one: 1 to 64 characters without line breaks, and no blanks around it.
#[must_use]
pub fn is_account_name(text: &str) -> bool {
    (1..=64).contains(&text.chars().count()) && text.trim() == text && !text.chars().any(char::is_control)
}

impl Account {
    /// One that nobody has written yet: empty, in euros, and messages cost nothing.
    #[must_use]
    pub fn empty(tenant: TenantId, name: &str) -> Self {
        Self { tenant, name: name.to_owned(), version: 0, balance_e4: 0, price_e4: 0, currency: "EUR".to_owned() }
    }

    /// Pays for one message. Tells whether that changed the account: where messages are free it is not written at all, and so
    /// free messages never wait for one another.
    ///
    /// # Errors
    /// When there is not enough.
    pub const fn spend(&mut self) -> Result<bool, CannotPay> {
        if self.price_e4 <= 0 {
            return Ok(false);
        }
        if self.balance_e4 < self.price_e4 {
            return Err(CannotPay::NotEnough);
        }
        self.balance_e4 -= self.price_e4;
        Ok(true)
    }

    /// Moves money to another account of the same tenant.
    ///
    /// # Errors
    /// When there is not enough, the other counts in another currency, or the amount is none.
    pub fn transfer(&mut self, to: &mut Self, amount_e4: i64) -> Result<(), CannotPay> {
        if amount_e4 <= 0 {
            return Err(CannotPay::Amount);
        }
        if self.currency != to.currency {
            return Err(CannotPay::OtherCurrency);
        }
        if self.balance_e4 < amount_e4 {
            return Err(CannotPay::NotEnough);
        }
        to.balance_e4 = to.balance_e4.checked_add(amount_e4).ok_or(CannotPay::Amount)?;
        self.balance_e4 -= amount_e4;
        Ok(())
    }
}

/// Money as text, always with four decimals: `0.6000`.
#[must_use]
pub fn amount_text(amount_e4: i64) -> String {
    let sign = if amount_e4 < 0 { "-" } else { "" };
    let absolute = amount_e4.unsigned_abs();
    format!("{sign}{}.{:04}", absolute / 10_000, absolute % 10_000)
}

/// The opposite of [`amount_text`]: digits, and up to four decimals after a point. None: it is no such number, or one beyond
/// 99,999,999,999.
#[must_use]
pub fn parse_amount(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let sized = (1..=11).contains(&whole.len()) && (1..=4).contains(&decimals.len());
    if !sized || !digits(whole) || !digits(decimals) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let decimals: i64 = format!("{decimals:0<4}").parse().ok()?;
    Some(whole * 10_000 + decimals)
}

/// Whether a text has the form of an ISO 4217 code.
#[must_use]
pub fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn account(name: &str, balance_e4: i64, price_e4: i64) -> Account {
        Account { balance_e4, price_e4, ..Account::empty(TenantId::from_bytes([7; 16]), name) }
    }

    #[test]
    fn a_message_is_paid_to_the_last_of_the_money_and_no_further() {
        let mut main = account("", 120, 60);
        assert_eq!((main.spend(), main.spend()), (Ok(true), Ok(true)));
        assert_eq!(main.spend(), Err(CannotPay::NotEnough));
        assert_eq!(main.balance_e4, 0);
    }

    #[test]
    fn without_a_price_nothing_is_spent_and_nobody_is_refused() {
        let mut main = account("", 0, 0);
        assert_eq!(main.spend(), Ok(false));
        assert_eq!(main, account("", 0, 0));
    }

    #[test]
    fn a_transfer_that_fails_moves_nothing() {
        let (mut main, mut ana) = (account("", 100, 0), account("ana", 5, 0));
        for (amount, why) in [(101, CannotPay::NotEnough), (0, CannotPay::Amount), (-1, CannotPay::Amount)] {
            assert_eq!(main.transfer(&mut ana, amount), Err(why));
        }
        let mut dollars = Account { currency: "USD".to_owned(), ..ana.clone() };
        assert_eq!(main.transfer(&mut dollars, 1), Err(CannotPay::OtherCurrency));
        let mut full = account("full", i64::MAX, 0);
        assert_eq!(main.transfer(&mut full, 1), Err(CannotPay::Amount));
        assert_eq!((main.balance_e4, ana.balance_e4), (100, 5));
        assert_eq!(main.transfer(&mut ana, 100), Ok(()));
        assert_eq!((main.balance_e4, ana.balance_e4), (0, 105));
    }

    #[test]
    fn amounts_have_four_decimals() {
        for (amount_e4, text) in [(0, "0.0000"), (6_000, "0.6000"), (123_456_789, "12345.6789"), (-1, "-0.0001")] {
            assert_eq!(amount_text(amount_e4), text);
        }
        for (text, amount_e4) in [("12", 120_000), ("0.6", 6_000), ("0.0001", 1), ("007.50", 75_000)] {
            assert_eq!(parse_amount(text), Some(amount_e4), "{text}");
        }
        for bad in ["", ".5", "1.", "-1", "+1", "1e3", "1,50", "0.00001", "123456789012", "٣", " 1"] {
            assert_eq!(parse_amount(bad), None, "{bad}");
        }
    }

    #[test]
    fn account_names_are_one_line_without_blanks_around() {
        assert!(is_account_name("ana@example.com") && is_account_name("José López"));
        for bad in ["", " ana", "ana ", "a\nb", &"a".repeat(65)] {
            assert!(!is_account_name(bad), "{bad}");
        }
        assert!(is_currency("EUR") && !is_currency("eur") && !is_currency("EURO"));
    }

    proptest! {
        #[test]
        fn amounts_read_back(amount_e4 in 0..999_999_999_999_999_i64) {
            prop_assert_eq!(parse_amount(&amount_text(amount_e4)), Some(amount_e4));
        }
    }
}
