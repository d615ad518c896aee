//! `paymentInfo`: comes as a map written as text, goes as an object with a number in it. Amounts never become binary fractions.

use super::{
    error::{Code, Refused},
    fields::{Field, Fields},
    map::{self, Value},
};
use countersign_model::Payment;
use serde::Serialize;
use serde_json::value::RawValue;

/// A payment as every object shows it.
#[derive(Serialize)]
pub(super) struct PaymentObject {
    payee: String,
    amount: Box<RawValue>,
    currency: String,
}

impl PaymentObject {
    /// None where there is no payment.
    pub(super) fn of(payment: Option<&Payment>) -> Option<Self> {
        let payment = payment?;
        // The model writes amounts in a way that is JSON's too.
        let amount = RawValue::from_string(payment.amount().to_owned()).ok()?;
        Some(Self { payee: payment.payee().to_owned(), amount, currency: payment.currency().to_owned() })
    }
}

/// The payment of a request.
///
/// # Errors
/// 40107 when it is absent, cannot be read, or is there twice, as from a Python caller who passes a dict by mistake.
pub(super) fn required(fields: &Fields) -> Result<Payment, Refused> {
    if fields.repeats("paymentInfo") {
        return Err(Code::PaymentNeeded.refused());
    }
    let map = match fields.get("paymentInfo") {
        Some(Field::Text(text) | Field::Object(text)) => map::parse(text),
        None | Some(Field::Number(_) | Field::Bool(_) | Field::List) => None,
    };
    let payment = map.and_then(|mut map| {
        let mut take = |name| map.remove(name);
        let (Value::Text(payee), Value::Text(currency)) = (take("payee")?, take("currency")?) else { return None };
        let (Value::Text(amount) | Value::Number(amount)) = take("amount")? else { return None };
        // The payee is compared to the letter, so it stays as it was written.
        Payment::of_number(&payee, amount.trim(), currency.trim()).ok()
    });
    payment.ok_or(Code::PaymentNeeded.refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(form: &[(&str, &str)]) -> Option<String> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let payment = required(&Fields::of_form(body.as_bytes())).ok()?;
        Some(serde_json::to_string(&PaymentObject::of(Some(&payment))).unwrap())
    }

    #[test]
    fn an_amount_is_text_or_number_and_comes_back_as_a_number() {
        for (amount, number) in [
            ("'1000'", "1000"),
            ("1000.0", "1000"),
            ("12.50", "12.5"),
            ("\"0\"", "0"),
            ("1e2", "100"),
            ("'+5'", "5"),
            ("-0", "0"),
        ] {
            let given = format!("{{'payee': 'ACME', 'amount': {amount}, 'currency': 'xaf'}}");
            let expected = format!(r#"{{"payee":"ACME","amount":{number},"currency":"xaf"}}"#);
            assert_eq!(shown(&[("paymentInfo", &given)]), Some(expected), "{amount}");
        }
    }

    #[test]
    fn what_is_no_payment_is_refused() {
        for bad in [
            "",
            "ACME",
            "{}",
            "{'payee': 'ACME', 'amount': 1}",
            "{'payee': '', 'amount': 1, 'currency': 'xaf'}",
            "{'payee': 'ACME', 'amount': -1, 'currency': 'xaf'}",
            "{'payee': 'ACME', 'amount': true, 'currency': 'xaf'}",
            "{'payee': 'ACME', 'amount': 'NaN', 'currency': 'xaf'}",
            "{'payee': null, 'amount': 1, 'currency': 'xaf'}",
            "{'payee': 5, 'amount': 1, 'currency': 'xaf'}",
            "{'payee': 'ACME', 'amount': [1], 'currency': 'xaf'}",
            "{'payee': 'ACME', 'amount': 1, 'currency': 'francs'}",
        ] {
            assert_eq!(shown(&[("paymentInfo", bad)]), None, "{bad}");
        }
        assert_eq!(shown(&[("paymentInfo", "payee"), ("paymentInfo", "amount")]), None);
        assert_eq!(shown(&[]), None);
    }
}
