//! Damage by chance, the same for the same seed: what bad cables, bugs of tools and other versions do to an answer.

/// Numbers in the order of a seed (splitmix64).
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// Those that this seed gives for this question.
    pub(super) fn new(seed: u64, question: &str) -> Chance {
        // FNV-1a: questions that look alike get other numbers.
        let mixed = question.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |all, it| {
            (all ^ u64::from(it)).wrapping_mul(0x0100_0000_01b3)
        });
        Chance(mixed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap();
        usize::try_from(self.next() % end).unwrap()
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

/// What numbers become.
const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1",
    "255",
    "65535",
    "4294967295",
    "9223372036854775807",
    "18446744073709551615",
    "99999999999999999999",
    "1e308",
    "NaN",
    "0x7fffffff",
    "1,5",
    "",
];

/// What is put between, or in place of a character.
const JUNK: [&str; 12] =
    ["\0", "\n", "\r", "\t", "\u{fffd}", "盘", "\"", "{", "]", ":", " ", "\u{1b}[31m"];

/// The text with one to three things wrong.
pub(super) fn damaged(text: &str, chance: &mut Chance) -> String {
    let mut text = text.to_owned();
    for _ in 0..=chance.below(3) {
        text = once(&text, chance);
    }
    text
}

fn once(text: &str, chance: &mut Chance) -> String {
    match chance.below(12) {
        0 => text[..place(text, chance)].to_owned(),
        1 => text[place(text, chance)..].to_owned(),
        2 => lines(text, chance, |all, at, _| {
            all.remove(at);
        }),
        3 => lines(text, chance, |all, at, _| all.insert(at, all[at])),
        4 => lines(text, chance, |all, at, other| all.swap(at, other)),
        5 => lines(text, chance, |all, at, other| all[at] = all[other]),
        6 | 7 => token(text, chance, |it| it.is_ascii_digit(), &NUMBERS),
        8 => {
            let words: Vec<&str> = text.split(|it: char| !it.is_alphanumeric()).collect();
            let other = chance.of(&words).copied().unwrap_or_default();
            token(text, chance, char::is_alphanumeric, &[other, "unknown", "N/A", ""])
        }
        9 => {
            let (one, two) = (place(text, chance), place(text, chance));
            let (from, to) = (one.min(two), one.max(two));
            text[..from].to_owned() + &text[to..]
        }
        10 => text.repeat(2),
        _ => {
            let at = place(text, chance);
            let junk = chance.of(&JUNK).unwrap();
            // Between two characters, or in place of one.
            let skip =
                text[at..].chars().next().filter(|_| chance.once_in(2)).map_or(0, char::len_utf8);
            text[..at].to_owned() + junk + &text[at + skip..]
        }
    }
}

/// Where a character begins, or the end.
fn place(text: &str, chance: &mut Chance) -> usize {
    let mut at = chance.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn lines(text: &str, chance: &mut Chance, change: impl Fn(&mut Vec<&str>, usize, usize)) -> String {
    let mut all: Vec<&str> = text.split('\n').collect();
    let (at, other) = (chance.below(all.len()), chance.below(all.len()));
    change(&mut all, at, other);
    all.join("\n")
}

/// One word or number in place of another.
fn token(text: &str, chance: &mut Chance, is: impl Fn(char) -> bool, by: &[&str]) -> String {
    let at = place(text, chance);
    let Some(from) = text[at..].find(&is).map(|it| at + it) else { return text.to_owned() };
    let to = text[from..].find(|it| !is(it)).map_or(text.len(), |it| from + it);
    text[..from].to_owned() + chance.of(by).unwrap() + &text[to..]
}

#[test]
fn the_same_seed_does_the_same_damage_and_another_one_other() {
    let text = "md0 : active raid1 sdb1[1] sda1[0]\n      1046528 blocks [2/2] [UU]\n";
    let with = |seed| damaged(text, &mut Chance::new(seed, "proc/mdstat"));
    assert_eq!(with(7), with(7));
    let all: std::collections::BTreeSet<String> = (0..1000).map(with).collect();
    assert!(all.len() > 600, "only {} of 1000 seeds do something of their own", all.len());
}
