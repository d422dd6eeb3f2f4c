//! Which instructions the first pass uses.

use fearless_simd::Level;

use super::{index::Index, window::Window};

/// The instructions that lines are found with. All give the same result; tests compare them.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct ReaderLevel(Kind);

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// No line is found, so that the grammar reads all of them.
    Grammar,
    /// One byte after the other.
    Scalar,
    Simd(Level),
}

impl Default for ReaderLevel {
    /// The best that the processor has.
    fn default() -> Self {
        match Level::new() {
            level if level.is_fallback() => Self(Kind::Scalar),
            level => Self(Kind::Simd(level)),
        }
    }
}

impl ReaderLevel {
    /// Leaves all lines to the grammar.
    pub const GRAMMAR: Self = Self(Kind::Grammar);

    /// Returns all that the processor has, with their names.
    pub fn all() -> Vec<(&'static str, Self)> {
        let mut all = vec![("scalar", Self(Kind::Scalar))];
        let level = Level::new();
        let mut add = |name, level: Option<Level>| {
            all.extend(level.map(|level| (name, Self(Kind::Simd(level)))));
        };
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        {
            add("sse2", level.as_sse2().map(Level::Sse2));
            add("sse4.2", level.as_sse4_2().map(Level::Sse4_2));
            add("avx2", level.as_avx2().map(Level::Avx2));
            add("avx512", level.as_avx512().map(Level::Avx512));
        }
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
        add("best", (!level.is_fallback()).then_some(level));
        all
    }

    /// Indexes the first bytes of a window. Returns the number of bytes that are indexed, if lines are found at all.
    pub(super) fn fill(
        self,
        index: &mut Index,
        window: Window<'_>,
        length: usize,
    ) -> Option<usize> {
        match self.0 {
            Kind::Grammar => None,
            Kind::Scalar => Some(index.fill_one_by_one(window, length)),
            Kind::Simd(level) => Some(index.fill(level, window, length)),
        }
    }
}
