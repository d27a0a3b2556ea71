//! Draws a plot as SVG: as wide as a page, readable without colours, and byte for byte reproducible.
//!
//! Colours are those of Okabe and Ito, which colour-blind people can distinguish; lines also differ in
//! their marks. Text uses the reader's fonts.

use plotters::chart::MeshStyle;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::element::{Circle, Cross, PathElement, Rectangle, Text, TriangleMarker};
use plotters::prelude::{
    ChartBuilder, Color as _, DrawingArea, IntoDrawingArea as _, LineSeries, RGBColor, SVGBackend,
    WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{IntoFont as _, TextStyle};

use super::part::grouped;
use super::plot::{Data, Point};
use super::{Cell, Kind, Part, Plot};

const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(60, 60, 60),
];
/// Colour of the background elements.
const QUIET: RGBColor = RGBColor(150, 160, 170);
const GRID: RGBColor = RGBColor(225, 228, 232);
const INK: RGBColor = RGBColor(36, 41, 47);

const WIDTH: u32 = 800;
/// Height of a plot with lines.
const HEIGHT: u32 = 420;
/// Thickness of a bar, distance to the next bar of the same place, and space between places.
const BAR: i32 = 16;
const PITCH: i32 = 19;
const GAP: i32 = 9;
/// Height of the space below the axes.
const FOOT: i32 = 56;
/// Height of the space above the axes, for the heading and the legend.
const HEAD: i32 = 44;
const LEGEND: i32 = 28;

type Root<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// Draws a plot as SVG.
pub(crate) fn draw(part: &Part, plot: &Plot) -> anyhow::Result<String> {
    let data = Data::of(part, plot)?;
    let top = HEAD + if data.series.len() > 1 { LEGEND } else { 0 };
    let group = PITCH * data.series.len() as i32 + GAP;
    let height = match plot.kind {
        Kind::Lines => HEIGHT,
        Kind::Bars => (top + FOOT + group * data.places.len() as i32) as u32,
    };
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        root.fill(&WHITE)?;
        root.draw(&Text::new(plot.title.clone(), (16, 14), font(18)))?;
        let scale = Scale::of(plot, &data);
        legend(&root, plot, &data)?;
        match plot.kind {
            Kind::Lines => lines(&root, plot, &data, &scale, top)?,
            Kind::Bars => bars(&root, plot, &data, &scale, top)?,
        }
        root.present()?;
    }
    Ok(svg)
}

/// Maps numbers to positions along their axis.
struct Scale {
    log: bool,
    from: f64,
    to: f64,
    /// The highest number of labels.
    labels: usize,
}

impl Scale {
    /// From 0 to above the largest number, or whole powers of ten.
    fn of(plot: &Plot, data: &Data) -> Self {
        let (least, most) = data.range();
        let (from, to) = if plot.log {
            let from = least.log10().floor();
            (from, most.log10().ceil().max(from + 1.0))
        } else {
            (0.0, most * 1.08)
        };
        Self {
            log: plot.log,
            from,
            to,
            labels: if plot.log {
                (to - from) as usize + 1
            } else {
                8
            },
        }
    }

    fn at(&self, value: f64) -> f64 {
        if self.log { value.log10() } else { value }
    }

    fn label(&self, at: f64) -> String {
        let value = if self.log { 10_f64.powf(at) } else { at };
        if value >= 1000.0 {
            grouped(&format!("{value:.0}"))
        } else {
            ((value * 1000.0).round() / 1000.0).to_string()
        }
    }
}

