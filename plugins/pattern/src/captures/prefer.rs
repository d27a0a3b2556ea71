//! Prefers matches that are not empty.
//!
//! In: an expression. Out: one that matches in the same places, but where one alternative matches nothing and
//! another one a text, the text. Not here: choosing among texts, which stays as it is.

use regex_syntax::hir::{Capture, Hir, HirKind, Repetition};

/// Moves what matches nothing behind the other alternatives of an expression: `^|,` becomes `,|^`, and `a*|b`
/// becomes `a+|b|`. It does so only where nothing follows, since elsewhere the order decides more than that.
pub(super) fn text(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Capture(Capture { index, name, sub }) => Hir::capture(Capture {
            index,
            name,
            sub: Box::new(text(*sub)),
        }),
        HirKind::Alternation(all) => {
            let (mut texts, mut empty) = (Vec::new(), Vec::new());
            for one in all {
                if one.properties().maximum_len() == Some(0) {
                    empty.push(one);
                    continue;
                }
                match one.kind() {
                    HirKind::Repetition(repetition) if may_be_left_out(repetition) => {
                        texts.push(Hir::repetition(Repetition {
                            min: 1,
                            ..repetition.clone()
                        }));
                        empty.push(Hir::empty());
                    }
                    _ => texts.push(one),
                }
            }
            texts.extend(empty);
            Hir::alternation(texts)
        }
        // Each kind can become an expression again as it is.
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Repetition(repetition) => Hir::repetition(repetition),
        HirKind::Concat(all) => Hir::concat(all),
    }
}

/// Whether nothing is matched only if there is no text to match.
fn may_be_left_out(repetition: &Repetition) -> bool {
    let has_text = repetition.sub.properties().minimum_len() > Some(0);
    repetition.min == 0 && repetition.greedy && has_text
}
