//! Keeps or drops lines by pattern, or sends them by a route.

mod about;
mod list;
#[cfg(test)]
mod tests;

use linemill_sdk::{Block, Error, Filter, Hits, Others, Output, export};
use pattern::{Found, Matcher, Options};
use serde::Deserialize;

/// Keeps a line if it matches one of `keep` and none of `drop`. With `route`, such lines take that
/// route, and all others continue.
pub struct Grep {
    keep: Option<Matcher>,
    drop: Option<Matcher>,
    route: Option<String>,
}

/// The settings. The README describes each key.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    keep: Vec<String>,
    keep_list: Option<String>,
    drop: Vec<String>,
    drop_list: Option<String>,
    route: Option<String>,
    ignore_case: bool,
    literal: bool,
}

impl Filter for Grep {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Error> {
        let options = Options {
            ignore_case: settings.ignore_case,
            literal: settings.literal,
        };
        let keep = matcher(
            "keep",
            &settings.keep,
            settings.keep_list.as_deref(),
            options,
        )?;
        let drop = matcher(
            "drop",
            &settings.drop,
            settings.drop_list.as_deref(),
            options,
        )?;
        if keep.is_none() && settings.keep_list.is_some() {
            return Err(Error::setting(
                "keep_list",
                "has no pattern, so no line would be kept; write one pattern in each line",
            ));
        }
        if keep.is_none() && drop.is_none() && settings.drop_list.is_none() {
            return Err(Error::new(
                "`keep` or `drop`: one of them needs a pattern, such as keep = [\"ERROR\"]",
            ));
        }
        Ok(Self {
            keep,
            drop,
            route: settings.route,
        })
    }

    fn routes(&self) -> Vec<String> {
        self.route.iter().cloned().collect()
    }

    fn line(&mut self, line: &[u8], out: &mut Output) {
        let kept = self.keep.as_mut().is_none_or(|keep| keep.matches(line))
            && !self.drop.as_mut().is_some_and(|drop| drop.matches(line));
        match &self.route {
            Some(route) if kept => out.route(route),
            None if !kept => return,
            _ => {}
        }
        out.emit(line);
    }

    fn screen(&mut self, block: &Block, hits: &mut Hits) -> Others {
        let (matcher, found, others) = match (&mut self.keep, &mut self.drop, &self.route) {
            (Some(keep), None, None) => (keep, Found::Pass, Others::Drop),
            (Some(keep), Some(_), None) => (keep, Found::Judge, Others::Drop),
            (Some(keep), _, Some(_)) => (keep, Found::Judge, Others::Pass),
            (None, Some(drop), None) => (drop, Found::Drop, Others::Pass),
            // Lines without a pattern take the route.
            (None, Some(_), Some(_)) | (None, None, _) => return Others::Judge,
        };
        if matcher.screen(block, hits, found) {
            others
        } else {
            Others::Judge
        }
    }
}

/// Compiles the patterns of a key and of its list. `None` if there are none.
fn matcher(
    key: &str,
    patterns: &[String],
    list: Option<&str>,
    options: Options,
) -> Result<Option<Matcher>, Error> {
    let mut all: Vec<&str> = patterns.iter().map(String::as_str).collect();
    all.extend(list::patterns(list.unwrap_or_default()).map(|(_, pattern)| pattern));
    if all.is_empty() {
        return Ok(None);
    }
    let setting = |index: usize| match index.checked_sub(patterns.len()) {
        None => format!("{key}[{index}]"),
        Some(index) => {
            let line = list::patterns(list.unwrap_or_default()).nth(index);
            format!("{key}_list:{}", line.map_or(0, |(line, _)| line))
        }
    };
    Matcher::new(&all, setting, options).map(Some)
}

export!(Grep: About);
