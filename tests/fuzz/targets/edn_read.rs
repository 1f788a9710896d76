//! Any text is read or refused; what is read comes back from every way of printing it.
#![no_main]

use duramen_model::edn::{Limits, de, read, read_all};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let forms = match read_all(text, Limits::default()) {
        Ok(forms) => forms,
        Err(error) => {
            assert!(text.is_char_boundary(error.offset));
            return;
        }
    };
    for form in forms {
        let printed = form.to_string();
        assert_eq!(read(&printed).as_ref(), Ok(&form));
        assert_eq!(read(&form.edn.pretty(40).to_string()).as_ref(), Ok(&form));
        assert_eq!(form.cmp(&form), std::cmp::Ordering::Equal);
        if let Some(value) = form.edn.to_value() {
            assert_eq!(value.to_string(), printed);
        }
        let json = serde_json::to_string(&form).expect("every key becomes a string");
        let _ = de::from_edn::<serde_json::Value>(&form);
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(&json).is_ok());
    }
});
