//! The results file: the machine, and parts by name. Parts that are measured separately, or by another
//! program, are merged into it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::{Machine, Part};

/// The contents of the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Results {
    /// The machine. Files of other programs may omit it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) machine: Option<Machine>,
    /// The command that measures most parts again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) command: String,
    /// Tables by name, as `report --only` names them.
    pub(crate) parts: BTreeMap<String, Part>,
}

/// Parts in the order in which they are shown. Others follow, sorted by name.
const ORDER: [&str; 11] = [
    "load",
    "ping",
    "latency",
    "lines",
    "connections",
    "chains",
    "filters",
    "engines",
    "tls",
    "memory",
    "memory-tls",
];

impl Results {
    /// Reads a file that [`write`](Self::write) or another program wrote.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| shown.to_string())?;
        let read: Self = serde_json::from_str(&text).with_context(|| shown.to_string())?;
        for (name, part) in &read.parts {
            part.check()
                .with_context(|| format!("{shown}: part `{name}`"))?;
        }
        Ok(read)
    }

    /// Writes the file, and creates its folder.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| path.display().to_string())
    }

    /// Adds the parts of `newer`, which replace those of the same name.
    ///
    /// # Errors
    /// The figures are of another machine.
    pub(crate) fn merge(&mut self, newer: Self) -> anyhow::Result<()> {
        if let (Some(own), Some(other)) = (&self.machine, &newer.machine) {
            ensure!(
                own.is_like(other),
                "the figures are of different machines: {} with {} cores, and {} with {}\nhint: measure all parts on one machine, or discard the old ones with --fresh",
                own.processor,
                own.cores,
                other.processor,
                other.cores
            );
        }
        self.machine = newer.machine.or(self.machine.take());
        if !newer.command.is_empty() {
            self.command = newer.command;
        }
        self.parts.extend(newer.parts);
        Ok(())
    }

    /// All parts, in the order in which they are shown.
    pub(crate) fn ordered(&self) -> impl Iterator<Item = (&str, &Part)> {
        let mut parts: Vec<_> = self.parts.iter().collect();
        let place = |name: &str| ORDER.iter().position(|known| *known == name);
        parts.sort_by_key(|(name, _)| place(name).unwrap_or(ORDER.len()));
        parts.into_iter().map(|(name, part)| (name.as_str(), part))
    }
}

#[cfg(test)]
mod tests {
    use super::Results;

    fn results(text: &str) -> Results {
        serde_json::from_str(text).expect("valid results")
    }

    const PART: &str = r#"{ "title": "T", "about": "", "columns": ["a"], "rows": [["x"], [1.5]] }"#;

    #[test]
    fn newer_parts_replace_older_ones() {
        let machine = r#""machine": { "processor": "P", "cores": 2, "kernel": "6", "memory": "8 GiB", "versions": {} }"#;
        let mut kept = results(&format!(
            r#"{{ {machine}, "command": "c", "parts": {{ "tls": {PART}, "zeta": {PART}, "load": {PART} }} }}"#
        ));
        let newer = PART.replace("1.5", "2.5");
        let newer = format!(r#"{{ "parts": {{ "load": {newer}, "engines": {PART} }} }}"#);
        kept.merge(results(&newer)).expect("the same machine");
        let names: Vec<_> = kept.ordered().map(|(name, _)| name).collect();
        assert_eq!(names, ["load", "engines", "tls", "zeta"]);
        assert_eq!(kept.parts["load"].rows[1][0].value(), Some(2.5));
        assert_eq!(kept.parts["tls"].rows[1][0].value(), Some(1.5));
        assert_eq!(kept.command, "c");
        assert!(kept.machine.is_some());

        let other = format!(
            "{{ {}, \"parts\": {{}} }}",
            machine.replace("\"P\"", "\"Q\"")
        );
        let error = kept.merge(results(&other)).expect_err("another machine");
        assert!(error.to_string().contains("Q with 2"), "{error}");
    }

    #[test]
    fn written_results_are_read_back() {
        let folder = linemill_tests::Folder::new();
        let path = folder.path().join("new/results.json");
        let kept = results(&format!(r#"{{ "parts": {{ "load": {PART} }} }}"#));
        kept.write(&path).expect("a written file");
        assert_eq!(Results::read(&path).expect("the written file"), kept);
    }
}
