//! From bindings to the rows of an answer, and whether other rows are the same answer.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use duramen_model::edn::{Edn, Form};
use duramen_model::{Keyword, Value};

use super::functions::{add, double, equal, holds, is_nan, order, total_order};
use super::language::{Element, Find, Having, Shape, Var};
use super::naive::{Bindings, GivesUp, Outcome};

/// Rows of aggregates are compared one with each other.
const GROUPS_MAX: usize = 1_000;

/// The rows, each once, without order or limit.
pub(crate) fn found(find: &Find, bindings: &[Bindings]) -> Outcome<Vec<Vec<Edn>>> {
    let mut vars: Vec<Var> = find.all().map(Element::var).collect();
    vars.extend(&find.with);
    let row = |bindings: &Bindings| -> Outcome<Vec<Value>> {
        vars.iter().map(|var| bindings[*var].clone().ok_or(GivesUp)).collect()
    };
    let rows = bindings.iter().map(row).collect::<Outcome<BTreeSet<Vec<Value>>>>()?;
    let all = find.all().count();
    if !find.aggregates() {
        // With `:with` alone rows may repeat, which is not compared.
        if !find.with.is_empty() {
            return Err(GivesUp);
        }
        let rows = rows.into_iter().map(|row| row.into_iter().map(Edn::Value).collect());
        return kept(find, rows.collect());
    }
    let mut groups: BTreeMap<Vec<Value>, Vec<Vec<Value>>> = BTreeMap::new();
    for row in rows {
        let key = find.elements.iter().zip(&row).filter(|(element, _)| is_key(element));
        let key = key.map(|(_, value)| value.clone()).collect();
        groups.entry(key).or_default().push(row);
    }
    let group = |rows: &Vec<Vec<Value>>| {
        let cell = |at: usize| match find.element(at) {
            Element::Var(_) => Ok(Edn::Value(rows[0][at].clone())),
            Element::Aggregate(name, number, _) => {
                let cells = rows.iter().map(|row| row[at].clone()).collect();
                aggregate(name, *number, cells)
            }
        };
        (0..all).map(cell).collect()
    };
    kept(find, groups.values().map(group).collect::<Outcome<_>>()?)
}

/// The rows that pass what is asked of them.
fn kept(find: &Find, rows: Vec<Vec<Edn>>) -> Outcome<Vec<Vec<Edn>>> {
    let Some(Having(name, place, value)) = &find.having else { return Ok(rows) };
    let mut kept = Vec::new();
    for row in rows {
        let own = plain(&row[*place]).ok_or(GivesUp)?;
        if holds(name, &[own, value.clone()]).map_err(|_| GivesUp)? {
            kept.push(row);
        }
    }
    Ok(kept)
}

/// A value, or a vector of them as a tuple; nothing for sets.
pub(crate) fn plain(edn: &Edn) -> Option<Value> {
    let member = |form: &Form| match &form.edn {
        Edn::Nil => Some(None),
        edn => plain(edn).map(Some),
    };
    match edn {
        Edn::Value(value) => Some(value.clone()),
        Edn::Vector(forms) => forms.iter().map(member).collect::<Option<_>>().map(Value::Tuple),
        _ => None,
    }
}

const fn is_key(element: &Element) -> bool {
    matches!(element, Element::Var(_))
}

fn aggregate(name: &str, number: Option<usize>, mut cells: Vec<Value>) -> Outcome<Edn> {
    let distinct = |cells: &[Value]| cells.iter().cloned().collect::<BTreeSet<Value>>();
    let forms =
        |cells: Vec<Value>| -> Vec<Form> { cells.into_iter().map(Form::from_value).collect() };
    Ok(match (name, number) {
        ("count", _) => Edn::from(cells.len() as i64),
        ("count-distinct", _) => Edn::from(distinct(&cells).len() as i64),
        ("distinct", _) => Edn::Set(forms(distinct(&cells).into_iter().collect())),
        ("sum", _) => Edn::Value(
            cells
                .iter()
                .try_fold(Value::Long(0), |sum, cell| add(&sum, cell).map_err(|_| GivesUp))?,
        ),
        ("avg", _) => Edn::from(mean(&doubles(&cells)?)),
        ("variance", _) => Edn::from(variance(&small(doubles(&cells)?)?)),
        ("stddev", _) => Edn::from(variance(&small(doubles(&cells)?)?).sqrt()),
        ("median", _) => {
            sort(&mut cells)?;
            let middle = cells.len() / 2;
            let all = doubles(&cells)?;
            match cells.len() % 2 {
                1 => Edn::Value(cells[middle].clone()),
                _ => Edn::from(mean(&all[middle - 1..=middle])),
            }
        }
        ("min" | "max", number) => {
            sort(&mut cells)?;
            if name == "max" {
                cells.reverse();
            }
            match number {
                None => Edn::Value(cells[0].clone()),
                Some(number) => {
                    cells.truncate(number);
                    Edn::Vector(forms(cells))
                }
            }
        }
        _ => return Err(GivesUp),
    })
}

