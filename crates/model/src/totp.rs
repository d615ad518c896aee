//! One-time passwords that an app counts out by itself: HOTP (RFC 4226) and, over the time, TOTP (RFC 6238), with SHA-1,
//! which is what every authenticator app takes for granted. Each step is accepted once: whoever uses a code notes its step.

use crate::Timestamp;
use aws_lc_rs::{constant_time, hmac};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How the codes of an app are counted out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totp {
    /// How long one code is shown, in seconds.
    pub period_seconds: u32,
    /// How many digits it has: 6 to 8.
    pub digits: u8,
    /// How many steps the app's clock may be ahead or behind.
    pub skew_steps: u8,
}

impl Totp {
    /// What every app can do: six digits, half a minute; one step of clock difference is forgiven.
    pub const USUAL: Self = Self { period_seconds: 30, digits: 6, skew_steps: 1 };

    /// The length of a fresh secret, in bytes (RFC 4226, 4: 160 bits are recommended).
    pub const SECRET_BYTES: usize = 20;

    /// The number of the step that a moment lies in.
    #[must_use]
    pub fn step_at(&self, now: Timestamp) -> u64 {
        let seconds = u64::try_from(now.as_ms().div_euclid(1000)).unwrap_or(0);
        seconds / u64::from(self.period_seconds.max(1))
    }

    /// The code of a step.
    #[must_use]
    pub fn code(&self, secret: &[u8], step: u64) -> Zeroizing<String> {
        hotp(secret, step, self.digits)
    }

    /// The step whose code was typed: the newest within the skew that lies after `last_step`, the last one that was used.
    /// Every step within reach is computed and compared in constant time, whether or not one has fitted already.
    #[must_use]
    pub fn matching_step(&self, secret: &[u8], typed: &str, now: Timestamp, last_step: Option<u64>) -> Option<u64> {
        let (here, skew) = (self.step_at(now), u64::from(self.skew_steps));
        let mut found = None;
        for step in here.saturating_sub(skew)..=here.saturating_add(skew) {
            let code = self.code(secret, step);
            let fits = constant_time::verify_slices_are_equal(code.as_bytes(), typed.as_bytes()).is_ok();
            if fits && last_step.is_none_or(|last| step > last) {
                found = Some(step);
            }
        }
        found
    }
}

/// The HMAC-based one-time password of a counter (RFC 4226, 5.3), with leading zeros. More than nine digits make no sense:
/// the truncated number has no more.
#[must_use]
pub fn hotp(secret: &[u8], counter: u64, digits: u8) -> Zeroizing<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0x0f);
    let four = tag.get(offset..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or([0; 4]);
    let number = u32::from_be_bytes(four) & 0x7fff_ffff;
    let digits = digits.min(9);
    let width = usize::from(digits);
    Zeroizing::new(format!("{:0width$}", number % 10_u32.pow(u32::from(digits))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    /// RFC 4226, appendix D.
    #[test]
    fn the_vectors_of_rfc_4226_come_out() {
        let expected =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, code) in (0..).zip(expected) {
            assert_eq!(*hotp(SECRET, counter, 6), code, "{counter}");
        }
    }

    /// RFC 6238, appendix B, the rows of SHA-1.
    #[test]
    fn the_vectors_of_rfc_6238_come_out() {
        let eight = Totp { digits: 8, ..Totp::USUAL };
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let step = eight.step_at(at(seconds));
            assert_eq!(*eight.code(SECRET, step), code, "{seconds}");
            assert_eq!(eight.matching_step(SECRET, code, at(seconds), None), Some(step));
        }
    }

    #[test]
    fn a_code_works_one_step_early_and_one_late_and_no_further() {
        let totp = Totp::USUAL;
        let code = totp.code(SECRET, 1000);
        let works = |seconds| totp.matching_step(SECRET, &code, at(seconds), None);
        assert_eq!(works(999 * 30), Some(1000));
        assert_eq!(works(1001 * 30 + 29), Some(1000));
        assert_eq!(works(999 * 30 - 1), None);
        assert_eq!(works(1002 * 30), None);
        let strict = Totp { skew_steps: 0, ..totp };
        assert_eq!(strict.matching_step(SECRET, &code, at(1000 * 30), None), Some(1000));
        assert_eq!(strict.matching_step(SECRET, &code, at(1001 * 30), None), None);
    }

    #[test]
    fn a_step_is_used_once_and_no_earlier_one_after_it() {
        let totp = Totp::USUAL;
        let now = at(1000 * 30);
        let works = |step, last| totp.matching_step(SECRET, &totp.code(SECRET, step), now, last);
        assert_eq!(works(1000, Some(999)), Some(1000));
        assert_eq!(works(1000, Some(1000)), None);
        assert_eq!(works(999, Some(1000)), None);
        assert_eq!(works(1001, Some(1000)), Some(1001));
    }

    #[test]
    fn what_is_no_code_fits_nothing() {
        for typed in ["", "00000", "0000000", "abcdef", "7552 4", "\u{664}\u{664}\u{664}"] {
            assert_eq!(Totp::USUAL.matching_step(SECRET, typed, at(0), None), None, "{typed}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        /// A second implementation, which shares no code with this one.
        #[test]
        fn totp_rs_says_the_same(
            secret in prop::collection::vec(any::<u8>(), 16..65),
            seconds in 0_u32..u32::MAX,
            digits in 6_u8..=8,
            period in 15_u32..=60,
        ) {
            let ours = Totp { period_seconds: period, digits, skew_steps: 1 };
            let theirs = totp_rs::Builder::new()
                .with_algorithm(totp_rs::Algorithm::SHA1)
                .with_secret(secret.clone())
                .with_digits(digits)
                .with_step_duration(period.into())
                .build()
                .unwrap();
            let step = ours.step_at(at(seconds.into()));
            prop_assert_eq!(&*ours.code(&secret, step), &theirs.generate(seconds.into()).to_string());
        }
    }
}
