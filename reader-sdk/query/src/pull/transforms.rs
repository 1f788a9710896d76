//! The functions that `:xform` can name.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use duramen_model::Symbol;
use duramen_model::edn::Edn;

/// A function of a pull pattern: takes what would be shown, gives what is shown instead.
pub(super) type Transform = Arc<dyn Fn(&Edn) -> Result<Edn, String> + Send + Sync>;

/// The functions that `:xform` can name. A pattern reaches these and nothing else of the host.
///
/// ```
/// # use duramen_model::{Edn, Symbol};
/// # use duramen_query::pull::Transforms;
/// let transforms = Transforms::new().with(Symbol::new("shout"), |shown| match shown.as_str() {
///     Some(text) => Ok(Edn::from(text.to_uppercase())),
///     None => Err(format!("expected a string, found {}", shown.kind())),
/// });
/// # let _ = transforms;
/// ```
#[derive(Clone, Default)]
pub struct Transforms {
    functions: HashMap<Symbol, Transform>,
}

impl Transforms {
    /// No functions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a function under a name; it takes the place of an earlier one.
    ///
    /// The function gets the value, or the vector of values of an attribute that has many, after
    /// the limit; it is not called when there is nothing. What it gives is shown instead; nil
    /// counts as nothing.
    #[must_use]
    pub fn with(
        mut self,
        name: Symbol,
        function: impl Fn(&Edn) -> Result<Edn, String> + Send + Sync + 'static,
    ) -> Self {
        self.functions.insert(name, Arc::new(function));
        self
    }

    /// The function under a name.
    pub(super) fn get(&self, name: &Symbol) -> Option<&Transform> {
        self.functions.get(name)
    }
}

impl fmt::Debug for Transforms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.functions.keys()).finish()
    }
}
