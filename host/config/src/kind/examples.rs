//! The kind of `test` of a filter: a list of examples.

use super::Kind;
use crate::checker::Checker;
use crate::item::Item;
use crate::settings::FilterTest;
use crate::shape::Shape;

/// A list of tables, each with lines and what a filter makes of them.
pub(crate) struct Examples;

const RIGHT: &str = "write test = [ { in = [\"a line\"], out = [\"what must come\"] } ]";

impl Kind<Vec<FilterTest>> for Examples {
    fn name(&self) -> String {
        "list of tables".to_owned()
    }

    fn shape(&self) -> Shape {
        Shape::Table(FilterTest::keys).list()
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Vec<FilterTest>> {
        let items = item
            .list()
            .map_err(|_| item.refuse("is not a list of tables", RIGHT));
        let items = checker.problems.keep(items)?;
        let name = |index| format!("test {} of {}", index + 1, item.owner());
        let tests = items.iter().enumerate();
        let tests = tests.filter_map(|(index, item)| example(item, name(index), checker));
        Some(tests.collect())
    }

    fn show(&self, _: &Vec<FilterTest>) -> Option<String> {
        None
    }
}

fn example(item: &Item<'_>, name: String, checker: &mut Checker<'_>) -> Option<FilterTest> {
    let table = checker.problems.keep(item.table(name, RIGHT))?;
    table.refuse_unknown(FilterTest::KEYS, checker);
    checker.require(&table, FilterTest::KEYS, RIGHT);
    let (given, expected) = (table.item("in"), table.item("out"));
    if let Some(item) = &given
        && item.list().is_ok_and(|lines| lines.is_empty())
    {
        let hint = "give the filter at least one line";
        checker.problems.push(item.refuse("has no line", hint));
    }
    let [input, output] = [given, expected].map(|item| match item {
        Some(item) => checker.list(&item, Item::line),
        None => Vec::new(),
    });
    Some(FilterTest {
        input,
        output,
        place: table.place,
    })
}
