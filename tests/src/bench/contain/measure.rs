//! A figure and its limit. Pure.

/// A measured figure and its limit.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    what: String,
    value: f64,
    limit: Limit,
    unit: &'static str,
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
    Exactly(f64),
}

impl Measure {
    pub(super) fn at_most(
        limit: f64,
        unit: &'static str,
        what: impl Into<String>,
        value: f64,
    ) -> Self {
        Self::new(Limit::AtMost(limit), unit, what.into(), value)
    }

    pub(super) fn at_least(
        limit: f64,
        unit: &'static str,
        what: impl Into<String>,
        value: f64,
    ) -> Self {
        Self::new(Limit::AtLeast(limit), unit, what.into(), value)
    }

    /// A count that must be exact.
    pub(super) fn exactly(due: u64, what: impl Into<String>, counted: u64) -> Self {
        Self::new(Limit::Exactly(due as f64), "", what.into(), counted as f64)
    }

    fn new(limit: Limit, unit: &'static str, what: String, value: f64) -> Self {
        Self {
            what,
            value,
            limit,
            unit,
        }
    }

    pub(super) fn is_held(&self) -> bool {
        match self.limit {
            Limit::AtMost(limit) => self.value <= limit,
            Limit::AtLeast(limit) => self.value >= limit,
            // Counts are whole numbers.
            Limit::Exactly(due) => (self.value - due).abs() < 0.5,
        }
    }

    /// The row of the table, with the name of its part.
    pub(super) fn row(&self, part: &str) -> [String; 5] {
        let unit = self.unit;
        let (measured, limit) = match self.limit {
            Limit::AtMost(limit) => (format!("{:.2}", self.value), format!("at most {limit}")),
            Limit::AtLeast(limit) => (format!("{:.2}", self.value), format!("at least {limit}")),
            Limit::Exactly(due) => (format!("{:.0}", self.value), format!("exactly {due:.0}")),
        };
        let held = if self.is_held() { "held" } else { "MISSED" };
        [
            part.to_owned(),
            self.what.clone(),
            format!("{measured}{unit}"),
            format!("{limit}{unit}"),
            held.to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::Measure;

    #[test]
    fn limits_are_held_or_missed() {
        let row = |measure: Measure| measure.row("part").join(" ");
        assert_eq!(
            row(Measure::at_most(50.0, " ms", "p99", 50.0)),
            "part p99 50.00 ms at most 50 ms held"
        );
        assert!(!Measure::at_most(50.0, " ms", "p99", 50.001).is_held());
        assert!(!Measure::at_most(50.0, " ms", "p99", f64::NAN).is_held());
        assert_eq!(
            row(Measure::at_least(0.5, "", "ratio", 0.4)),
            "part ratio 0.40 at least 0.5 MISSED"
        );
        assert_eq!(
            row(Measure::exactly(3, "traps", 3)),
            "part traps 3 exactly 3 held"
        );
        assert!(!Measure::exactly(3, "traps", 2).is_held());
    }
}
