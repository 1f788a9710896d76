//! Numbers, as Clojure writes them.

use std::sync::Arc;

use bigdecimal::BigDecimal;
use num_bigint::BigInt;

use crate::Value;

/// Decimals whose exponent is beyond this are refused: comparing them takes memory in proportion.
const EXPONENT_MAX: i64 = 10_000;

/// A number taken apart: sign, then what follows it.
struct Signed<'a> {
    negative: bool,
    body: &'a str,
}

/// Reads a token that begins with a digit, or with a sign and a digit. Says what is wrong with it.
pub(super) fn parse(token: &str, digits_max: usize) -> Result<Value, String> {
    if token.len() > digits_max {
        return Err(format!("a number of at most {digits_max} digits"));
    }
    let signed = match token.as_bytes()[0] {
        b'-' => Signed { negative: true, body: &token[1..] },
        b'+' => Signed { negative: false, body: &token[1..] },
        _ => Signed { negative: false, body: token },
    };
    if let Some((digits, radix)) = radix_of(signed.body) {
        return integer(digits, radix, signed.negative, signed.body);
    }
    if signed.body.contains('/') {
        return Err("a number: EDN has no ratios, write 0.5 or 0.5M".into());
    }
    if let Some(decimal) = signed.body.strip_suffix('M') {
        return big_decimal(decimal, signed.negative);
    }
    double(token, signed.body)
}

/// The digits and the radix, if the body is that of an integer.
fn radix_of(body: &str) -> Option<(&str, u32)> {
    if let Some(hex) = body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
        return Some((hex, 16));
    }
    if let Some((radix, digits)) = body.split_once(['r', 'R'])
        && let Ok(radix) = radix.parse()
    {
        return Some((digits, radix));
    }
    let digits = body.strip_suffix('N').unwrap_or(body);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match digits.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => Some((&body[1..], 8)),
        _ => Some((body, 10)),
    }
}

/// Reads an integer: a long if it fits and has no `N`, as in Clojure.
fn integer(digits: &str, radix: u32, negative: bool, body: &str) -> Result<Value, String> {
    if !(2..=36).contains(&radix) {
        return Err("a radix from 2 to 36".into());
    }
    let (digits, big) = match digits.strip_suffix('N') {
        Some(digits) if !body.contains(['r', 'R']) => (digits, true),
        _ => (digits, false),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(match radix {
            8 if !body.contains(['r', 'R']) => {
                "octal digits: an integer that begins with 0 is octal".into()
            }
            _ => format!("digits of radix {radix}"),
        });
    }
    let magnitude = BigInt::parse_bytes(digits.as_bytes(), radix)
        .ok_or_else(|| format!("digits of radix {radix}"))?;
    let number = if negative { -magnitude } else { magnitude };
    Ok(match i64::try_from(&number) {
        Ok(long) if !big => Value::Long(long),
        _ => Value::BigInt(Arc::new(number)),
    })
}

/// `digits [. digits] [e exponent]`, taken apart.
struct Decimal<'a> {
    whole: &'a str,
    fraction: &'a str,
    exponent: &'a str,
}

fn decimal_parts(body: &str) -> Result<Decimal<'_>, String> {
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (body, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_ok = exponent.is_none_or(|exponent| {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !unsigned.is_empty() && digits(unsigned)
    });
    if whole.is_empty() || !digits(whole) || !digits(fraction) || !exponent_ok {
        return Err("a number".into());
    }
    Ok(Decimal { whole, fraction, exponent: exponent.unwrap_or("0") })
}

fn double(token: &str, body: &str) -> Result<Value, String> {
    decimal_parts(body)?;
    match token.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Value::Double(number)),
        Ok(_) => Err("a number that a double can hold (write ##Inf for infinity)".into()),
        Err(_) => Err("a number".into()),
    }
}

fn big_decimal(body: &str, negative: bool) -> Result<Value, String> {
    let Decimal { whole, fraction, exponent } = decimal_parts(body)?;
    let too_far = || format!("a decimal with an exponent within {EXPONENT_MAX}");
    let exponent: i64 = exponent.parse().map_err(|_| too_far())?;
    let fraction_digits = i64::try_from(fraction.len()).map_err(|_| too_far())?;
    let scale = fraction_digits.checked_sub(exponent).ok_or_else(too_far)?;
    if scale.abs() > EXPONENT_MAX {
        return Err(too_far());
    }
    let digits = BigInt::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10)
        .ok_or_else(|| String::from("a number"))?;
    let digits = if negative { -digits } else { digits };
    Ok(Value::BigDec(Arc::new(BigDecimal::new(digits, scale))))
}
