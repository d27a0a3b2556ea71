//! The data of a plot: places along one axis, and series of numbers.
//!
//! In: a table and a plot of it. Out: its data. Places are names, not quantities: they are evenly
//! spaced, in the order of the rows. Not here: drawing (`draw`).

use anyhow::{Context as _, ensure};

use super::{Cell, Part, Plot};

/// The data of a plot.
#[derive(Debug, PartialEq)]
pub(super) struct Data {
    /// Places along the axis.
    pub(super) places: Vec<String>,
    pub(super) series: Vec<Series>,
}

/// A series of numbers.
#[derive(Debug, PartialEq)]
pub(super) struct Series {
    pub(super) name: String,
    /// A number per place; `None` where there is none.
    pub(super) points: Vec<Option<Point>>,
}

/// A number of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) value: f64,
    /// The lowest and highest value of the measurements whose median it is.
    pub(super) spread: Option<(f64, f64)>,
}

impl Data {
    /// Extracts what `plot` shows of `part`.
    pub(super) fn of(part: &Part, plot: &Plot) -> anyhow::Result<Self> {
        let column = |name: &String| {
            let place = part.column(name);
            place.with_context(|| format!("unknown column {name:?}"))
        };
        let y: Vec<usize> = plot.y.iter().map(column).collect::<Result<_, _>>()?;
        let x = plot.x.as_ref().map(column).transpose()?;
        let by = plot.by.as_ref().map(column).transpose()?;
        let spread = match &plot.spread {
            Some([least, most]) => Some((column(least)?, column(most)?)),
            None => None,
        };
        let only = match &plot.only {
            Some([name, text]) => Some((column(name)?, text)),
            None => None,
        };
        ensure!(
            y.len() == 1 || x.is_none(),
            "a plot with `x` has one column in `y`"
        );
        let mut data = Self {
            places: if x.is_some() {
                Vec::new()
            } else {
                plot.y.clone()
            },
            series: Vec::new(),
        };
        let wanted = |row: &&Vec<Cell>| only.is_none_or(|(at, text)| row[at].shown() == *text);
        for row in part.rows.iter().filter(wanted) {
            let series = data.series(by.map(|by| row[by].shown()).unwrap_or_default());
            for (nth, &y) in y.iter().enumerate() {
                let place = x.map_or(nth, |x| data.place(row[x].shown()));
                let Some(value) = row[y].value() else {
                    continue;
                };
                let spread = spread
                    .and_then(|(least, most)| Some((row[least].value()?, row[most].value()?)));
                let points = &mut data.series[series].points;
                points.resize(points.len().max(place + 1), None);
                points[place] = Some(Point { value, spread });
            }
        }
        let numbers = data.points().count();
        ensure!(numbers > 0, "no numbers to draw");
        ensure!(
            !plot.log || data.points().all(|point| point.value > 0.0),
            "a logarithmic scale cannot show 0"
        );
        Ok(data)
    }

    /// All numbers of all series.
    pub(super) fn points(&self) -> impl Iterator<Item = Point> {
        self.series
            .iter()
            .flat_map(|series| series.points.iter().copied().flatten())
    }

    /// The lowest and highest of all numbers, including their spreads.
    pub(super) fn range(&self) -> (f64, f64) {
        let ends = self.points().flat_map(|point| {
            let (least, most) = point.spread.unwrap_or((point.value, point.value));
            [least.min(point.value), most.max(point.value)]
        });
        ends.fold((f64::MAX, f64::MIN), |(least, most), value| {
            (least.min(value), most.max(value))
        })
    }

    fn place(&mut self, name: String) -> usize {
        let known = self.places.iter().position(|place| *place == name);
        known.unwrap_or_else(|| {
            self.places.push(name);
            self.places.len() - 1
        })
    }

    fn series(&mut self, name: String) -> usize {
        let known = self.series.iter().position(|series| series.name == name);
        known.unwrap_or_else(|| {
            self.series.push(Series {
                name,
                points: Vec::new(),
            });
            self.series.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Data, Point, Series};
    use crate::document::{Part, Plot};

    fn part() -> Part {
        serde_json::from_str(
            r#"{ "title": "", "about": "", "columns": ["n", "peer", "rate", "min", "max"], "rows": [
                ["1", "native", 5.0, 4.0, 6.0], ["1", "own", 3.0, 2.0, 4.0], ["8", "native", 2.0, 1.0, 3.0]
            ] }"#,
        )
        .expect("a valid part")
    }

    fn plain(value: f64) -> Option<Point> {
        let spread = None;
        Some(Point { value, spread })
    }

    fn series(name: &str, points: &[Option<Point>]) -> Series {
        Series {
            name: name.to_owned(),
            points: points.to_vec(),
        }
    }

    #[test]
    fn rows_become_series_over_places() {
        let plot: Plot = serde_json::from_str(
            r#"{ "x": "n", "y": ["rate"], "by": "peer", "spread": ["min", "max"] }"#,
        )
        .expect("a plot");
        let data = Data::of(&part(), &plot).expect("known columns");
        assert_eq!(data.places, ["1", "8"]);
        assert_eq!(data.series.len(), 2);
        assert_eq!(data.series[1].points.len(), 1);
        assert_eq!(data.range(), (1.0, 6.0));
        let spread = Some((1.0, 3.0));
        assert_eq!(data.series[0].points[1], Some(Point { value: 2.0, spread }));
    }

    #[test]
    fn columns_become_places_of_selected_rows() {
        let plot = r#"{ "y": ["min", "max"], "by": "peer", "only": ["n", "1"] }"#;
        let plot: Plot = serde_json::from_str(plot).expect("a plot");
        let data = Data::of(&part(), &plot).expect("known columns");
        assert_eq!(data.places, ["min", "max"]);
        let expected = [
            series("native", &[plain(4.0), plain(6.0)]),
            series("own", &[plain(2.0), plain(4.0)]),
        ];
        assert_eq!(data.series, expected);
    }

    #[test]
    fn a_plot_without_numbers_is_refused() {
        let plot = r#"{ "y": ["rate"], "only": ["n", "9"] }"#;
        let plot: Plot = serde_json::from_str(plot).expect("a plot");
        assert!(Data::of(&part(), &plot).is_err());
    }
}
