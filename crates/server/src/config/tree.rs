//! The settings before they have types: a tree of tables whose every node knows its origin.

use super::{ConfigError, Origin, origin::Place};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};
use toml::{
    Spanned, Value,
    de::{DeTable, DeValue, ValueDeserializer},
};

/// A table or a value. Secrets are plain text here, so there is no `Debug`.
pub(super) struct Node {
    pub(super) content: Content,
    pub(super) origin: Origin,
}

pub(super) enum Content {
    Table(BTreeMap<String, Node>),
    Value(Value),
}

impl Node {
    /// A value, or, for an inline table, a table of values with the same origin.
    pub(super) fn of(value: Value, origin: &Origin) -> Self {
        let content = match value {
            Value::Table(table) => {
                Content::Table(table.into_iter().map(|(key, value)| (key, Self::of(value, origin))).collect())
            }
            value @ (Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_)) => Content::Value(value),
        };
        Self { content, origin: origin.clone() }
    }

    /// Lays a later layer over this one: tables are joined, everything else is replaced. A joined table is where the operator
    /// first wrote it.
    pub(super) fn overlay(&mut self, over: Self) {
        match (&mut self.content, over.content) {
            (Content::Table(below), Content::Table(above)) => {
                for (key, node) in above {
                    match below.get_mut(&key) {
                        Some(existing) => existing.overlay(node),
                        None => _ = below.insert(key, node),
                    }
                }
                if self.origin == Origin::Default {
                    self.origin = over.origin;
                }
            }
            (content, above) => {
                *content = above;
                self.origin = over.origin;
            }
        }
    }

    pub(super) fn find(&self, path: &[&str]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        match &self.content {
            Content::Table(table) => table.get(*first)?.find(rest),
            Content::Value(_) => None,
        }
    }

    pub(super) fn find_mut(&mut self, path: &[&str]) -> Option<&mut Self> {
        let Some((first, rest)) = path.split_first() else { return Some(self) };
        match &mut self.content {
            Content::Table(table) => table.get_mut(*first)?.find_mut(rest),
            Content::Value(_) => None,
        }
    }

    /// The deepest node on the way to `path`, and how many steps of it were there.
    pub(super) fn nearest(&self, path: &[&str]) -> (&Self, usize) {
        let depth = (0..=path.len()).rev().find(|&depth| self.find(path.get(..depth).unwrap_or(path)).is_some());
        let depth = depth.unwrap_or(0);
        (self.find(path.get(..depth).unwrap_or_default()).unwrap_or(self), depth)
    }

    pub(super) fn to_value(&self) -> Value {
        match &self.content {
            Content::Table(table) => {
                Value::Table(table.iter().map(|(key, node)| (key.clone(), node.to_value())).collect())
            }
            Content::Value(value) => value.clone(),
        }
    }

    /// Visits every value, sorted by name.
    pub(super) fn each_value<'a>(&'a self, visit: &mut dyn FnMut(&[&'a str], &'a Value, &'a Origin)) {
        self.each_below(&mut Vec::new(), visit);
    }

    fn each_below<'a>(&'a self, path: &mut Vec<&'a str>, visit: &mut dyn FnMut(&[&'a str], &'a Value, &'a Origin)) {
        match &self.content {
            Content::Value(value) => visit(path, value, &self.origin),
            Content::Table(table) => {
                for (key, node) in table {
                    path.push(key);
                    node.each_below(path, visit);
                    path.pop();
                }
            }
        }
    }
}

/// Reads a file's text. Without a path it is the compiled-in one.
pub(super) fn parse(text: &str, path: Option<&Path>) -> Result<Node, ConfigError> {
    let document = Document { text, path };
    let table = DeTable::parse(text).map_err(|error| document.error(&error))?;
    let start = table.span().start..table.span().start;
    document.table(table.into_inner(), document.origin(start.start, start.start))
}

struct Document<'a> {
    text: &'a str,
    path: Option<&'a Path>,
}

impl Document<'_> {
    fn table(&self, table: DeTable<'_>, origin: Origin) -> Result<Node, ConfigError> {
        let mut nodes = BTreeMap::new();
        for (key, value) in table {
            let origin = self.origin(key.span().start, value.span().start);
            nodes.insert(key.into_inner().into_owned(), self.node(value, origin)?);
        }
        Ok(Node { content: Content::Table(nodes), origin })
    }

    fn node(&self, value: Spanned<DeValue<'_>>, origin: Origin) -> Result<Node, ConfigError> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => self.table(table, origin),
            single @ (DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)) => {
                let value = ValueDeserializer::from(Spanned::new(span, single));
                // Everything that parses is a value, but for numbers of more than 64 bits.
                let value = Value::deserialize(value)
                    .map_err(|_| ConfigError::at(origin.value_place(), "this number is too large".to_owned()))?;
                Ok(Node { content: Content::Value(value), origin })
            }
        }
    }

    fn origin(&self, key: usize, value: usize) -> Origin {
        match self.path {
            Some(path) => Origin::in_file(path, Place::of(self.text, key), Place::of(self.text, value)),
            None => Origin::Default,
        }
    }

    /// The library's words without the line they are about, which may hold a secret.
    fn error(&self, error: &toml::de::Error) -> ConfigError {
        let start = error.span().map_or(0, |span| span.start);
        ConfigError::at(self.origin(start, start).value_place(), error.message().to_owned())
    }
}