/// Draws lines, with places from left to right.
fn lines(root: &Root, plot: &Plot, data: &Data, scale: &Scale, top: i32) -> anyhow::Result<()> {
    let last = data.places.len() as f64 - 0.5;
    let mut chart = ChartBuilder::on(root)
        .margin_top(top)
        .margin_right(24)
        .margin_left(8)
        .margin_bottom(FOOT)
        .y_label_area_size(76)
        .build_cartesian_2d(-0.5..last, scale.from..scale.to)?;
    grid(
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(0)
            .y_labels(scale.labels)
            .y_label_formatter(&|at| scale.label(*at))
            .y_desc(&plot.y_label),
    )?;
    let below = |place: usize| chart.backend_coord(&(place as f64, scale.from));
    for (nth, place) in data.places.iter().enumerate() {
        let (x, y) = below(nth);
        let style = anchored(14, HPos::Center, VPos::Top);
        root.draw(&Text::new(place.clone(), (x, y + 8), style))?;
    }
    let style = anchored(15, HPos::Center, VPos::Bottom);
    let middle = (
        i32::midpoint(below(0).0, below(data.places.len() - 1).0),
        HEIGHT as i32 - 8,
    );
    root.draw(&Text::new(plot.x_label.clone(), middle, style))?;
    for (nth, series) in data.series.iter().enumerate() {
        let colour = COLOURS[nth % COLOURS.len()];
        let points = series.points.iter().enumerate();
        let points: Vec<(usize, Point)> = points
            .filter_map(|(place, point)| Some((place, (*point)?)))
            .collect();
        let line = points
            .iter()
            .map(|(place, point)| (*place as f64, scale.at(point.value)));
        chart.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
        for (place, point) in points {
            let at = |value| chart.backend_coord(&(place as f64, scale.at(value)));
            if let Some((least, most)) = point.spread {
                root.draw(&PathElement::new(
                    vec![at(least), at(most)],
                    colour.mix(0.5),
                ))?;
            }
            mark(root, nth, at(point.value))?;
        }
    }
    Ok(())
}

/// Draws the axes, their labels and the grid.
fn grid(
    mesh: &mut MeshStyle<'_, '_, RangedCoordf64, RangedCoordf64, SVGBackend<'_>>,
) -> anyhow::Result<()> {
    mesh.light_line_style(WHITE)
        .bold_line_style(GRID)
        .axis_style(INK)
        .label_style(font(14))
        .axis_desc_style(font(15))
        .draw()?;
    Ok(())
}

/// Draws horizontal bars, with places from top to bottom.
fn bars(root: &Root, plot: &Plot, data: &Data, scale: &Scale, top: i32) -> anyhow::Result<()> {
    let longest = data.places.iter().map(|place| place.chars().count()).max();
    let names = 24 + 8 * longest.unwrap_or(0) as i32;
    // Leaves room for the number at the end of the longest bar.
    let to = scale.from + (scale.to - scale.from) * 1.06;
    let mut chart = ChartBuilder::on(root)
        .margin_top(top)
        .margin_right(24)
        .margin_left(names)
        .x_label_area_size(FOOT)
        .build_cartesian_2d(scale.from..to, 0.0..1.0)?;
    grid(
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .x_labels(scale.labels)
            .x_label_formatter(&|at| scale.label(*at))
            .x_desc(&plot.y_label),
    )?;
    let across = |value: f64| chart.backend_coord(&(scale.at(value), 0.0)).0;
    let start = chart.backend_coord(&(scale.from, 0.0)).0;
    let group = PITCH * data.series.len() as i32 + GAP;
    for (place, name) in data.places.iter().enumerate() {
        let first = top + GAP / 2 + 1 + group * place as i32;
        let style = anchored(14, HPos::Right, VPos::Center);
        let middle = first + (group - GAP) / 2;
        root.draw(&Text::new(name.clone(), (start - 8, middle), style))?;
        for (nth, series) in data.series.iter().enumerate() {
            let Some(point) = series.points.get(place).copied().flatten() else {
                continue;
            };
            let quiet = plot.emphasis.as_ref().is_some_and(|one| one != name);
            let colour = if quiet {
                QUIET
            } else {
                COLOURS[nth % COLOURS.len()]
            };
            let y = first + PITCH * nth as i32;
            let end = across(point.value);
            let corners = [(start, y + 1), (end, y + 1 + BAR)];
            root.draw(&Rectangle::new(corners, colour.filled()))?;
            let (least, most) = point.spread.unwrap_or((point.value, point.value));
            let (least, most) = (across(least), across(most));
            let middle = y + 1 + BAR / 2;
            root.draw(&PathElement::new(
                vec![(least, middle), (most, middle)],
                INK,
            ))?;
            let style = anchored(14, HPos::Left, VPos::Center);
            let number = Cell::number(point.value).shown();
            root.draw(&Text::new(number, (end.max(most) + 6, middle), style))?;
        }
    }
    Ok(())
}

