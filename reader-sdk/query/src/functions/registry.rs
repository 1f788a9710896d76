//! Functions that the host program lends to queries.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use duramen_model::{Edn, Form, Instant, Keyword, Symbol, Value};
use uuid::Uuid;

/// Functions beyond the builtin ones, by name. Cheap to clone.
///
/// ```
/// # use duramen_query::Registry;
/// let registry = Registry::new()
///     .with("geo/distance", |a: f64, b: f64| (a - b).abs())
///     .with("text/slug", |title: String| title.to_lowercase().replace(' ', "-"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Registry {
    functions: HashMap<Symbol, Arc<HostFunction>>,
    aggregates: HashMap<Symbol, Arc<HostFunction>>,
}

impl Registry {
    /// Makes a registry without functions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function of up to four typed arguments. An argument of another type is an error of
    /// the query. The function may return a `Result`, whose error becomes one of the query, or an
    /// `Option`, whose `None` drops the row. Names of builtin functions stay theirs.
    #[must_use]
    pub fn with<Arguments>(
        mut self,
        name: impl AsRef<str>,
        function: impl IntoHostFunction<Arguments>,
    ) -> Self {
        let name = Symbol::new(name);
        self.functions.insert(name.clone(), Arc::new(function.into_host_function(name)));
        self
    }

    /// Adds an aggregate: a function whose last argument is the vector of all values of a group,
    /// after up to three constants that stand before the variable. It fails and drops nothing as
    /// functions do; a `None` shows as nil. Names of builtin aggregates stay theirs.
    ///
    /// ```
    /// # use duramen_query::Registry;
    /// let registry = Registry::new()
    ///     .with_aggregate("mode", |values: Vec<i64>| values.into_iter().max())
    ///     .with_aggregate("over", |least: i64, values: Vec<i64>| {
    ///         values.into_iter().filter(|value| *value > least).count() as i64
    ///     });
    /// # let _ = registry;
    /// ```
    #[must_use]
    pub fn with_aggregate<Arguments>(
        mut self,
        name: impl AsRef<str>,
        function: impl IntoHostFunction<Arguments>,
    ) -> Self {
        let name = Symbol::new(name);
        self.aggregates.insert(name.clone(), Arc::new(function.into_host_function(name)));
        self
    }

    pub(crate) fn aggregate(&self, name: &Symbol) -> Option<Arc<HostFunction>> {
        self.aggregates.get(name).cloned()
    }

    /// Whether both hold the very same functions.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same = |a: &HashMap<Symbol, Arc<HostFunction>>, b: &HashMap<_, Arc<_>>| {
            let own = |(name, own): (&Symbol, &Arc<_>)| {
                b.get(name).is_some_and(|other| Arc::ptr_eq(own, other))
            };
            a.len() == b.len() && a.iter().all(own)
        };
        same(&self.functions, &other.functions) && same(&self.aggregates, &other.aggregates)
    }

    pub(crate) fn function(&self, name: &Symbol) -> Option<Arc<HostFunction>> {
        self.functions.get(name).cloned()
    }
}

type Call = dyn Fn(&[Edn]) -> Result<Edn, String> + Send + Sync;

/// A registered function.
pub struct HostFunction {
    name: Symbol,
    arguments: usize,
    call: Box<Call>,
}

impl HostFunction {
    pub(crate) const fn arguments(&self) -> usize {
        self.arguments
    }

    pub(crate) fn call(&self, arguments: &[Edn]) -> Result<Edn, String> {
        (self.call)(arguments)
    }
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostFunction({}/{})", self.name, self.arguments)
    }
}

/// A closure that can be registered: its arguments are [`Argument`]s, its result is a [`Reply`].
pub trait IntoHostFunction<Arguments> {
    /// Wraps the closure.
    fn into_host_function(self, name: Symbol) -> HostFunction;
}

macro_rules! host_function {
    ($count:literal; $($argument:ident),*) => {
        impl<F, R, $($argument),*> IntoHostFunction<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> R + Send + Sync + 'static,
            R: Reply,
            $($argument: Argument),*
        {
            #[allow(non_snake_case, reason = "the type parameters name the arguments")]
            fn into_host_function(self, name: Symbol) -> HostFunction {
                let call = move |arguments: &[Edn]| {
                    let [$($argument),*] = arguments else {
                        return Err(format!("takes {} arguments", $count));
                    };
                    $(let $argument = <$argument as Argument>::from_edn($argument)?;)*
                    self($($argument),*).into_reply()
                };
                HostFunction { name, arguments: $count, call: Box::new(call) }
            }
        }
    };
}

