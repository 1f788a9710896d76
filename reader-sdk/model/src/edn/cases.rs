//! What the reader takes and refuses, as tables of text.

use super::read::read;

/// Text, and how it is printed after it was read; empty where it is printed as it was.
const READ: &[(&str, &str)] = &[
    // Constants and white space.
    ("nil", "nil"),
    ("true", "true"),
    ("false", "false"),
    (" ,\t\r\n\u{a0}nil ; comment", "nil"),
    ("\u{feff}nil \u{feff};\n\u{feff}", "nil"),
    ("; first\n[1 ;second\n 2]; third", "[1 2]"),
    ("[1,2,,3]", "[1 2 3]"),
    // Integers.
    ("0", "0"),
    ("-0", "0"),
    ("+7", "7"),
    ("-12", "-12"),
    ("9223372036854775807", "9223372036854775807"),
    ("-9223372036854775808", "-9223372036854775808"),
    ("9223372036854775808", "9223372036854775808N"),
    ("-9223372036854775809", "-9223372036854775809N"),
    ("7N", "7N"),
    ("0N", "0N"),
    ("0xff", "255"),
    ("-0XFF", "-255"),
    ("0xffN", "255N"),
    ("0xffffffffffffffff", "18446744073709551615N"),
    ("017", "15"),
    ("-017N", "-15N"),
    ("00", "0"),
    ("2r101", "5"),
    ("-36rZz", "-1295"),
    ("36rN", "23"),
    // Floating point numbers.
    ("1.5", "1.5"),
    ("-0.0", "-0.0"),
    ("1.", "1.0"),
    ("007.25", "7.25"),
    ("1e3", "1000.0"),
    ("1E-7", "1e-7"),
    ("1.5e+300", "1.5e300"),
    ("0.1", "0.1"),
    ("1e16", "1e16"),
    ("5e-324", "5e-324"),
    ("##Inf", "##Inf"),
    ("##-Inf", "##-Inf"),
    ("##NaN", "##NaN"),
    // Decimals keep their digits.
    ("1M", "1M"),
    ("1.50M", "1.50M"),
    ("-0.05M", "-0.05M"),
    ("0.000M", "0.000M"),
    ("1e3M", "1E+3M"),
    ("123e3M", "1.23E+5M"),
    ("1e-9M", "1E-9M"),
    ("0.0000001M", "1E-7M"),
    // Strings.
    (r#""""#, r#""""#),
    (r#""a b""#, r#""a b""#),
    (r#""\t\r\n\b\f\\\"""#, r#""\t\r\n\b\f\\\"""#),
    (r#""\u0041\u00e9""#, r#""Aé""#),
    (r#""\ud83d\ude00""#, r#""😀""#),
    (r#""\0\101\377""#, r#""\u0000Aÿ""#),
    (r#""\1018""#, r#""A8""#),
    ("\"two\nlines\"", r#""two\nlines""#),
    ("\"; no comment\"", "\"; no comment\""),
    ("[\"a\"\"b\"]", "[\"a\" \"b\"]"),
    // Characters.
    (r"\a", r"\a"),
    (r"\newline", r"\newline"),
    (r"[\return \space \tab \formfeed \backspace]", r"[\return \space \tab \formfeed \backspace]"),
    (r"\u0041", r"\A"),
    (r"\u", r"\u"),
    (r"\o", r"\o"),
    (r"\o101", r"\A"),
    (r"\😀", r"\😀"),
    (r"[\(\)\[\]\{\}\;\,\\\#\@]", r"[\( \) \[ \] \{ \} \; \, \\ \# \@]"),
    ("\\\"", "\\\""),
    (r"\u0000", r"\u0000"),
    (r"\u2028", r"\u2028"),
    (r"\ufeff", "\\\u{feff}"),
    // Names.
    ("[/ ... _ * % ?x $ $db .foo <= -> - + . -a +a .a -.a]", ""),
    ("[a/b clojure.string/blank? clojure.core// a:b a' a#b a|b é/ü 日本]", ""),
    ("[nil? true/x nil/false falsey]", ""),
    ("[:a :a/b :a.b/c-d :_ :_/x :2024 :size/2x :a:b :+ :-1 :% :?x :é :a/*]", ""),
    ("[a\"b\":c[d]e]", "[a \"b\" :c [d] e]"),
    // Collections.
    ("()", "()"),
    ("[]", "[]"),
    ("{}", "{}"),
    ("#{}", "#{}"),
    ("(1 [2 {3 #{4}}])", "(1 [2 {3 #{4}}])"),
    ("{:a 1, :b 2}", "{:a 1 :b 2}"),
    ("#{1 1N 1.0 1M \"1\" \\1 :1}", ""),
    ("{[1] 1 (1) 2 #{1} 3 {1 1} 4}", ""),
    // Namespaced maps.
    ("#:p{:a 1 :q/b 2 :_/c 3 d 4 \"e\" 5}", "{:p/a 1 :q/b 2 :c 3 p/d 4 \"e\" 5}"),
    ("#:p {:a {:b :c}}", "{:p/a {:b :c}}"),
    ("#:p{}", "{}"),
    ("#:p{/ 1 _// 2 :_/_ 3 :7 4}", "{p// 1 / 2 :_ 3 :p/7 4}"),
    // Discards.
    ("[1 #_2 3]", "[1 3]"),
    ("[1 #_ #_ 2 3 4]", "[1 4]"),
    ("[1 #_ [2 #_ 3] 4]", "[1 4]"),
    ("#_ 1 2 #_ 3", "2"),
    ("{:a #_ 1 2 #_ :b}", "{:a 2}"),
    ("#_ #foo 1 2", "2"),
    ("[#_#inst \"2020\" 1]", "[1]"),
    ("#foo #_ 1 2", "#foo 2"),
    // Tags.
    ("#inst \"2021-01-01\"", "#inst \"2021-01-01T00:00:00.000Z\""),
    ("#inst\"2021-01-01T01:00:00.5+01:00\"", "#inst \"2021-01-01T00:00:00.500Z\""),
    (
        "#uuid \"F81D4FAE-7dec-11d0-a765-00a0c91e6bf6\"",
        "#uuid \"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"",
    ),
    ("#uri \"https://example.org/a?b\"", ""),
    ("#bytes \"00fF\"", "#bytes \"00ff\""),
    ("#bytes \"\"", ""),
    ("#my/tag [1 2]", ""),
    ("#a #b c", "#a #b c"),
    ("[#a{}#b()]", "[#a {} #b ()]"),
];

/// Text that is refused, and where and why.
const REFUSED: &[(&str, &str)] = &[
    ("", "1:1 a form | the end of the text"),
    ("#_ 1", "1:5 a form | the end of the text"),
    ("1 2", "1:3 the end of the text after one form | `2`"),
    ("[1 2", "1:5 `]` to close the vector opened at line 1, column 1 | the end of the text"),
    ("\n (é\n", "3:1 `)` to close the list opened at line 2, column 2 | the end of the text"),
    ("[é (1]", "1:6 `)` to close the list opened at line 1, column 4 | `]`"),
    (")", "1:1 a form | `)`"),
    ("[#_]", "1:4 a form after `#_` | `]`"),
    ("[#foo]", "1:6 a form after the tag #foo | `]`"),
    ("#inst", "1:6 a form after the tag #inst | the end of the text"),
    ("{:a}", "1:4 a value for the key `:a` | `}`"),
    ("{:a 1 :b #_2}", "1:13 a value for the key `:b` | `}`"),
    ("{:a 1 :b 2 :a 3}", "1:12 each key once | `:a` again"),
    ("{[1 #{2 3}] 1 [1 #{3 2}] 2}", "1:15 each key once | `[1 #{3 2}]` again"),
    ("#{1 2 1}", "1:7 each member once | `1` again"),
    ("#{{:a #{1 2} :b 2} {:b 2 :a #{2 1}}}", "1:20 each member once | `{:b 2 :a #{2 1}}` again"),
    ("#{#inst \"2020\" #inst \"2020-01\"}", "1:16 each member once | `#inst \"2020-01\"` again"),
    ("#{#a 1 #b 1 #a 1}", "1:13 each member once | `#a 1` again"),
    ("#{1.0M 1.00M}", "1:8 each member once | `1.00M` again"),
    ("#:p{:a 1 :p/a 2}", "1:10 each key once | `:p/a` again"),
    ("1a", "1:1 a number | `1a`"),
    ("-1x", "1:1 a number | `-1x`"),
    ("1.2.3", "1:1 a number | `1.2.3`"),
    ("1e", "1:1 a number | `1e`"),
    ("1/2", "1:1 a number: EDN has no ratios, write 0.5 or 0.5M | `1/2`"),
    ("089", "1:1 octal digits: an integer that begins with 0 is octal | `089`"),
    ("0x", "1:1 digits of radix 16 | `0x`"),
    ("0xg", "1:1 digits of radix 16 | `0xg`"),
    ("2r12", "1:1 digits of radix 2 | `2r12`"),
    ("37r1", "1:1 a radix from 2 to 36 | `37r1`"),
    ("1e999", "1:1 a number that a double can hold (write ##Inf for infinity) | `1e999`"),
    ("1e99999M", "1:1 a decimal with an exponent within 10000 | `1e99999M`"),
    (
        "1e99999999999999999999M",
        "1:1 a decimal with an exponent within 10000 | \
      `1e99999999999999999999M`",
    ),
    ("##Infinity", "1:1 ##Inf, ##-Inf or ##NaN | `##Infinity`"),
    (".5", "1:1 a name, or a number with a digit before the point | `.5`"),
    ("\"abc", "1:5 `\"` to close the string opened at line 1, column 1 | the end of the text"),
    ("\"abc\\", "1:6 `\"` to close the string opened at line 1, column 1 | the end of the text"),
    (r#""a\qb""#, r#"1:3 one of the escapes \t \r \n \b \f \\ \" \uXXXX \NNN | `\q`"#),
    (r#""\u00g0""#, r"1:2 \u and four hexadecimal digits | `\u00g0`"),
    (r#""\u00""#, r#"1:2 \u and four hexadecimal digits | `\u00"`"#),
    (r#""\ud83d""#, r"1:2 both halves of a surrogate pair, as in \ud83d\ude00 | `\ud83d`"),
    (r#""\ude00""#, r"1:2 both halves of a surrogate pair, as in \ud83d\ude00 | `\ude00`"),
    (r#""\ud83d\u0041""#, r"1:2 both halves of a surrogate pair, as in \ud83d\ude00 | `\ud83d`"),
    (r#""\400""#, r"1:2 an octal escape up to \377 | `\400`"),
    (r"\ud83d", r"1:1 \u with the four hexadecimal digits of a character | `\ud83d`"),
    (r"\u12", r"1:1 \u with the four hexadecimal digits of a character | `\u12`"),
    (r"\o400", r"1:1 \o with an octal number up to 377 | `\o400`"),
    (
        r"\ab",
        "1:1 a single character or one of newline, return, space, tab, formfeed, backspace, \
      uXXXX, oNNN | `\\ab`",
    ),
    (r"\ ", r"1:1 a character after `\`, such as \space | white space"),
    ("\\", r"1:1 a character after `\`, such as \space | the end of the text"),
    ("a/", "1:1 a name on both sides of the slash | `a/`"),
    ("/a", "1:1 a name on both sides of the slash | `/a`"),
    ("a/b/c", "1:1 one slash, between a namespace and a name | `a/b/c`"),
    (":", "1:1 a name | `:`"),
    ("::a", "1:1 a keyword with one colon: EDN has no `::`, write the namespace out | `::a`"),
    (":/", "1:1 a keyword whose name does not begin with a slash | `:/`"),
    (":a/", "1:1 a name on both sides of the slash | `:a/`"),
    ("a::b", "1:1 a name with single colons only, and none at its end | `a::b`"),
    ("'a", "1:1 a form: EDN needs no quote, write the form itself | `'`"),
    ("^:a b", "1:1 a form: metadata is not supported, leave it out | `^`"),
    ("@a", "1:1 a form | `@`"),
    ("#\"a\"", "1:1 a form: EDN has no regex literal, write (re-pattern \"…\") | `#\"`"),
    ("#(inc %)", "1:1 a form: EDN has no function literal | `#(`"),
    ("#", "1:1 `{`, `_`, `:`, `##Inf` or a tag that begins with a letter after `#` | `#`"),
    ("#1", "1:1 `{`, `_`, `:`, `##Inf` or a tag that begins with a letter after `#` | `#1`"),
    ("#::p{:a 1}", "1:1 a map with its namespace written out: EDN has no `#::` | `#::p`"),
    ("#:a/b{:a 1}", "1:1 one slash, between a namespace and a name | `#:a/b`"),
    ("#:2p{:a 1}", "1:1 a name that does not begin with a digit | `#:2p`"),
    ("#:p{_/nil 1}", "1:5 a symbol other than nil, true and false | `nil`"),
    ("#:p{:_// 1}", "1:5 a keyword whose name does not begin with a slash | `/`"),
    ("#nil 1", "1:1 a tag: a symbol other than nil, true and false | `#nil`"),
    ("#:p [1]", "1:5 `{` after the namespace of a map | `[`"),
    ("#:p", "1:4 `{` after the namespace of a map | the end of the text"),
    (
        "[#inst \"yesterday\"]",
        "1:8 a string such as \"2024-05-01T12:30:00.000Z\" after #inst | \"yesterday\"",
    ),
    ("#inst 7", "1:7 a string such as \"2024-05-01T12:30:00.000Z\" after #inst | an integer"),
    (
        "#uuid \"7\"",
        "1:7 a string such as \"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\" after #uuid | \"7\"",
    ),
    ("#bytes \"0\"", "1:8 a string of pairs of hexadecimal digits after #bytes | \"0\""),
    (
        "a\u{0}b",
        "1:1 a name of letters, digits and . * + ! - _ ? $ % & = < > : # ' | | \
      `a\\u{0}b`",
    ),
];

#[test]
fn reads_and_prints() {
    for (text, printed) in READ {
        let printed = if printed.is_empty() { text } else { printed };
        let form = read(text).expect(text);
        assert_eq!(form.to_string(), *printed, "of {text}");
        let again = read(printed).expect(printed);
        assert_eq!(again, form, "of {text}");
        assert_eq!(again.to_string(), *printed);
    }
}

#[test]
fn refuses_and_says_why() {
    for (text, why) in REFUSED {
        let error = read(text).expect_err(text);
        let shown = format!("{}:{} {} | {}", error.line, error.column, error.expected, error.found);
        assert_eq!(shown, *why, "of {text}");
    }
}