/// Draws the mark of a series at a pixel.
fn mark(root: &Root, nth: usize, at: (i32, i32)) -> anyhow::Result<()> {
    let colour = COLOURS[nth % COLOURS.len()];
    let (x, y) = at;
    match nth % 4 {
        0 => root.draw(&Circle::new(at, 5, colour.filled()))?,
        1 => root.draw(&TriangleMarker::new(at, 7, colour.filled()))?,
        2 => root.draw(&Rectangle::new(
            [(x - 4, y - 4), (x + 4, y + 4)],
            colour.filled(),
        ))?,
        _ => root.draw(&Cross::new(at, 5, colour.stroke_width(2)))?,
    }
    Ok(())
}

fn font(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

fn anchored(size: i32, h: HPos, v: VPos) -> TextStyle<'static> {
    font(size).pos(Pos::new(h, v))
}

/// Draws the names of the series in one row, each after its mark.
fn legend(root: &Root, plot: &Plot, data: &Data) -> anyhow::Result<()> {
    if data.series.len() < 2 {
        return Ok(());
    }
    let mut x = 20;
    let y = HEAD + 6;
    for (nth, series) in data.series.iter().enumerate() {
        let colour = COLOURS[nth % COLOURS.len()];
        match plot.kind {
            Kind::Lines => {
                root.draw(&PathElement::new(
                    vec![(x, y), (x + 28, y)],
                    colour.stroke_width(2),
                ))?;
                mark(root, nth, (x + 14, y))?;
            }
            Kind::Bars => root.draw(&Rectangle::new(
                [(x + 6, y - 6), (x + 28, y + 6)],
                colour.filled(),
            ))?,
        }
        let style = anchored(15, HPos::Left, VPos::Center);
        root.draw(&Text::new(series.name.clone(), (x + 36, y), style))?;
        x += 60 + 9 * series.name.chars().count() as i32;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::draw;
    use crate::document::Part;

    #[test]
    fn both_kinds_show_names_and_units() {
        let part: Part = serde_json::from_str(
            r#"{ "title": "", "about": "", "columns": ["n", "peer", "ns"],
                "rows": [["1", "native", 5.0], ["1", "own", 30.0], ["8", "own", 7000.0]],
                "plots": [
                    { "title": "A & B", "kind": "lines", "x": "n", "y": ["ns"], "by": "peer", "log": true,
                      "x_label": "filters", "y_label": "ns per line" },
                    { "title": "C", "kind": "bars", "x": "peer", "y": ["ns"], "only": ["n", "1"],
                      "y_label": "ns per line", "emphasis": "own" }
                ] }"#,
        )
        .expect("a valid part");
        let drawn = |nth: usize| draw(&part, &part.plots[nth]).expect("a plot");
        let (lines, bars) = (drawn(0), drawn(1));
        for text in [
            "A &amp; B",
            "filters",
            "ns per line",
            "native",
            "own",
            "10,000",
            "polyline",
        ] {
            assert!(lines.contains(text), "{text}: {lines}");
        }
        for text in ["30.0", "ns per line", "native"] {
            assert!(bars.contains(text), "{text}: {bars}");
        }
        assert_eq!(drawn(0), lines);
    }
}
