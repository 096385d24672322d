//! The only randomness of the world: small, stable over versions of every crate, and forked by purpose, so that one more
//! draw in one place does not change what happens in another.

/// A stream of numbers (SplitMix64, Steele and others, 2014).
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The stream of a seed for one purpose.
    #[must_use]
    pub fn new(seed: u64, purpose: &str) -> Self {
        // FNV-1a over the purpose: equal on every machine.
        let start = 0xcbf2_9ce4_8422_2325_u64;
        let named = purpose.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ named }
    }

    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`; 0 where there is nothing below.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    /// From `low` to `high`, both possible.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in so many of a thousand cases.
    pub fn permille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }

    /// One of the choices, each as likely as its weight says.
    ///
    pub fn weighted<T: Copy>(&mut self, choices: &[(u64, T)]) -> Option<T> {
        let total = choices.iter().map(|(weight, _)| weight).sum();
        let mut rest = self.below(total);
        choices.iter().find_map(|(weight, choice)| {
            if rest < *weight {
                return Some(*choice);
            }
            rest -= weight;
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_seed_and_a_purpose_name_one_stream() {
        let draws =
            |seed, purpose| (0..4).scan(Dice::new(seed, purpose), |dice, _| Some(dice.draw())).collect::<Vec<_>>();
        assert_eq!(draws(7, "faults"), draws(7, "faults"));
        assert_ne!(draws(7, "faults"), draws(8, "faults"));
        assert_ne!(draws(7, "faults"), draws(7, "latency"));
    }

    #[test]
    fn weights_decide_how_often() {
        let mut dice = Dice::new(1, "weights");
        let rare = (0..1_000).filter(|_| dice.weighted(&[(9, 'a'), (1, 'b')]) == Some('b')).count();
        assert!((50..200).contains(&rare), "{rare}");
    }
}
