//! The carrier's names for messages. One half of a carrier writes them in decimal and the other in hexadecimal, in small or
//! capital letters, with and without zeros in front; so a name that may be a number is kept in one form, and looked for as each
//! kind of number.

/// The form in which a name is kept: without zeros in front and in small letters, if it may be a number.
pub(super) fn kept(name: &str) -> String {
    let name = name.trim();
    if name.is_empty() || !name.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return name.to_owned();
    }
    let bare = name.trim_start_matches('0');
    if bare.is_empty() { "0".to_owned() } else { bare.to_ascii_lowercase() }
}

/// The names under which a message may be kept that a receipt calls so, the likeliest first.
pub(super) fn spellings(name: &str) -> Vec<String> {
    let name = kept(name);
    if name.is_empty() {
        return Vec::new();
    }
    let is_decimal = name.bytes().all(|octet| octet.is_ascii_digit());
    let is_hexadecimal = name.bytes().all(|octet| octet.is_ascii_hexdigit());
    let hexadecimal = name.parse::<u64>().ok().filter(|_| is_decimal).map(|number| format!("{number:x}"));
    let decimal = u64::from_str_radix(&name, 16).ok().filter(|_| is_hexadecimal).map(|number| number.to_string());
    let mut found = vec![name];
    for other in hexadecimal.into_iter().chain(decimal) {
        if !found.contains(&other) {
            found.push(other);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimal_and_hexadecimal_names_meet() {
        assert_eq!(spellings("0000006699"), ["6699", "1a2b", "26265"]);
        assert_eq!(spellings("1A2B"), ["1a2b", "6699"]);
        assert_eq!(spellings("0007"), ["7"]);
        assert_eq!(spellings("smsc-0A"), ["smsc-0A"]);
        assert_eq!(spellings(" "), Vec::<String>::new());
        assert_eq!((kept("0000"), kept("00Ab"), kept("0xAb")), ("0".into(), "ab".into(), "0xAb".into()));
    }

    proptest! {
        #[test]
        fn however_both_halves_write_a_number_they_meet(number in any::<u64>(), shift in 0..60, first in 0..20_usize, second in 0..20_usize) {
            let number = number >> shift;
            for (taken, told) in [
                (format!("{number:0first$X}"), format!("{number:0second$}")),
                (format!("{number:0first$}"), format!("{number:0second$x}")),
                (format!("{number:0first$x}"), format!("{number:0second$X}")),
            ] {
                prop_assert!(spellings(&told).contains(&kept(&taken)), "{} {}", taken, told);
            }
        }
    }
}
