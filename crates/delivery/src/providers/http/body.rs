//! The body of a request. A field whose template comes to nothing is left out, and so is an object or a list that has become
//! empty by that: an optional field needs no condition.

use super::{
    BadSetting,
    settings::Request,
    template::{Place, Template, Values},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A body before the values are put in.
pub(super) enum Body {
    Nothing,
    Json(JsonTemplate),
    Form(Fields),
    Text(Box<Template>),
}

/// A body and its type.
pub(super) struct TypedBody {
    body: Body,
    content_type: Option<String>,
}

impl TypedBody {
    /// # Errors
    /// When there is more than one, or a template is wrong.
    pub fn new(settings: &Request, known: &[&str]) -> Result<Self, BadSetting> {
        let given = [settings.json.is_some(), settings.form.is_some(), settings.xml.is_some(), settings.text.is_some()];
        if given.into_iter().filter(|is_given| *is_given).count() > 1 {
            return Err(BadSetting::new("request", "a request has one body: json, form, xml or text"));
        }
        let text = |setting, source: &str, place| {
            Template::new(source, place, known)
                .map(Box::new)
                .map(Body::Text)
                .map_err(|problem| BadSetting::new(setting, problem))
        };
        let (body, usual) = if let Some(json) = &settings.json {
            let json = JsonTemplate::new(json, known).map_err(|problem| BadSetting::new("request.json", problem))?;
            (Body::Json(json), Some("application/json"))
        } else if let Some(form) = &settings.form {
            (Body::Form(Fields::new(form, "request.form", known)?), Some("application/x-www-form-urlencoded"))
        } else if let Some(xml) = &settings.xml {
            (text("request.xml", xml, Place::Xml)?, Some("application/xml; charset=utf-8"))
        } else if let Some(plain) = &settings.text {
            (text("request.text", plain, Place::Plain)?, Some("text/plain; charset=utf-8"))
        } else {
            (Body::Nothing, None)
        };
        let content_type = settings.content_type.clone().or_else(|| usual.map(str::to_owned));
        Ok(Self { body, content_type })
    }

    /// Its type; none without a body.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Puts the values in.
    pub fn render(&self, values: &Values) -> Result<Vec<u8>, String> {
        match &self.body {
            Body::Nothing => Ok(Vec::new()),
            Body::Json(json) => {
                let value = json.render(values)?.unwrap_or_else(|| Value::Object(Map::new()));
                Ok(value.to_string().into_bytes())
            }
            Body::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                Ok(form.extend_pairs(fields.render(values)?).finish().into_bytes())
            }
            Body::Text(template) => template.render(values).map(String::into_bytes),
        }
    }

    /// Whether it names this variable.
    pub fn names(&self, variable: &str) -> bool {
        match &self.body {
            Body::Nothing => false,
            Body::Json(json) => json.names(variable),
            Body::Form(fields) => fields.names(variable),
            Body::Text(template) => template.names(variable),
        }
    }
}

/// Names and the templates of their values.
pub(super) struct Fields(Vec<(String, Template)>);

impl Fields {
    pub fn new(fields: &BTreeMap<String, String>, setting: &'static str, known: &[&str]) -> Result<Self, BadSetting> {
        let compiled = fields.iter().map(|(name, source)| {
            let template = Template::new(source, Place::Plain, known);
            template
                .map(|template| (name.clone(), template))
                .map_err(|problem| BadSetting::new(setting, format!("{name}: {problem}")))
        });
        compiled.collect::<Result<_, _>>().map(Self)
    }

    /// Those that came to something.
    pub fn render(&self, values: &Values) -> Result<Vec<(&str, String)>, String> {
        let mut rendered = Vec::with_capacity(self.0.len());
        for (name, template) in &self.0 {
            let value = template.render(values)?;
            if template.is_fixed() || !value.is_empty() {
                rendered.push((name.as_str(), value));
            }
        }
        Ok(rendered)
    }

    pub fn names(&self, variable: &str) -> bool {
        self.0.iter().any(|(_, template)| template.names(variable))
    }
}

/// JSON whose texts are templates.
pub(super) enum JsonTemplate {
    Text(Box<Template>),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
    Fixed(Value),
}

