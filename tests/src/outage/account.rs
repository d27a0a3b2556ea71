//! What became of numbered lines.
//!
//! In: the bytes of each connection. Out: how many lines came, and
//! how many came again; or what is wrong with them.

use anyhow::{bail, ensure};

use super::flow::number;

/// The lines that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    /// How many, each counted once.
    pub(crate) came: u64,
    /// How often one came again.
    pub(crate) doubled: u64,
}

impl Account {
    /// Reads what each connection has brought. `sent` lines were sent.
    ///
    /// # Errors
    /// When a line is damaged, or out of order within its connection, or was never sent.
    pub(crate) fn of(connections: &[Vec<u8>], sent: u64) -> anyhow::Result<Self> {
        let mut seen = vec![false; usize::try_from(sent)?];
        let (mut came, mut doubled) = (0, 0);
        for bytes in connections {
            let mut last = None;
            for text in bytes.split_inclusive(|&byte| byte == b'\n') {
                let Some(text) = text.strip_suffix(b"\n") else {
                    // The connection ended within this line.
                    continue;
                };
                let Some(number) = std::str::from_utf8(text).ok().and_then(number) else {
                    bail!("damaged: {}", text.escape_ascii());
                };
                ensure!(
                    last.is_none_or(|last| number > last),
                    "line {number} came after line {last:?} on one connection"
                );
                last = Some(number);
                match seen.get_mut(usize::try_from(number)?) {
                    None => bail!("line {number} came, and {sent} were sent"),
                    Some(seen) if *seen => doubled += 1,
                    Some(seen) => {
                        *seen = true;
                        came += 1;
                    }
                }
            }
        }
        Ok(Self { came, doubled })
    }
}

#[cfg(test)]
mod tests {
    use super::Account;
    use crate::outage::flow::line;

    fn lines(numbers: &[u64]) -> String {
        let mut text = String::new();
        numbers.iter().for_each(|number| line(&mut text, *number));
        text
    }

    fn of(connections: &[String], sent: u64) -> Result<(u64, u64), String> {
        let connections: Vec<_> = connections
            .iter()
            .map(|text| text.clone().into_bytes())
            .collect();
        Account::of(&connections, sent)
            .map(|account| (account.came, account.doubled))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn lines_are_counted_once_and_again() {
        let torn = lines(&[0, 1]) + &lines(&[2])[..20];
        assert_eq!(of(&[torn, lines(&[1, 2, 4])], 5), Ok((4, 1)));
        assert_eq!(of(&[], 0), Ok((0, 0)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |connections: &[String], sent| of(connections, sent).expect_err("wrong");
        assert!(wrong(&[lines(&[1, 0])], 2).contains("line 0 came after"));
        assert!(wrong(&[lines(&[1, 1])], 2).contains("line 1 came after"));
        assert!(wrong(&[lines(&[2])], 2).contains("2 were sent"));
        assert!(wrong(&["half a".to_owned() + &lines(&[0])], 2).contains("damaged"));
    }
}
