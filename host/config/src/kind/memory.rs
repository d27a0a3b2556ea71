//! The kind of key `memory` of `[host]`: a size, or what the system allows.

use super::{Kind, Size};
use crate::checker::Checker;
use crate::item::Item;
use crate::shape::Shape;

/// `"auto"`, which is `None`, or a size within the range.
pub(crate) struct AutoSize(pub(crate) Size);

/// The word for a size that the host finds out.
const AUTO: &str = "auto";

impl Kind<Option<u64>> for AutoSize {
    fn name(&self) -> String {
        format!("`\"{AUTO}\"`, or {}", Kind::<u64>::name(&self.0))
    }

    fn shape(&self) -> Shape {
        Shape::Choice(vec![AUTO]).or(Kind::<u64>::shape(&self.0))
    }

    fn read(&self, item: &Item<'_>, checker: &mut Checker<'_>) -> Option<Option<u64>> {
        if item.text().is_ok_and(|text| text == AUTO) {
            return Some(None);
        }
        self.0.read(item, checker).map(Some)
    }

    fn show(&self, value: &Option<u64>) -> Option<String> {
        match value {
            Some(size) => self.0.show(size),
            None => Some(AUTO.to_owned()),
        }
    }
}
