//! The rules of `wit/metrics.wit` for declarations of metrics.
//!
//! In: a declaration from a guest. Out: whether it keeps the rules, and how many series it makes. Pure.

/// How many metrics a filter may declare.
pub(crate) const MAX_METRICS: usize = 32;
/// How many series all metrics of a filter may have together.
pub(crate) const MAX_SERIES: usize = 1024;
/// How many labels a metric may have.
const MAX_LABELS: usize = 4;
/// How many values a label may have.
const MAX_VALUES: usize = 64;
/// The longest name, in bytes.
const MAX_NAME: usize = 64;
/// The longest value of a label, in bytes.
const MAX_VALUE: usize = 128;
/// The longest help text, in bytes.
const MAX_HELP: usize = 256;
/// How many buckets a histogram may have.
const MAX_BUCKETS: usize = 32;

/// What a guest declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declaration {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) labels: Vec<Label>,
    pub(crate) kind: Kind,
}

/// A label with all its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Histogram(Buckets),
}

/// The upper bounds of buckets, by their bits, so that equality is that of what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Buckets(Vec<u64>);

impl Buckets {
    pub(crate) fn new(bounds: &[f64]) -> Self {
        Self(bounds.iter().map(|bound| bound.to_bits()).collect())
    }

    pub(crate) fn bounds(&self) -> impl Iterator<Item = f64> {
        self.0.iter().map(|bits| f64::from_bits(*bits))
    }

    fn check(&self) -> Result<(), &'static str> {
        let bounds: Vec<f64> = self.bounds().collect();
        let ascend = bounds.windows(2).all(|pair| pair[0] < pair[1]);
        if !(1..=MAX_BUCKETS).contains(&bounds.len()) {
            Err("a histogram has 1 to 32 buckets")
        } else if !ascend || !bounds.iter().all(|bound| bound.is_finite()) {
            Err("its buckets are finite numbers, ascending")
        } else {
            Ok(())
        }
    }
}

impl Kind {
    /// A histogram with buckets up to these bounds.
    pub(crate) fn histogram(bounds: &[f64]) -> Self {
        Self::Histogram(Buckets::new(bounds))
    }

    /// In words, with an article.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Counter => "a counter",
            Self::Histogram(_) => "a histogram",
        }
    }

    /// Whether metrics of both kinds can have one name.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Counter, Self::Counter) | (Self::Histogram(_), Self::Histogram(_))
        )
    }
}

impl Declaration {
    /// Checks it against the rules.
    ///
    /// # Errors
    /// The rule that it breaks, with its name.
    pub(crate) fn check(&self) -> Result<(), String> {
        let name = self.name.as_bytes();
        let is_name = (1..=MAX_NAME).contains(&name.len())
            && name[0].is_ascii_lowercase()
            && name
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_');
        if !is_name {
            let shown = linemill_config::printable(&self.name);
            return Err(format!(
                "metric `{shown}`: a name has 1 to 64 lower-case letters, digits and `_`, and begins with a letter"
            ));
        }
        self.broken_rule().map_or(Ok(()), |rule| {
            Err(format!("metric `{}`: {rule}", self.name))
        })
    }

    fn broken_rule(&self) -> Option<&'static str> {
        let suffixes = ["_total", "_bucket", "_sum", "_count", "_created", "_info"];
        if suffixes.iter().any(|suffix| self.name.ends_with(suffix)) {
            return Some("hosts add suffixes such as `_total`: leave it away");
        }
        if self.help.len() > MAX_HELP || self.help.chars().any(char::is_control) {
            return Some("its help has at most 256 bytes, without control characters");
        }
        if self.labels.len() > MAX_LABELS {
            return Some("it has more than four labels");
        }
        if let Some(rule) = self.labels.iter().find_map(Label::broken_rule) {
            return Some(rule);
        }
        let names = self.labels.iter().map(|label| &label.name);
        if has_duplicates(names) {
            return Some("two of its labels have the same name");
        }
        if self.series() > MAX_SERIES {
            return Some("it has more than 1,024 series");
        }
        match &self.kind {
            Kind::Counter => None,
            Kind::Histogram(buckets) => buckets.check().err(),
        }
    }

    /// How many combinations of values there are.
    pub(crate) fn combinations(&self) -> usize {
        self.labels.iter().map(|label| label.values.len()).product()
    }

    /// How many series it makes.
    pub(crate) fn series(&self) -> usize {
        let each = match &self.kind {
            Kind::Counter => 1,
            Kind::Histogram(buckets) => buckets.0.len() + 3,
        };
        self.combinations().saturating_mul(each)
    }

    /// The index of the combination of these values, which are given by their indices.
    pub(crate) fn index(&self, values: &[u32]) -> Option<usize> {
        if values.len() != self.labels.len() {
            return None;
        }
        let mut pairs = values.iter().zip(&self.labels);
        pairs.try_fold(0, |index, (value, label)| {
            let value = *value as usize;
            (value < label.values.len()).then(|| index * label.values.len() + value)
        })
    }
}

impl Label {
    fn broken_rule(&self) -> Option<&'static str> {
        let name = self.name.as_bytes();
        let is_name = (1..=MAX_NAME).contains(&name.len())
            && !name[0].is_ascii_digit()
            && !self.name.starts_with("__")
            && name
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if !is_name {
            return Some(
                "a label has 1 to 64 letters, digits and `_`, and begins with neither a digit nor `__`",
            );
        }
        if ["filter", "le"].contains(&self.name.as_str()) {
            return Some("the labels `filter` and `le` are reserved");
        }
        let is_value =
            |value: &String| value.len() <= MAX_VALUE && !value.chars().any(char::is_control);
        if !(1..=MAX_VALUES).contains(&self.values.len()) {
            Some("a label has 1 to 64 values")
        } else if !self.values.iter().all(is_value) {
            Some("a value has at most 128 bytes, without control characters")
        } else if has_duplicates(self.values.iter()) {
            Some("a label has the same value twice")
        } else {
            None
        }
    }
}

fn has_duplicates<'a>(texts: impl Iterator<Item = &'a String>) -> bool {
    let mut texts: Vec<_> = texts.collect();
    texts.sort_unstable();
    texts.windows(2).any(|pair| pair[0] == pair[1])
}
