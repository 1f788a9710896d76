//! Which transactions a reader is interested in.

use duramen_model::T;

use crate::{Layer, Pointer};

/// The transactions that a reader is interested in, so that what has nothing of them need not be
/// loaded: those after one, up to another. The default is all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Facts that were neither opened nor closed later than this do not matter.
    pub after: Option<T>,
    /// Facts that were opened later than this do not matter.
    pub up_to: Option<T>,
}

impl Times {
    /// Whether nothing at or below a pointer matters, in a run that is the oldest or is not.
    pub(crate) fn miss(&self, pointer: &Pointer, layer: Layer, is_oldest: bool) -> bool {
        // What a skipped record hides is older still, so it does not matter either.
        let too_old = self.after.is_some_and(|after| pointer.t_max <= after);
        // But here what it hides may matter: only where there is nothing to hide, or nothing ever
        // is hidden, it can be skipped.
        let too_young = self.up_to.is_some_and(|up_to| pointer.t_min > up_to);
        too_old || (too_young && (is_oldest || layer == Layer::History))
    }

    /// Whether a closed fact does not matter.
    pub(crate) fn miss_closed(&self, added: T, closed: T) -> bool {
        self.after.is_some_and(|after| closed <= after)
            || self.up_to.is_some_and(|up_to| added > up_to)
    }
}
