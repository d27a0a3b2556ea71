//! Writers that take a little at a time, or nothing.

use super::*;

/// Takes at most `most` bytes a write, in one piece or from several.
struct Slow {
    most: usize,
    vectored: bool,
    taken: Vec<u8>,
}

impl AsyncWrite for Slow {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = bytes.len().min(self.most);
        self.taken.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let before = self.taken.len();
        for slice in slices {
            let room = self.most - (self.taken.len() - before);
            let count = slice.len().min(room);
            self.taken.extend_from_slice(&slice[..count]);
        }
        Poll::Ready(Ok(self.taken.len() - before))
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn bytes_go_out_in_order_however_they_are_taken() {
    for (most, vectored) in [(1, false), (1, true), (3, true), (7, false), (100, true)] {
        let mut queue = WriteQueue::default();
        for block in 0..40 {
            queue.push(format!("{block}\n{block}\n").into_bytes(), 2, Framing::Lf);
        }
        queue.push(Vec::new(), 0, Framing::Lf);
        let all: String = (0..40).map(|block| format!("{block}\n{block}\n")).collect();
        assert_eq!(queue.bytes(), all.len());
        let mut slow = Slow {
            most,
            vectored,
            taken: Vec::new(),
        };
        let mut lines = 0;
        while !queue.is_done() {
            lines += queue.write(&mut slow).await.expect("takes").lines;
        }
        assert_eq!(slow.taken, all.as_bytes());
        assert_eq!(lines, 80);
    }
}

#[tokio::test]
async fn what_is_given_up_is_counted_by_whole_lines() {
    let mut queue = WriteQueue::default();
    queue.push(b"a\nb\nc\n".to_vec(), 3, Framing::Lf);
    queue.push(b"d\ne".to_vec(), 2, Framing::Lf);
    let mut slow = Slow {
        most: 5,
        vectored: false,
        taken: Vec::new(),
    };
    assert_eq!(
        queue.write(&mut slow).await.expect("takes"),
        Taken { bytes: 5, lines: 0 }
    );
    assert_eq!(queue.discard(), (2, 3));
    assert!(queue.is_done());
}

#[tokio::test]
async fn a_writer_that_takes_nothing_is_an_error() {
    let mut queue = WriteQueue::default();
    queue.push(b"a\n".to_vec(), 1, Framing::Lf);
    let mut stuck = Slow {
        most: 0,
        vectored: false,
        taken: Vec::new(),
    };
    let error = queue.write(&mut stuck).await.expect_err("takes nothing");
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}

#[test]
fn octet_lines_are_counted_by_their_lengths() {
    for (bytes, lines) in [
        ("", (0, 0)),
        ("5 hel", (0, 0)),
        ("5 hello3 ab", (1, 7)),
        ("5 hello3 abc", (2, 12)),
        ("1", (0, 0)),
        ("1 ", (0, 0)),
    ] {
        assert_eq!(
            Framing::Octet.whole_lines(bytes.as_bytes()),
            lines,
            "{bytes}"
        );
    }
}
