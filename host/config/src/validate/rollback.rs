//! Rules between the keys of `rollback` of `[host]`.

use crate::checker::Checker;
use crate::kind::Written;
use crate::settings::Rollback;

/// Without `share` and without `dropped`, nothing would ever be rolled back.
pub(crate) fn rollback(_: &mut Rollback, written: &Written<'_, '_>, checker: &mut Checker<'_>) {
    let (table, right) = (written.table, written.right);
    if !table.has("share") && !table.has("dropped") {
        checker.problems.push(table.lacks("share", right));
    }
}
