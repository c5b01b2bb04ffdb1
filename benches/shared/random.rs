//! Numbers that are spread out and the same in every run.

/// Xorshift: a few instructions, so that drawing costs nothing beside what is measured.
///
/// Source: Marsaglia, "Xorshift RNGs", <https://doi.org/10.18637/jss.v008.i14>
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// A number below the limit.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The upper half times the limit: no division, and the bias is below one in a thousand.
        let upper = self.0 >> 32;
        u32::try_from((upper * u64::from(limit)) >> 32).expect("a product of halves fits")
    }
}
