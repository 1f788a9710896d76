//! Work on many rows, on several threads.

use std::ops::Range;

use crate::budget::Meter;

/// What is done with a stretch of rows, by several threads at once. In a browser there is but one, and
/// what it works with stays on it.
#[cfg(not(target_arch = "wasm32"))]
pub(super) trait Work<T>: Fn(Range<usize>) -> T + Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T, W: Fn(Range<usize>) -> T + Sync> Work<T> for W {}
/// What is done with a stretch of rows, by several threads at once. In a browser there is but one, and
/// what it works with stays on it.
#[cfg(target_arch = "wasm32")]
pub(super) trait Work<T>: Fn(Range<usize>) -> T {}
#[cfg(target_arch = "wasm32")]
impl<T, W: Fn(Range<usize>) -> T> Work<T> for W {}

/// Does work on stretches of so many rows, none shorter than the least but the only one, at the
/// same time where there are threads. What comes of each stands in the order of the stretches.
pub(super) fn in_parts<T: Send>(
    rows: usize,
    rows_min: usize,
    meter: &Meter,
    work: impl Work<T>,
) -> Vec<T> {
    let parts = (rows / rows_min.max(1)).min(threads(meter)).max(1);
    let len = rows.div_ceil(parts);
    let part = |number: usize| (number * len).min(rows)..((number + 1) * len).min(rows);
    if parts == 1 {
        return vec![work(0..rows)];
    }
    together((0..parts).map(part).collect(), &work)
}

/// Works on the first part here, and on each other on a thread of its own.
#[cfg(not(target_arch = "wasm32"))]
fn together<T: Send>(parts: Vec<Range<usize>>, work: &impl Work<T>) -> Vec<T> {
    let mut parts = parts.into_iter();
    let first = parts.next();
    std::thread::scope(|scope| {
        let others: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
        let mut done: Vec<T> = first.into_iter().map(work).collect();
        for other in others {
            match other.join() {
                Ok(own) => done.push(own),
                // What panicked there panics here, as it would have without the thread.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    })
}

#[cfg(target_arch = "wasm32")]
fn together<T: Send>(parts: Vec<Range<usize>>, work: &impl Work<T>) -> Vec<T> {
    parts.into_iter().map(work).collect()
}

#[cfg(not(target_arch = "wasm32"))]
fn threads(meter: &Meter) -> usize {
    use std::sync::OnceLock;
    // Asked once: the answer stands in files.
    static THREADS: OnceLock<usize> = OnceLock::new();
    let has = || std::thread::available_parallelism().map_or(1, usize::from);
    meter.limits.threads_max.min(*THREADS.get_or_init(has))
}

/// In a browser there is but one.
#[cfg(target_arch = "wasm32")]
fn threads(_: &Meter) -> usize {
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Limits;

    #[test]
    fn parts_come_in_order_and_leave_nothing_out() {
        for (rows, threads_max) in [(0, 4), (7, 4), (8, 1), (8, 4), (1000, 3), (1001, 64)] {
            let limits = Limits { threads_max, ..Limits::default() };
            let meter = Meter::start(limits, None, None, None).expect("no limit of time");
            let parts = in_parts(rows, 4, &meter, |part| part.collect::<Vec<_>>());
            assert!(parts.len() <= threads_max.max(1));
            assert!(parts.len() == 1 || parts.iter().all(|part| part.len() >= 3), "{rows}");
            assert_eq!(parts.concat(), (0..rows).collect::<Vec<_>>());
        }
    }
}