trait FromValue {
    fn from_value(value: Value) -> Self;
}

impl FromValue for Form {
    fn from_value(value: Value) -> Self {
        Self::from(Edn::Value(value))
    }
}

fn sort(cells: &mut [Value]) -> Outcome<()> {
    for cell in cells.iter() {
        order(&cells[0], cell).map_err(|_| GivesUp)?;
    }
    cells.sort_by(total_order);
    Ok(())
}

fn doubles(cells: &[Value]) -> Outcome<Vec<f64>> {
    cells.iter().map(|cell| double(cell).map_err(|_| GivesUp)).collect()
}

/// Numbers whose variance does not drown in what their mean is rounded by, as that of entities does.
fn small(numbers: Vec<f64>) -> Outcome<Vec<f64>> {
    let all = numbers.iter().all(|number| !number.is_finite() || number.abs() < 1e6);
    if all { Ok(numbers) } else { Err(GivesUp) }
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn variance(numbers: &[f64]) -> f64 {
    let mean = mean(numbers);
    numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / numbers.len() as f64
}

/// What is wrong with rows that should be an answer, if anything is.
pub(crate) fn difference(
    find: &Find,
    mut expected: Vec<Vec<Edn>>,
    found: &[Vec<Edn>],
) -> Outcome<Option<String>> {
    let rest = expected.len().saturating_sub(find.offset.unwrap_or(0));
    let count = find.rows_max().min(rest);
    if found.len() != count {
        return Ok(Some(format!("{count} rows expected, found {}", found.len())));
    }
    if let Some(difference) = foreign(find, &expected, found)? {
        return Ok(Some(difference));
    }
    // What is not shown of a row stands in the expected one.
    let whole = |row: &Vec<Edn>| {
        let own = expected.iter().find(|own| same_row(find, own, row));
        own.unwrap_or(row).clone()
    };
    let whole: Vec<Vec<Edn>> = match find.hidden.is_empty() {
        true => found.to_vec(),
        false => found.iter().map(whole).collect(),
    };
    let found = &whole;
    expected.sort_by(|a, b| compare(find, a, b));
    let page = expected.iter().skip(find.offset.unwrap_or(0));
    let unlike = found.iter().zip(page).find(|(a, b)| is_elsewhere(find, a, b));
    Ok(unlike.map(|(found, expected)| {
        format!("out of order: found {}, expected {}", text(found), text(expected))
    }))
}

/// Whether an answer as EDN shows its rows as the query says.
pub(crate) fn is_shown(find: &Find, answer: &Edn, rows: &[Vec<Edn>]) -> bool {
    let row = |row: &Vec<Edn>| {
        let cells = row.iter().cloned().map(Form::from);
        let key = |at| Form::from(Edn::from(Keyword::new(format!("key{at}"))));
        Form::from(match find.keys {
            true => Edn::Map((0..row.len()).map(key).zip(cells).collect()),
            false => Edn::Vector(cells.collect()),
        })
    };
    let same = |forms: &[Form]| forms.iter().eq(rows.iter().map(row).collect::<Vec<_>>().iter());
    match (find.shape, answer) {
        (Shape::Relation, Edn::Set(forms)) => !find.keys && find.order.is_empty() && same(forms),
        (Shape::Relation, Edn::Vector(forms)) => {
            (find.keys || !find.order.is_empty()) && same(forms)
        }
        (Shape::Collection, Edn::Vector(forms)) => {
            forms.iter().map(|form| &form.edn).eq(rows.iter().map(|row| &row[0]))
        }
        (Shape::Tuple, shown) => rows.first().map_or(Edn::Nil, |own| row(own).edn) == *shown,
        (Shape::Scalar, shown) => rows.first().map_or(&Edn::Nil, |row| &row[0]) == shown,
        _ => false,
    }
}

/// Rows that are not expected, or there twice.
fn foreign(find: &Find, expected: &[Vec<Edn>], found: &[Vec<Edn>]) -> Outcome<Option<String>> {
    let mut seen = BTreeSet::new();
    if !find.aggregates() {
        let values = |row: &Vec<Edn>| -> Option<Vec<Value>> { row.iter().map(plain).collect() };
        let all: BTreeSet<Vec<Value>> = expected.iter().filter_map(values).collect();
        let wrong = |row: &&Vec<Edn>| {
            values(row).is_none_or(|row| !all.contains(&row) || !seen.insert(row))
        };
        return Ok(found.iter().find(wrong).map(|row| format!("foreign or twice: {}", text(row))));
    }
    if expected.len() > GROUPS_MAX {
        return Err(GivesUp);
    }
    let wrong = |row: &&Vec<Edn>| {
        let at = expected.iter().position(|own| same_row(find, own, row));
        at.is_none_or(|at| !seen.insert(vec![Value::Long(at as i64)]))
    };
    Ok(found.iter().find(wrong).map(|row| format!("foreign or twice: {}", text(row))))
}

fn same_row(find: &Find, a: &[Edn], b: &[Edn]) -> bool {
    let same = |((element, a), b): ((&Element, &Edn), &Edn)| match element {
        Element::Var(_) => plain(a) == plain(b),
        Element::Aggregate(..) => alike(a, b),
    };
    find.elements.len() == b.len() && find.elements.iter().zip(a).zip(b).all(same)
}

/// Whether results of aggregates are the same but for the order in which they met the cells.
fn alike(a: &Edn, b: &Edn) -> bool {
    match (a, b) {
        (Edn::Value(Value::Double(a)), Edn::Value(Value::Double(b))) => {
            a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
        }
        (Edn::Set(a), Edn::Set(b)) => {
            let same = |a: &Form, b: &Form| plain(&a.edn) == plain(&b.edn);
            a.len() == b.len() && a.iter().all(|a| b.iter().any(|b| same(a, b)))
        }
        _ => match (plain(a), plain(b)) {
            (Some(a), Some(b)) => alike_values(&a, &b),
            _ => false,
        },
    }
}

fn alike_values(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Tuple(a), Value::Tuple(b)) => {
            let same = |(a, b): (&Option<Value>, &Option<Value>)| match (a, b) {
                (Some(a), Some(b)) => alike_values(a, b),
                (a, b) => a == b,
            };
            a.len() == b.len() && a.iter().zip(b.iter()).all(same)
        }
        _ => a == b || equal(a, b) || (is_nan(a) && is_nan(b)),
    }
}

