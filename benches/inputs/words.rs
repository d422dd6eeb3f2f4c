//! Words, names and label values that do not repeat.

use std::{collections::HashSet, fmt::Write};

use fastrand::Rng;

use crate::written;

/// A source of words and of names made of them.
pub(crate) struct Words {
    rng: Rng,
    words: Vec<String>,
    names: HashSet<String>,
}

impl Words {
    /// The number of different words. A program and its libraries use a few hundred in the names of their metrics.
    const COUNT: usize = 400;

    /// Words that mean something to a format.
    const RESERVED: [&str; 4] = ["bucket", "le", "sum", "total"];

    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut words = Vec::with_capacity(Self::COUNT);
        while words.len() < Self::COUNT {
            let word = word(&mut rng);
            if !Self::RESERVED.contains(&&*word) {
                words.push(word);
            }
        }
        Self {
            rng,
            words,
            names: HashSet::new(),
        }
    }

    /// Returns the generator of random numbers, for what else is drawn.
    pub(crate) fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    pub(crate) fn word(&mut self) -> &str {
        &self.words[self.rng.usize(..Self::COUNT)]
    }

    /// Returns a metric name of two to five words that was not returned before.
    pub(crate) fn metric_name(&mut self) -> String {
        loop {
            let count = self.rng.usize(2..=5);
            let name = self.joined(count, "_");
            if self.names.insert(name.clone()) {
                return name;
            }
        }
    }

    /// Returns as many different label names, none of which means anything to a format.
    pub(crate) fn label_names(&mut self, count: usize) -> Vec<String> {
        let mut names: Vec<String> = Vec::with_capacity(count);
        while names.len() < count {
            let words = self.rng.usize(1..=2);
            let name = self.joined(words, "_");
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Returns a sentence to help with.
    pub(crate) fn help(&mut self) -> String {
        let count = self.rng.usize(3..=12);
        let mut sentence = self.joined(count, " ");
        sentence[..1].make_ascii_uppercase();
        sentence.push('.');
        sentence
    }

    /// Returns a label value of one of the kinds that exporters write, without quotes, backslashes, commas, equals signs
    /// and braces.
    pub(crate) fn label_value(&mut self) -> String {
        let mut value = String::new();
        written(self.push_label_value(&mut value));
        value
    }

    fn push_label_value(&mut self, out: &mut String) -> std::fmt::Result {
        match self.rng.u8(0..10) {
            0 | 1 => write!(out, "{}", self.rng.u32(..) >> self.rng.u32(12..32)),
            2 | 3 => {
                for _ in 0..self.rng.u32(1..=5) {
                    write!(out, "/{}", self.word())?;
                }
                Ok(())
            }
            4 => {
                let [a, b, c, d] = self.rng.u32(..).to_be_bytes();
                write!(out, "{a}.{b}.{c}.{d}:{}", self.rng.u16(1024..))
            }
            5 => write!(out, "{:x}", self.rng.u64(..)),
            6 => {
                let (first, number) = (self.word().to_owned(), self.rng.u32(0..1000));
                write!(out, "{first}-{}-{number}", self.word())
            }
            _ => write!(out, "{}", self.word()),
        }
    }

    fn joined(&mut self, count: usize, separator: &str) -> String {
        let words: Vec<String> = (0..count).map(|_| self.word().to_owned()).collect();
        words.join(separator)
    }
}

/// Makes up a word of one to four syllables.
fn word(rng: &mut Rng) -> String {
    const CONSONANTS: &[u8] = b"bcdfghjklmnprstvwz";
    const VOWELS: &[u8] = b"aeiou";
    let mut word = String::new();
    for _ in 0..rng.usize(1..=4) {
        word.push(char::from(CONSONANTS[rng.usize(..CONSONANTS.len())]));
        word.push(char::from(VOWELS[rng.usize(..VOWELS.len())]));
        if rng.bool() {
            word.push(char::from(CONSONANTS[rng.usize(..CONSONANTS.len())]));
        }
    }
    word
}
