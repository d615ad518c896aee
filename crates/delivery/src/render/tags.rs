//! The language of message templates: a small part of Jinja, so small that all a template can ever say is known before it
//! is used. There are variables, conditions on whether a variable has a value, and one comparison for the plural:
//!
//! ```text
//! {{ code }}   {% if brand %}…{% elif minutes == 1 %}…{% else %}…{% endif %}   {# a remark #}
//! ```
//! No loops, assignments, filters, calls or literals: nothing can repeat, grow or take apart a value. So a handful of
//! samples (`lint.rs`) shows every text that a template can give.

/// What is wrong with one tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTag {
    /// A variable that this message does not have.
    #[error("line {line}: there is no variable \"{name}\" here")]
    UnknownVariable {
        /// Where it stands, from 1.
        line: usize,
        /// What was written.
        name: String,
    },
    /// Something other than a variable or a condition.
    #[error(
        "line {line}: only {{{{ variable }}}} and {{% if … %}}, {{% elif … %}}, {{% else %}}, {{% endif %}} are possible"
    )]
    NotPossible {
        /// Where it stands, from 1.
        line: usize,
    },
    /// A tag that begins and does not end.
    #[error("line {line}: a tag begins here that does not end")]
    Unclosed {
        /// Where it begins, from 1.
        line: usize,
    },
}

/// The only variable that can be compared, and the only number it can be compared with.
const COUNTED: &str = "minutes";
const ONE: &str = "1";
/// How much of an unknown name is repeated in a finding.
const LONGEST_NAME: usize = 40;

/// Everything in a template that the language does not have. `names` are the variables of this message.
pub fn check(source: &str, names: &[&str]) -> Vec<BadTag> {
    let mut findings = Vec::new();
    let mut rest = source;
    while let Some((before, marker, after)) = next_tag(rest) {
        let line = 1 + source.len().checked_sub(rest.len()).and_then(|at| source.get(..at + before)).map_or(0, lines);
        let Some((inner, behind)) = after.split_once(closing(marker)) else {
            findings.push(BadTag::Unclosed { line });
            break;
        };
        findings.extend(judge(marker, inner.trim_matches(['-', '+']).trim(), names, line));
        rest = behind;
    }
    findings
}

/// How many bytes stand before the next tag, which kind it is, and what follows its opening.
fn next_tag(text: &str) -> Option<(usize, char, &str)> {
    text.match_indices('{').find_map(|(at, _)| {
        let after = text.get(at + 1..)?;
        let marker = after.chars().next().filter(|marker| "{%#".contains(*marker))?;
        Some((at, marker, after.get(1..)?))
    })
}

const fn closing(marker: char) -> &'static str {
    match marker {
        '{' => "}}",
        '%' => "%}",
        _ => "#}",
    }
}

fn lines(text: &str) -> usize {
    text.matches('\n').count()
}

fn judge(marker: char, inner: &str, names: &[&str], line: usize) -> Option<BadTag> {
    match marker {
        '{' => known(inner, names, line).err(),
        '%' => statement(inner, names, line).err(),
        _ => None,
    }
}

fn statement(inner: &str, names: &[&str], line: usize) -> Result<(), BadTag> {
    let spaced = inner.replace("==", " == ").replace("!=", " != ");
    let mut words = spaced.split_ascii_whitespace();
    match words.next() {
        Some("if" | "elif") => condition(&mut words, names, line),
        Some("else" | "endif") if words.next().is_none() => Ok(()),
        _ => Err(BadTag::NotPossible { line }),
    }
}

fn condition<'w>(words: &mut impl Iterator<Item = &'w str>, names: &[&str], line: usize) -> Result<(), BadTag> {
    let mut words = words.peekable();
    loop {
        words.next_if_eq(&"not");
        let name = words.next().ok_or(BadTag::NotPossible { line })?;
        known(name, names, line)?;
        if words.next_if(|word| matches!(*word, "==" | "!=")).is_some()
            && (name != COUNTED || words.next() != Some(ONE))
        {
            return Err(BadTag::NotPossible { line });
        }
        match words.next() {
            None => return Ok(()),
            Some("and" | "or") => {}
            Some(_) => return Err(BadTag::NotPossible { line }),
        }
    }
}

fn known(name: &str, names: &[&str], line: usize) -> Result<(), BadTag> {
    if names.contains(&name) {
        return Ok(());
    }
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_word(name) {
        Err(BadTag::UnknownVariable { line, name: name.chars().take(LONGEST_NAME).collect() })
    } else {
        Err(BadTag::NotPossible { line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NAMES: [&str; 3] = ["code", "brand", "minutes"];

    #[test]
    fn variables_conditions_and_remarks_are_possible() {
        for good in [
            "",
            "plain } { text }} %}",
            "{{ code }}{{code}}{{- code -}}",
            "{% if brand %}a{% elif not minutes %}b{% else %}c{% endif %}",
            "{%- if minutes==1 and not brand or minutes != 1 -%}x{%- endif -%}",
            "{# anything {{ goes }} #}",
        ] {
            assert_eq!(check(good, &NAMES), [], "{good}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for bad in [
            "{% for x in code %}{{ x }}{% endfor %}",
            "{% set a = code %}",
            "{{ code ~ code }}",
            "{{ code * 1000000 }}",
            "{{ code[0] }}",
            "{{ code|upper }}",
            "{{ range(9) }}",
            "{{ 'a' }}",
            "{{ }}",
            "{% raw %}{% endraw %}",
            "{% include 'x' %}",
            "{% if %}{% endif %}",
            "{% if brand == code %}{% endif %}",
            "{% if minutes == 2 %}{% endif %}",
            "{% if minutes == %}{% endif %}",
            "{% if (brand) %}{% endif %}",
            "{% if brand brand %}{% endif %}",
            "{% else if %}",
        ] {
            assert_eq!(check(bad, &NAMES).first(), Some(&BadTag::NotPossible { line: 1 }), "{bad}");
        }
    }

    #[test]
    fn a_finding_names_the_line() {
        let findings = check("a\n{{ cod }}\n{% if nobody %}\n{{ code", &NAMES);
        assert_eq!(
            findings,
            [
                BadTag::UnknownVariable { line: 2, name: "cod".into() },
                BadTag::UnknownVariable { line: 3, name: "nobody".into() },
                BadTag::Unclosed { line: 4 }
            ]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}|-|if|code|é|\n| ){0,20}") {
            check(&text, &NAMES);
        }
    }
}
