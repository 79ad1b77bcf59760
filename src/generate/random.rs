//! Random numbers that stay the same for ever: SplitMix64 (Steele, Lea and Flood, 2014).
//!
//! It is spelled out here, because what a seed gives must not change with the version of a crate.

/// What splitmix64 adds at each step: 2^64 divided by the golden ratio.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A sequence of numbers that follows from a seed, a topic and an index alone.
///
/// Each record has a sequence of its own, so that it can be made again without those before it.
pub(super) struct Random(u64);

/// What a sequence is for.
#[derive(Clone, Copy)]
pub(super) enum Topic {
    Client = 1,
    Project = 2,
    Invoice = 3,
    Person = 4,
    Task = 5,
    Contact = 6,
    TaskAssignment = 7,
    UserAssignment = 8,
    Time = 9,
    Month = 10,
    Expense = 11,
}

impl Random {
    pub(super) fn new(seed: u64, topic: Topic, index: u64) -> Self {
        let base = mixed(seed.wrapping_add((topic as u64).wrapping_mul(STEP)));
        Random(mixed(base.wrapping_add(index)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0)
    }

    /// A number below the bound. For bounds this small, the numbers are practically equally likely.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from the first to the last.
    pub(super) fn within(&mut self, first: i64, last: i64) -> i64 {
        first + self.below(last.abs_diff(first) + 1) as i64
    }

    /// True in `cases` of a hundred cases.
    pub(super) fn percent(&mut self, cases: u64) -> bool {
        self.below(100) < cases
    }

    /// One of them.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// One of them, each as likely as its weight says.
    pub(super) fn weighted<T: Copy>(&mut self, from: &[(u64, T)]) -> T {
        let mut left = self.below(from.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in from {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *value,
            }
        }
        from[0].1
    }

    /// The pattern with a digit for each `#`, one from 1 for each `%` and a letter for each `@`.
    pub(super) fn filled(&mut self, pattern: &str) -> String {
        let mut between = |first: char, count: u64| char::from(first as u8 + self.below(count) as u8);
        let fill = |character| match character {
            '#' => between('0', 10),
            '%' => between('1', 9),
            '@' => between('A', 26),
            other => other,
        };
        pattern.chars().map(fill).collect()
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }
}

fn mixed(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut random = Random(1_234_567);
        let first: [u64; 3] = std::array::from_fn(|_| random.next());
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn bounds_hold_and_everything_within_them_comes() {
        let mut random = Random::new(1, Topic::Client, 0);
        let mut seen = [0; 7];
        for _ in 0..7_000 {
            seen[(random.within(-3, 3) + 3) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
        assert!((0..100).all(|_| random.percent(100) && !random.percent(0)));
        let weighted = (0..1_000).filter(|_| random.weighted(&[(1, 'a'), (0, 'b'), (3, 'c')]) == 'c').count();
        assert!((680..820).contains(&weighted), "{weighted}");
        assert!((0..1_000).all(|_| random.weighted(&[(1, 'a'), (0, 'b'), (3, 'c')]) != 'b'));
    }

    #[test]
    fn a_pattern_keeps_what_is_no_place_holder() {
        let text = Random::new(1, Topic::Client, 0).filled("%#-é@.");
        let characters: Vec<char> = text.chars().collect();
        assert!(matches!(characters[..], ['1'..='9', '0'..='9', '-', 'é', 'A'..='Z', '.']), "{text}");
    }

    #[test]
    fn sequences_of_other_seeds_topics_and_indexes_differ() {
        let first = |seed, topic, index| Random::new(seed, topic, index).next();
        let all = [
            first(1, Topic::Client, 0),
            first(2, Topic::Client, 0),
            first(1, Topic::Project, 0),
            first(1, Topic::Client, 1),
        ];
        assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)), "{all:?}");
    }
}