impl JsonTemplate {
    pub fn new(value: &Value, known: &[&str]) -> Result<Self, String> {
        match value {
            Value::String(source) => Template::new(source, Place::Plain, known).map(Box::new).map(Self::Text),
            Value::Array(list) => {
                list.iter().map(|entry| Self::new(entry, known)).collect::<Result<_, _>>().map(Self::List)
            }
            Value::Object(members) => {
                let members = members.iter().map(|(name, member)| {
                    Self::new(member, known)
                        .map(|member| (name.clone(), member))
                        .map_err(|problem| format!("{name}: {problem}"))
                });
                members.collect::<Result<_, _>>().map(Self::Object)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(Self::Fixed(value.clone())),
        }
    }

    /// None: it came to nothing.
    pub fn render(&self, values: &Values) -> Result<Option<Value>, String> {
        match self {
            Self::Fixed(value) => Ok(Some(value.clone())),
            Self::Text(template) => {
                let text = template.render(values)?;
                Ok((template.is_fixed() || !text.is_empty()).then_some(Value::String(text)))
            }
            Self::List(list) => {
                let rendered = list.iter().filter_map(|entry| entry.render(values).transpose());
                let rendered: Vec<Value> = rendered.collect::<Result<_, _>>()?;
                Ok((list.is_empty() || !rendered.is_empty()).then_some(Value::Array(rendered)))
            }
            Self::Object(members) => {
                let mut rendered = Map::new();
                for (name, member) in members {
                    if let Some(value) = member.render(values)? {
                        rendered.insert(name.clone(), value);
                    }
                }
                Ok((members.is_empty() || !rendered.is_empty()).then_some(Value::Object(rendered)))
            }
        }
    }

    fn names(&self, variable: &str) -> bool {
        match self {
            Self::Text(template) => template.names(variable),
            Self::List(list) => list.iter().any(|entry| entry.names(variable)),
            Self::Object(members) => members.iter().any(|(_, member)| member.names(variable)),
            Self::Fixed(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rendered(settings: &Value) -> Result<String, String> {
        let mut request = json!({"url": "https://x.example/"});
        request.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let request: Request = serde_json::from_value(request).unwrap();
        let values = Values::from([("text".to_owned(), "a\"b\\c\n&+é😀".into()), ("empty".to_owned(), "".into())]);
        let body =
            TypedBody::new(&request, &["text", "empty"]).map_err(|bad| format!("{}: {}", bad.setting, bad.problem))?;
        Ok(String::from_utf8(body.render(&values).unwrap()).unwrap())
    }

    #[test]
    fn json_keeps_its_types_and_escapes_its_texts() {
        let body = rendered(&json!({"json": {"t": "{{ text }}", "n": 1, "b": true, "z": null, "l": ["{{ text }}"]}}));
        let body: Value = serde_json::from_str(&body.unwrap()).unwrap();
        assert_eq!(body, json!({"t": "a\"b\\c\n&+é😀", "n": 1, "b": true, "z": null, "l": ["a\"b\\c\n&+é😀"]}));
    }

    #[test]
    fn what_comes_to_nothing_is_left_out_and_what_was_written_empty_is_not() {
        let body = json!({"json": {"a": "{{ empty }}", "b": "", "c": {"d": {"e": "{{ empty }}"}}, "f": ["{{ empty }}"], "g": []}});
        assert_eq!(rendered(&body).unwrap(), r#"{"b":"","g":[]}"#);
        assert_eq!(rendered(&json!({"form": {"a": "{{ empty }}", "b": "", "c": "x"}})).unwrap(), "b=&c=x");
    }

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(rendered(&json!({"form": {"t": "{{ text }}"}})).unwrap(), "t=a%22b%5Cc%0A%26%2B%C3%A9%F0%9F%98%80");
    }

    #[test]
    fn there_is_one_body_and_its_mistakes_are_named() {
        assert!(rendered(&json!({"form": {}, "text": ""})).unwrap_err().starts_with("request: a request has one body"));
        assert!(
            rendered(&json!({"json": {"a": {"b": "{{ x }}"}}}))
                .unwrap_err()
                .starts_with("request.json: a: b: there is no")
        );
        assert!(rendered(&json!({"form": {"a": "{{ x }}"}})).unwrap_err().starts_with("request.form: a: there is no"));
    }
}