fn compare(find: &Find, a: &[Edn], b: &[Edn]) -> Ordering {
    let unequal = find.order.iter().map(|key| by_key(key, a, b)).find(|order| order.is_ne());
    unequal.unwrap_or(Ordering::Equal)
}

fn by_key((at, descending): &(usize, bool), a: &[Edn], b: &[Edn]) -> Ordering {
    match (plain(&a[*at]), plain(&b[*at])) {
        (Some(a), Some(b)) => {
            let order = total_order(&a, &b);
            if *descending { order.reverse() } else { order }
        }
        _ => Ordering::Equal,
    }
}

/// Whether one row cannot stand where the other does. They are compared up to the first double that
/// an aggregate has made: its last bits hang on the sequence in which it met the cells, and so
/// does what comes after it.
fn is_elsewhere(find: &Find, a: &[Edn], b: &[Edn]) -> bool {
    for key in &find.order {
        let at = key.0;
        let is_rounded = matches!(find.element(at), Element::Aggregate(..))
            && matches!(a[at], Edn::Value(Value::Double(_)));
        if is_rounded {
            return !alike(&a[at], &b[at]);
        }
        if by_key(key, a, b).is_ne() {
            return true;
        }
    }
    false
}

pub(crate) fn text(row: &[Edn]) -> String {
    let cells: Vec<String> = row.iter().map(Edn::to_string).collect();
    format!("[{}]", cells.join(" "))
}
