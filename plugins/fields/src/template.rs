//! Texts with placeholders, such as `{time} {peer} `.
//!
//! In: a text from the settings. Out: its parts, or what is wrong with it. Not here: what a placeholder
//! stands for (`facts`).

use crate::facts::Fact;

/// A text with placeholders.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) parts: Vec<Part>,
}

/// A piece of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Fact(Fact),
}

impl Template {
    /// Reads a text in which `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// What is wrong with it, for the author of the settings.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            plain.push_str(before);
            if brace.starts_with("{{") || brace.starts_with("}}") {
                plain.push_str(&brace[..1]);
                rest = &brace[2..];
                continue;
            }
            let inside = brace
                .strip_prefix('{')
                .ok_or("has a `}` alone; write `}}` for a brace")?;
            let (name, after) = inside
                .split_once('}')
                .ok_or("has a `{` without a `}`; write `{{` for a brace")?;
            let fact = Fact::of(name).ok_or_else(|| {
                format!(
                    "has no placeholder `{{{name}}}`; there are {}",
                    Fact::list()
                )
            })?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Fact(fact));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// The only placeholder, if there is nothing else.
    pub(crate) fn single(&self) -> Option<Fact> {
        match self.parts[..] {
            [Part::Fact(fact)] => Some(fact),
            _ => None,
        }
    }

    /// The text with what its placeholders stand for, and `absent` for those that stand for nothing. `None`
    /// if `absent` is `None` and one of them does.
    pub(crate) fn fill(&self, absent: Option<&str>) -> Option<String> {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Fact(fact) => match fact.value() {
                    Some(value) => filled.push_str(&value),
                    None => filled.push_str(absent?),
                },
            }
        }
        Some(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Template};
    use crate::facts::Fact;

    #[test]
    fn placeholders_and_braces_are_told_apart() {
        let template = Template::parse("{{{time}}} {peer}").unwrap();
        let text = |text: &str| Part::Text(text.to_owned());
        let parts = [
            text("{"),
            Part::Fact(Fact::Time),
            text("} "),
            Part::Fact(Fact::Peer),
        ];
        assert_eq!(template.parts, parts);
        assert_eq!(Template::parse("").unwrap().parts, []);
        assert_eq!(
            Template::parse("{unix_ms}").unwrap().single(),
            Some(Fact::UnixMs)
        );
        assert_eq!(Template::parse(" {unix_ms}").unwrap().single(), None);
    }

    #[test]
    fn mistakes_are_explained() {
        let problem = |text| Template::parse(text).unwrap_err();
        assert_eq!(
            problem("{time"),
            "has a `{` without a `}`; write `{{` for a brace"
        );
        assert_eq!(problem("a}"), "has a `}` alone; write `}}` for a brace");
        assert_eq!(
            problem("{host}"),
            "has no placeholder `{host}`; there are `{time}`, `{unix}`, `{unix_ms}`, `{listener}`, `{peer}`, \
             `{peer_ip}`, `{peer_port}`, `{server_name}`, `{client_name}`, `{connection}`",
        );
    }
}
