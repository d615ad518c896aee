//! XML, in both directions. A request is `<request><data>` with one element for each parameter; an answer is `<response>` with
//! `<data>` or `<error>` in it.

use super::reply::Node;
use serde_json::{Map, Value};

/// The parameters of a request. An element that comes more than once, or has elements in it, is a list. None: it is no XML.
pub(super) fn read(text: &str) -> Option<Map<String, Value>> {
    // No document type, so no entity that could grow or reach out.
    let document = roxmltree::Document::parse(text).ok()?;
    let root = document.root_element();
    let data = root.children().find(|child| child.has_tag_name("data")).unwrap_or(root);
    let mut params = Map::new();
    for element in data.children().filter(roxmltree::Node::is_element) {
        let name = element.tag_name().name().to_owned();
        let value = value_of(element);
        match params.remove(&name) {
            None => _ = params.insert(name, value),
            Some(Value::Array(mut list)) => {
                list.push(value);
                params.insert(name, Value::Array(list));
            }
            Some(first) => _ = params.insert(name, Value::Array(vec![first, value])),
        }
    }
    Some(params)
}

fn value_of(element: roxmltree::Node<'_, '_>) -> Value {
    let inner: Vec<Value> = element.children().filter(roxmltree::Node::is_element).map(text_of).collect();
    if inner.is_empty() { text_of(element) } else { Value::Array(inner) }
}

fn text_of(element: roxmltree::Node<'_, '_>) -> Value {
    let texts = element.descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text());
    Value::String(texts.collect())
}

/// An answer with this one element in it.
pub(super) fn write(name: &str, node: &Node) -> String {
    let mut text = String::from("<?xml version=\"1.0\"?>\n<response>");
    element(&mut text, name, node);
    text.push_str("</response>\n");
    text
}

/// A list is as many elements of its name.
fn element(text: &mut String, name: &str, node: &Node) {
    if let Node::List(list) = node {
        for one in list {
            element(text, name, one);
        }
        return;
    }
    text.extend(["<", name, ">"]);
    match node {
        Node::Text(value) => escaped(text, value),
        Node::Flag(flag) => text.push(if *flag { '1' } else { '0' }),
        Node::Number(number) => text.push_str(&number.to_string()),
        Node::Object(fields) => {
            for (name, node) in fields {
                element(text, name, node);
            }
        }
        Node::List(_) => {}
    }
    text.extend(["</", name, ">"]);
}

/// What XML 1.0 cannot carry, even as a reference, goes.
fn escaped(text: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\t' | '\n' | '\r' => text.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn parameters_are_elements_and_lists_are_several_of_them() {
        let read = |text: &str| read(text).map(Value::Object);
        assert_eq!(
            read("<?xml version=\"1.0\"?><request><data><authType>grid</authType><to>27 &amp; x</to></data></request>"),
            Some(json!({"authType": "grid", "to": "27 & x"}))
        );
        for list in [
            "<request><data><c>dog</c><c>tree</c></data></request>",
            "<request><data><c><name>dog</name><name>tree</name></c></data></request>",
            "<data><c>dog</c><x/><c>tree</c></data>",
        ] {
            assert_eq!(read(list).unwrap()["c"], json!(["dog", "tree"]), "{list}");
        }
        for bad in ["", "<request>", "<a></b>", "x", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_answer_has_an_element_for_each_field() {
        let node = Node::Object(vec![
            ("solved", Node::Flag(false)),
            ("charge", Node::Number(0.8)),
            ("name", "a<b & \u{1}c".into()),
            (
                "message",
                Node::List(vec![Node::Object(vec![("to", "1".into())]), Node::Object(vec![("to", "2".into())])]),
            ),
        ]);
        assert_eq!(
            write("data", &node),
            "<?xml version=\"1.0\"?>\n<response><data><solved>0</solved><charge>0.8</charge><name>a&lt;b &amp; c</name>\
             <message><to>1</to></message><message><to>2</to></message></data></response>\n"
        );
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back(text in "[^\\x00-\\x08\\x0b-\\x1f\u{fffe}\u{ffff}\r]*") {
            let written = write("data", &Node::Object(vec![("a", text.as_str().into())]));
            prop_assert_eq!(read(&written).unwrap().remove("a"), Some(Value::String(text)));
        }

        #[test]
        fn no_text_is_too_strange_to_be_refused(text in ".*") {
            read(&text);
        }
    }
}