host_function!(0;);
host_function!(1; A);
host_function!(2; A, B);
host_function!(3; A, B, C);
host_function!(4; A, B, C, D);

/// What a registered function can take.
pub trait Argument: Sized {
    /// Takes the argument out of what the query holds.
    ///
    /// # Errors
    /// Says what was expected when it is something else.
    fn from_edn(edn: &Edn) -> Result<Self, String>;
}

/// What a registered function can give.
pub trait Reply {
    /// What the query goes on with; nil drops the row.
    ///
    /// # Errors
    /// When the function failed.
    fn into_reply(self) -> Result<Edn, String>;
}

fn unexpected(expected: &str, edn: &Edn) -> String {
    format!("expected {expected}, found {}", edn.kind())
}

macro_rules! scalar {
    ($type:ty, $expected:literal, $variant:ident) => {
        impl Argument for $type {
            fn from_edn(edn: &Edn) -> Result<Self, String> {
                match edn {
                    Edn::Value(Value::$variant(value)) => Ok(value.clone()),
                    other => Err(unexpected($expected, other)),
                }
            }
        }

        impl Reply for $type {
            fn into_reply(self) -> Result<Edn, String> {
                Ok(Edn::Value(Value::$variant(self)))
            }
        }
    };
}

scalar!(bool, "a boolean", Boolean);
scalar!(i64, "an integer", Long);
scalar!(Arc<str>, "a string", String);
scalar!(Keyword, "a keyword", Keyword);
scalar!(Symbol, "a symbol", Symbol);
scalar!(Instant, "an instant", Instant);
scalar!(Uuid, "a uuid", Uuid);

impl Argument for f64 {
    /// Takes any number.
    fn from_edn(edn: &Edn) -> Result<Self, String> {
        let number = match edn {
            Edn::Value(value) => super::Number::of_value(value),
            _ => None,
        };
        number.map(|number| number.to_f64()).ok_or_else(|| unexpected("a number", edn))
    }
}

impl Reply for f64 {
    fn into_reply(self) -> Result<Edn, String> {
        Ok(Edn::from(self))
    }
}

impl Argument for String {
    fn from_edn(edn: &Edn) -> Result<Self, String> {
        edn.as_str().map(str::to_owned).ok_or_else(|| unexpected("a string", edn))
    }
}

impl Reply for String {
    fn into_reply(self) -> Result<Edn, String> {
        Ok(Edn::from(self))
    }
}

impl Argument for Edn {
    fn from_edn(edn: &Edn) -> Result<Self, String> {
        Ok(edn.clone())
    }
}

impl Reply for Edn {
    fn into_reply(self) -> Result<Edn, String> {
        Ok(self)
    }
}

impl<T: Argument> Argument for Option<T> {
    fn from_edn(edn: &Edn) -> Result<Self, String> {
        match edn {
            Edn::Nil => Ok(None),
            other => T::from_edn(other).map(Some),
        }
    }
}

impl<T: Reply> Reply for Option<T> {
    fn into_reply(self) -> Result<Edn, String> {
        self.map_or(Ok(Edn::Nil), T::into_reply)
    }
}

impl<T: Argument> Argument for Vec<T> {
    fn from_edn(edn: &Edn) -> Result<Self, String> {
        let forms = edn.as_sequence().ok_or_else(|| unexpected("a vector", edn))?;
        forms.iter().map(|form| T::from_edn(&form.edn)).collect()
    }
}

impl<T: Reply> Reply for Vec<T> {
    fn into_reply(self) -> Result<Edn, String> {
        let forms = self.into_iter().map(|member| member.into_reply().map(Form::from));
        Ok(Edn::Vector(forms.collect::<Result<_, _>>()?))
    }
}

impl<T: Reply, E: fmt::Display> Reply for Result<T, E> {
    fn into_reply(self) -> Result<Edn, String> {
        self.map_err(|error| error.to_string())?.into_reply()
    }
}
