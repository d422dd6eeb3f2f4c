//! Lines through points, in few bytes.

use std::fmt;

/// The line through points, which may have gaps.
#[derive(Default)]
pub(super) struct Path {
    /// Runs of points without a gap between them.
    runs: Vec<Vec<(u32, u32)>>,
}

impl Path {
    /// Creates a path through points. `None` is a gap.
    pub(super) fn new(points: impl IntoIterator<Item = Option<(u32, u32)>>) -> Self {
        let mut runs = vec![Vec::new()];
        for point in points {
            match (point, runs.last_mut()) {
                (Some(point), Some(run)) => run.push(point),
                _ => runs.push(Vec::new()),
            }
        }
        runs.retain(|run| !run.is_empty());
        Self { runs }
    }

    /// Returns dots for what a line would not show: points that have a gap on both sides, and the last point.
    pub(super) fn dots(&self) -> Self {
        let alone = self.runs.iter().filter(|run| run.len() == 1).cloned();
        let last = self.runs.last().filter(|run| run.len() > 1);
        let last = last.and_then(|run| run.last()).map(|point| vec![*point]);
        Self {
            runs: alone.chain(last).collect(),
        }
    }

    /// Returns the outline of the area between the line and a height below it.
    pub(super) fn down_to(&self, bottom: u32) -> Self {
        let wide = self.runs.iter().filter(|run| run.len() > 1);
        let closed = wide.map(|run| {
            let mut run = run.clone();
            let (first, last) = (run[0].0, run[run.len() - 1].0);
            run.extend([(last, bottom), (first, bottom)]);
            run
        });
        Self {
            runs: closed.collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

/// Writes the attribute `d`: relative, with one part for points in a row.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for run in &self.runs {
            let (x, y) = run[0];
            write!(f, "M{x} {y}")?;
            if run.len() == 1 {
                f.write_str("h0")?;
            }
            let mut flat = 0;
            for pair in run.windows(2) {
                let [(x, y), (next_x, next_y)] =
                    [pair[0], pair[1]].map(|(x, y)| (i64::from(x), i64::from(y)));
                let (right, down) = (next_x - x, next_y - y);
                if down == 0 && right >= 0 {
                    flat += right;
                    continue;
                }
                write_flat(f, &mut flat)?;
                match right {
                    0 => write!(f, "v{down}")?,
                    _ => write!(f, "l{right} {down}")?,
                }
            }
            write_flat(f, &mut flat)?;
        }
        Ok(())
    }
}

/// Writes a horizontal part, if there is one.
fn write_flat(f: &mut fmt::Formatter<'_>, length: &mut i64) -> fmt::Result {
    match std::mem::take(length) {
        0 => Ok(()),
        length => write!(f, "h{length}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_break_the_line_and_a_point_alone_is_a_dot() {
        let path = Path::new([
            Some((0, 5)),
            Some((4, 5)),
            Some((8, 5)),
            Some((12, 2)),
            None,
            Some((20, 9)),
            None,
        ]);
        assert_eq!(path.to_string(), "M0 5h8l4 -3M20 9h0");
        assert_eq!(path.dots().to_string(), "M20 9h0");
        assert_eq!(path.down_to(10).to_string(), "M0 5h8l4 -3v8l-12 0");
        assert!(Path::new([None, None]).is_empty());
    }
}
