//! Rotates each ASCII letter by thirteen places. Applying it twice restores the line.

mod about;

use linemill_sdk::{byte_fn, export};

byte_fn!(pub Rot13 = rot13);
export!(Rot13: About);

fn rot13(byte: u8) -> u8 {
    // Map letters of either case to the top of the signed range, so that one comparison finds them.
    let position = (byte | 0x20).wrapping_add(5).cast_signed(); // a to z: 102 to 127
    let (letter, second_half) = (u8::from(position > 101), u8::from(position > 114));
    byte.wrapping_add(13 * letter)
        .wrapping_sub(26 * second_half)
}

#[cfg(test)]
mod tests {
    use super::Rot13;
    use linemill_sdk::testing::{self, Verdict, json};

    #[test]
    fn rotates_letters_and_nothing_else() {
        let input = ["Hello", "", "Grüße, 13!", "AZaz@[`{"];
        let output = ["Uryyb", "", "Teüßr, 13!", "NMnm@[`{"];
        assert_eq!(testing::lines::<Rot13>(json!({}), input), output);
    }

    #[test]
    fn twice_is_the_identity_on_every_byte() {
        let every: Vec<u8> = (0..=255).collect();
        let once = testing::lines::<Rot13>(json!({}), [&every]);
        assert!(once[0] != every);
        assert_eq!(testing::lines::<Rot13>(json!({}), [&once[0].0]), [every]);
    }

    #[test]
    fn no_line_is_lost() {
        let verdicts = testing::verdicts::<Rot13>(json!({}), ["a", "1", ""]);
        assert_eq!(
            verdicts,
            [Verdict::Replace("n".into()), Verdict::Pass, Verdict::Pass]
        );
    }

    #[test]
    fn takes_no_settings() {
        assert_eq!(
            testing::refusal::<Rot13>(json!({ "shift": 14 })),
            "unknown key `shift`; this filter takes no settings",
        );
    }
}
