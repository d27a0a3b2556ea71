//! Spans: where the lines of a filter's answer are in its block.
//!
//! In: the length of a block, and the spans that a guest returned with it. Out: start and end of each
//! line, or [`Broken`]. Every answer that has spans goes through here before a byte of it is copied.
//! Not here: what a line may contain (`checks`).

use super::Broken;

/// Start and end of each line in a block of `block` bytes.
///
/// Spans ascend and lie in the block, so no two lines overlap. All lines together are therefore never
/// longer than the block: what the host copies is bounded by what the guest handed over.
///
/// # Errors
/// [`Broken`] if spans are not pairs, descend, overlap or end outside the block.
pub(super) fn contents(block: usize, spans: &[u32]) -> Result<Vec<(usize, usize)>, Broken> {
    let (pairs, rest) = spans.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Broken("spans are not pairs"));
    }
    if !spans.is_sorted() || spans.last().is_some_and(|end| *end as usize > block) {
        return Err(Broken("spans descend, or end outside the block"));
    }
    let content = |[start, end]: &[u32; 2]| (*start as usize, *end as usize);
    Ok(pairs.iter().map(content).collect())
}

#[cfg(test)]
mod tests {
    use super::contents;
    use proptest::prelude::*;

    #[test]
    fn only_lines_that_do_not_overlap_are_accepted() {
        assert_eq!(contents(6, &[0, 3, 3, 6]), Ok(vec![(0, 3), (3, 6)]));
        assert_eq!(contents(6, &[1, 1, 1, 1]), Ok(vec![(1, 1), (1, 1)]));
        assert_eq!(contents(0, &[]), Ok(vec![]));
        for (spans, part) in [
            (&[0, 3, 3][..], "pairs"),
            (&[0, 6, 0, 6], "descend"),
            (&[0, 4, 3, 6], "descend"),
            (&[3, 2], "descend"),
            (&[0, 7], "outside"),
            (&[0, u32::MAX], "outside"),
        ] {
            let broken = contents(6, spans).expect_err("refused").to_string();
            assert!(broken.contains(part), "{spans:?}: {broken}");
        }
    }

    proptest! {
        /// Whatever a guest answers: what is accepted is in the block, and no byte belongs to two lines.
        #[test]
        fn lines_are_never_longer_than_their_block(
            block in 0_usize..40,
            mut spans in prop::collection::vec(0_u32..48, 0..24),
            sorted: bool,
        ) {
            if sorted {
                spans.sort_unstable();
            }
            if let Ok(lines) = contents(block, &spans) {
                prop_assert_eq!(lines.len() * 2, spans.len());
                let mut covered = vec![0_u32; block];
                for (start, end) in lines {
                    covered[start..end].iter_mut().for_each(|times| *times += 1);
                }
                prop_assert!(covered.iter().all(|times| *times <= 1), "{:?}", covered);
            }
        }
    }
}
